// SPDX-License-Identifier: MIT
/// \file
/// The Gaussian fit on a simulated sky, through detection and measurement, against the Cramer-Rao bound of every star.
/// Statistics: N = 20,000 stars in all, x and y give 40,000 errors, so an RMS is known to 1 / sqrt(2 * 40,000) = 0.35
/// %; a cell of 5,000 stars to 0.71 %.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "sky_model.hpp"

namespace starflow {
namespace {

constexpr std::size_t kStarsPerCell = 5000;
constexpr double kCellError = 0.0071;  // 1 sigma of an RMS over 2 * 5,000 errors

struct Score {
  std::size_t n = 0, missed = 0, flagged = 0;
  double error = 0, pull = 0;               // sums of squares in units of the bound, of the reported error
  double mean_pull_x = 0, mean_pull_y = 0;  // sums
  double flux_pull = 0, flux_bias = 0;

  double rms_over_bound() const { return std::sqrt(error / (2 * static_cast<double>(n))); }
  double rms_pull() const { return std::sqrt(pull / (2 * static_cast<double>(n))); }
};

double square(double v) { return v * v; }

/// The measured star nearest to (x, y), within \p reach; stars.size() = none.
std::size_t nearest(const StarTable& stars, double x, double y, double reach) {
  std::size_t best = stars.size();
  double distance = reach;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const double d = std::hypot(stars.x[i] - x, stars.y[i] - y);
    if (d < distance) {
      distance = d;
      best = i;
    }
  }
  return best;
}

/// Detects and measures one frame as the graph does.
void measure_frame(const SkyModel::Picture& picture,
                   const Detector& detector,
                   MeasureWorkspace& workspace,
                   StarTable& stars) {
  const Frame frame = Frame::copy(picture.image, {});
  const FrameView view = frame.view();
  const Background background = estimate_background(view, {}, serial_for);
  const Detections found = detect(view, background, detector, {}, serial_for);
  measure(view, background, detector, found, {}, serial_for, workspace, stars);
}

void add(const Truth& truth, const StarTable& stars, double fwhm, Score& score) {
  constexpr Flags kFailed = flag::fallback_method | flag::no_convergence | flag::no_covariance;
  for (std::size_t i = 0; i < truth.x.size(); ++i) {
    if (!truth.isolated[i]) continue;  // decided by the drawn positions alone
    const std::size_t k = nearest(stars, truth.x[i], truth.y[i], fwhm);
    if (k == stars.size()) {
      ++score.missed;
      continue;
    }
    ++score.n;
    if ((stars.flags[k] & kFailed) != 0) {
      ++score.flagged;
      continue;
    }
    const double dx = stars.x[k] - truth.x[i], dy = stars.y[k] - truth.y[i];
    score.error += square(dx / truth.x_crlb[i]) + square(dy / truth.y_crlb[i]);
    score.pull += square(dx / stars.x_err[k]) + square(dy / stars.y_err[k]);
    score.mean_pull_x += dx / stars.x_err[k];
    score.mean_pull_y += dy / stars.y_err[k];
    score.flux_pull += square((stars.flux[k] - truth.flux[i]) / stars.flux_err[k]);
    score.flux_bias += (stars.flux[k] - truth.flux[i]) / truth.flux[i];
  }
}

SkyOptions sky(double fwhm_px) {
  SkyOptions o;
  o.width = o.height = 1024;
  o.stars = 250;
  o.fwhm_px = fwhm_px;
  o.snr_min = 30;
  o.snr_max = 1000;
  o.background_adu = 300;
  o.pedestal_adu = 500;
  o.gain_e_per_adu = 1.5;
  o.read_noise_e = 5;
  o.saturation_adu = 65535;
  o.min_separation = 6;
  o.seed = 20260101;
  return o;
}

struct Cell {
  double fwhm_px;
};
void PrintTo(const Cell& cell, std::ostream* out) { *out << "fwhm " << cell.fwhm_px << " px"; }

class GaussianOnTheSky : public ::testing::TestWithParam<Cell> {};

TEST_P(GaussianOnTheSky, ReachesTheCramerRaoBoundWithHonestErrors) {
  const SkyOptions options = sky(GetParam().fwhm_px);
  const SkyModel model(options);
  const Detector detector{options.gain_e_per_adu, options.read_noise_e, options.saturation_adu};
  MeasureWorkspace workspace;
  StarTable stars;
  Score score;
  for (std::uint64_t frame = 0; score.n + score.missed < kStarsPerCell; ++frame) {
    const SkyModel::Picture picture = model.draw(frame);
    measure_frame(picture, detector, workspace, stars);
    add(picture.truth, stars, options.fwhm_px, score);
  }
  const double n = static_cast<double>(score.n);
  RecordProperty("rms_over_bound", std::to_string(score.rms_over_bound()));
  std::cout << "fwhm " << options.fwhm_px << ": N " << score.n << ", missed " << score.missed << ", flagged "
            << score.flagged << ", RMS/bound " << score.rms_over_bound() << ", RMS pull " << score.rms_pull()
            << ", mean pull " << score.mean_pull_x / n << ", " << score.mean_pull_y / n << ", flux pull "
            << std::sqrt(score.flux_pull / n) << ", flux bias " << score.flux_bias / n << '\n';
  EXPECT_EQ(score.missed, 0U);
  EXPECT_EQ(score.flagged, 0U);
  EXPECT_LE(score.rms_over_bound(), 1.05);
  EXPECT_GE(score.rms_over_bound(), 1 - 4 * kCellError)
      << "better than physics allows: the bound or the scoring is wrong";
  EXPECT_NEAR(score.rms_pull(), 1, 0.05);
  EXPECT_LT(std::abs(score.mean_pull_x / n), 4 / std::sqrt(n));
  EXPECT_LT(std::abs(score.mean_pull_y / n), 4 / std::sqrt(n));
}

INSTANTIATE_TEST_SUITE_P(Fwhm,
                         GaussianOnTheSky,
                         ::testing::Values(Cell{2.5}, Cell{3}, Cell{4}, Cell{5}),
                         [](const auto& cell) {
                           return "Fwhm" + std::to_string(static_cast<int>(10 * cell.param.fwhm_px));
                         });

}  // namespace
}  // namespace starflow
