// SPDX-License-Identifier: MIT
#include <starflow/core/detect.hpp>

#include <starflow/core/measure.hpp>

#include "matched_filter.hpp"
#include "watershed.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace starflow {
namespace {

constexpr double kTypicalFwhm = 3;       // the filter's, px, where the frame tells nothing
constexpr double kExtendFraction = 0.6;  // of the threshold: how far down a star's pixels are followed

/// Sums over the pixels of one basin.
struct Candidate {
  double x = 0, y = 0;  // seed
  double flux = 0, peak = 0;
  double weight = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;  // smoothed, above the isophote, about the seed
  std::int32_t n_pix = 0, n_above = 0;
  Flags flags = 0;
};

/// Offset of the extremum of the parabola through three values, within half a pixel.
double parabola_offset(double left, double middle, double right) {
  const double curvature = left - 2 * middle + right;
  return curvature < 0 ? std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5) : 0.0;
}

class Finder {
 public:
  Finder(const FrameView& frame, const Background& background, const Detector& detector, const DetectOptions& options)
      : frame_(frame),
        background_(background),
        detector_(detector),
        options_(options),
        // One level for the frame, as SExtractor's. From the local noise, windows on a Kepler frame gave positions
        // 0.0026 px (median) from SEP's, with this 0.0015.
        isophote_(options.threshold_sigma *
                  (background.reliable() ? background.median_noise() : background.noise(0, 0))),
        width_(static_cast<std::size_t>(frame.width)) {}

  Detections run(double fwhm_px, ParallelFor parallel) {
    plane_ = matched_filter(frame_, background_, fwhm_px, parallel);
    WatershedOptions flood;
    flood.floor = static_cast<float>(kExtendFraction * options_.threshold_sigma);
    flood.prominence = static_cast<float>(options_.prominence);
    const Basins basins = watershed(plane_, frame_.width, frame_.height, flood);
    seed(basins);
    visit_pixels(frame_, [&](auto pixels) { accumulate(pixels, basins); });
    return collect();
  }

 private:
  /// Basins come in falling height, so those above the threshold are the first ones.
  void seed(const Basins& basins) {
    for (const Basin& b : basins.basins) {
      if (b.height < static_cast<float>(options_.threshold_sigma)) break;
      Candidate c;
      const auto x = static_cast<std::ptrdiff_t>(b.peak % width_), y = static_cast<std::ptrdiff_t>(b.peak / width_);
      const auto at = [&](std::ptrdiff_t i, std::ptrdiff_t j) {
        const auto p = std::clamp<std::ptrdiff_t>(x + i, 0, frame_.width - 1);
        const auto q = std::clamp<std::ptrdiff_t>(y + j, 0, frame_.height - 1);
        return static_cast<double>(plane_[static_cast<std::size_t>(q) * width_ + static_cast<std::size_t>(p)]);
      };
      c.x = static_cast<double>(x) + parabola_offset(at(-1, 0), at(0, 0), at(1, 0));
      c.y = static_cast<double>(y) + parabola_offset(at(0, -1), at(0, 0), at(0, 1));
      if (b.touches_other) c.flags |= flag::blended;
      candidates_.push_back(c);
    }
  }

  template <class T>
  void accumulate(Plane<T> pixels, const Basins& basins) {
    for (std::size_t k = 0; k < basins.pixels.size(); ++k) {
      const auto b = static_cast<std::size_t>(basins.basin_of[k]);
      if (b >= candidates_.size()) continue;
      Candidate& c = candidates_[b];
      const int x = static_cast<int>(basins.pixels[k] % width_), y = static_cast<int>(basins.pixels[k] / width_);
      const T value = pixels.row(y)[x];
      ++c.n_above;
      if (x == 0 || y == 0 || x == frame_.width - 1 || y == frame_.height - 1) c.flags |= flag::edge;
      if (!is_valid(frame_, x, y, value)) {
        c.flags |= flag::bad_pixel;
        continue;
      }
      if (static_cast<double>(value) >= detector_.saturation_adu) c.flags |= flag::saturated;
      const double signal = static_cast<double>(value) - background_.level(x, y);
      c.flux += signal;
      c.peak = std::max(c.peak, signal);
      if (const double soft = smoothed(pixels, x, y); soft > isophote_) {
        const double dx = x - c.x, dy = y - c.y;
        c.weight += soft;
        c.sx += soft * dx;
        c.sy += soft * dy;
        c.sxx += soft * dx * dx;
        c.syy += soft * dy * dy;
        c.sxy += soft * dx * dy;
      }
      ++c.n_pix;
    }
  }

  /// Signal at (x, y) smoothed by the 3x3 binomial kernel, over its valid pixels.
  template <class T>
  double smoothed(Plane<T> pixels, int x, int y) const {
    double sum = 0, weight = 0;
    for (int j = std::max(0, y - 1); j <= std::min(frame_.height - 1, y + 1); ++j) {
      for (int i = std::max(0, x - 1); i <= std::min(frame_.width - 1, x + 1); ++i) {
        const T value = pixels.row(j)[i];
        if (!is_valid(frame_, i, j, value)) continue;
        const double w = (i == x ? 2 : 1) * (j == y ? 2 : 1);
        sum += w * static_cast<double>(value);
        weight += w;
      }
    }
    return sum / weight - background_.level(x, y);
  }

