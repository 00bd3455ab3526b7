// SPDX-License-Identifier: MIT
/// \file
/// Real frames against SEP's catalogues of them: what SEP found isolated and sound is found, and the windowed centroid
/// with a half-light window lies where SEP's lies. Needs the outside data that STARFLOW_DATA names.

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

#include "register.hpp"
#include "support/csv_table.hpp"
#include "support/node_harness.hpp"

namespace starflow {
namespace {

/// Reads, searches and measures \p path with the nodes as a graph would.
StarList measure_file(const std::string& path) {
  const auto produced = test::run_source(source_files_type(), {{"paths", path}});
  const Message frame = produced.at(0).sent.at(0);
  const FrameInfo info = frame.as<Frame>()->info();
  // SEP leaves the pixels of a hidden star to the other one: its isophote and half-light radius hold both.
  const auto found = test::run_node(detect_type(), {{"search_again", std::int64_t{0}}}, info, {{0, frame}});
  const auto stars =
      test::run_node(centroid_type(), {{"method", std::string("windowed")}, {"window.from", std::string("half_light")}},
                     info, {{0, frame}, {1, found.at(0)}});
  return *stars.at(0).as<StarList>();
}

double quantile(std::vector<double> v, double q) {
  const auto nth = v.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(v.size() - 1));
  std::ranges::nth_element(v, nth);
  return *nth;
}

/// Indices of the rows that the reference calls sound: no flag, S/N above 20, no neighbour within 3 FWHM, 12 px from
/// the edge, and half of the light within more than half of the others' radius: a hot pixel is no star.
std::vector<std::size_t> sound_rows(const test::CsvTable& sep, const FrameInfo& frame) {
  constexpr double kMinSnr = 20, kEdge = 12, kIsolation = 3;
  const double usual = quantile(sep["hlr"], 0.5), fwhm = 2 * usual;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < sep.size(); ++i) {
    const double x = sep["x"][i], y = sep["y"][i];
    const bool inside = x >= kEdge && y >= kEdge && x <= frame.width - 1 - kEdge && y <= frame.height - 1 - kEdge;
    bool alone = true;
    for (std::size_t j = 0; j < sep.size() && alone; ++j) {
      alone = i == j || std::hypot(sep["x"][j] - x, sep["y"][j] - y) > kIsolation * fwhm;
    }
    const bool wide = sep["hlr"][i] > 0.5 * usual;
    if (inside && alone && wide && sep["flag"][i] == 0 && sep["winflag"][i] == 0 && sep["snr_bkg"][i] > kMinSnr)
      rows.push_back(i);
  }
  return rows;
}

struct RealFrame {
  std::string name, file;
};
void PrintTo(const RealFrame& frame, std::ostream* out) { *out << frame.file; }

class SepAgreement : public ::testing::TestWithParam<RealFrame> {};

TEST_P(SepAgreement, IsWithinTheLimitsOnSoundStars) {
  const char* data = std::getenv("STARFLOW_DATA");
  if (data == nullptr) GTEST_SKIP() << "STARFLOW_DATA is not set: no reference catalogues";
  const std::filesystem::path folder(data);
  const test::CsvTable sep = test::read_csv((folder / "reference" / (GetParam().name + ".sep.csv")).string());
  const StarList measured = measure_file((folder / GetParam().file).string());
  const StarTable& stars = measured.stars;

  const std::vector<std::size_t> sound = sound_rows(sep, *measured.frame);
  ASSERT_GE(sound.size(), 10U);
  const double reach = std::max(1.0, quantile(sep["hlr"], 0.5));
  std::vector<double> distance;
  for (const std::size_t row : sound) {
    double best = reach;
    for (std::size_t i = 0; i < stars.size(); ++i) {
      best = std::min(best, std::hypot(stars.x[i] - sep["xwin"][row], stars.y[i] - sep["ywin"][row]));
    }
    if (best < reach) distance.push_back(best);
  }
  const double found = static_cast<double>(distance.size()) / static_cast<double>(sound.size());
  std::cout << GetParam().name << ": " << sound.size() << " sound stars, found " << 100 * found
            << " %, distance median " << quantile(distance, 0.5) << " px, 90 % " << quantile(distance, 0.9) << " px\n";
  EXPECT_GE(found, 0.98);
  EXPECT_LE(quantile(distance, 0.5), 0.002);
  EXPECT_LE(quantile(distance, 0.9), 0.01);
}

INSTANTIATE_TEST_SUITE_P(Frames,
                         SepAgreement,
                         ::testing::Values(RealFrame{"sep_image", "fits/sep_image.fits"},
                                           RealFrame{"m67_poss", "fits/m67_poss.fits"},
                                           RealFrame{"kepler_ffi_cut", "fits/kepler_ffi_cut.fits"},
                                           RealFrame{"tetra3_alt40_azi135", "images/tetra3_alt40_azi135.png"},
                                           RealFrame{"tetra3_alt60_azi135", "images/tetra3_alt60_azi135.png"},
                                           RealFrame{"lsst_monet_small", "fits/lsst_monet_small.fits"}),
                         [](const auto& frame) { return frame.param.name; });

}  // namespace
}  // namespace starflow