  Detections collect() {
    Detections d;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (candidates_[i].n_above < options_.min_pixels) {
        ++d.rejected_small;
      } else {
        order.push_back(i);
      }
    }
    std::ranges::sort(order, [this](std::size_t a, std::size_t b) {
      const Candidate &p = candidates_[a], &q = candidates_[b];
      if (p.flux != q.flux) return p.flux > q.flux;
      return p.y != q.y ? p.y < q.y : p.x < q.x;
    });
    d.resize(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) write(candidates_[order[k]], k, d);
    return d;
  }

  static void write(const Candidate& c, std::size_t k, Detections& d) {
    const double w = c.weight > 0 ? 1 / c.weight : 0.0;
    const double mx = c.sx * w, my = c.sy * w;
    d.x[k] = c.x;
    d.y[k] = c.y;
    if (c.weight > 0) {
      d.iso_x[k] = c.x + mx;
      d.iso_y[k] = c.y + my;
    }
    d.peak[k] = c.peak;
    d.flux[k] = c.flux;
    d.xx[k] = c.sxx * w - mx * mx;
    d.yy[k] = c.syy * w - my * my;
    d.xy[k] = c.sxy * w - mx * my;
    d.n_pix[k] = c.n_pix;
    d.id[k] = static_cast<std::int64_t>(k);
    d.flags[k] = c.flags;
  }

  const FrameView& frame_;
  const Background& background_;
  const Detector& detector_;
  const DetectOptions& options_;
  double isophote_;  // ADU above the background
  std::size_t width_;
  std::vector<float> plane_;
  std::vector<Candidate> candidates_;
};

double median(std::vector<double>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::ranges::nth_element(v, middle);
  return *middle;
}

/// Width that the good stars among \p stars share; 0 = none. Hot pixels and cosmic rays are narrower than a star in
/// focus, and in a poor frame they are the majority: where enough wider ones agree with each other, those are the
/// stars.
double common_fwhm(const StarTable& stars) {
  constexpr Flags kBad =
      flag::saturated | flag::edge | flag::no_convergence | flag::fallback_method | flag::bad_pixel_center;
  constexpr double kMinSnr = 10, kNarrowest = 0.8, kPixelLike = 1.3;  // px: below kNarrowest no optics make a star
  constexpr std::size_t kEnough = 5;
  constexpr double kEnoughShare = 0.1, kAgree = 0.3;  // of all; of the median
  std::vector<double> all, wide;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    if ((stars.flags[i] & kBad) != 0 || !(stars.snr[i] >= kMinSnr) || !(stars.fwhm[i] > kNarrowest)) continue;
    all.push_back(stars.fwhm[i]);
    if (stars.fwhm[i] > kPixelLike) wide.push_back(stars.fwhm[i]);
  }
  if (all.empty()) return 0;
  if (wide.size() >= kEnough && static_cast<double>(wide.size()) >= kEnoughShare * static_cast<double>(all.size())) {
    const double m = median(wide);
    const auto agree = std::ranges::count_if(wide, [m](double w) { return std::abs(w - m) < kAgree * m; });
    if (2 * static_cast<std::size_t>(agree) > wide.size()) return m;
  }
  return median(all);
}

}  // namespace

void Detections::resize(std::size_t n) {
  for (auto* column : {&x, &y, &peak, &flux, &xx, &yy, &xy}) column->resize(n);
  for (auto* column : {&iso_x, &iso_y}) column->resize(n, std::numeric_limits<double>::quiet_NaN());
  n_pix.resize(n);
  id.resize(n);
  flags.resize(n);
}

double measure_fwhm(const FrameView& frame,
                    const Background& background,
                    const Detector& detector,
                    ParallelFor parallel) {
  constexpr int kRounds = 5;
  constexpr double kSettled = 0.25;  // the widths depend little on the start
  constexpr std::size_t kMaxStars = 300;
  DetectOptions bright;
  bright.threshold_sigma = 10;
  MeasureOptions fit;
  MeasureWorkspace workspace;
  StarTable stars;
  double fwhm = kTypicalFwhm, measured = 0;
  for (int round = 0; round < kRounds; ++round) {
    Detections found = Finder(frame, background, detector, bright).run(fwhm, parallel);
    found.resize(std::min(found.size(), kMaxStars));
    fit.fwhm_px = fwhm;
    measure(frame, background, detector, found, fit, parallel, workspace, stars);
    measured = common_fwhm(stars);
    if (measured == 0 || std::abs(measured / fwhm - 1) < kSettled) break;
    fwhm = std::clamp(measured, 0.8, 50.0);
  }
  return measured;
}

Detections detect(const FrameView& frame,
                  const Background& background,
                  const Detector& detector,
                  const DetectOptions& options,
                  ParallelFor parallel) {
  if (frame.empty()) return {};
  const bool automatic = options.fwhm_px <= 0;
  const double fwhm = automatic ? measure_fwhm(frame, background, detector, parallel) : options.fwhm_px;
  Detections found = Finder(frame, background, detector, options).run(fwhm > 0 ? fwhm : kTypicalFwhm, parallel);
  found.fwhm_px = fwhm;
  found.fwhm_measured = automatic && fwhm > 0;
  return found;
}

}  // namespace starflow
