// SPDX-License-Identifier: MIT
/// \file
/// The windowed centroid against SExtractor's own catalogue of the image that SEP is tested with. Needs the outside
/// data that STARFLOW_DATA names.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "accuracy/real_data.hpp"

namespace starflow {
namespace {

class SExtractorCatalogue : public test::RealData {};

/// One line of image.cat; the columns are 1-based in its head, and its first pixel is at (1, 1).
struct Source {
  double x, y, x_win, y_win, half_light_px;
  int flags;
};

std::vector<Source> read_catalogue(const std::string& path) {
  constexpr std::size_t kX = 1, kY = 2, kXWin = 3, kYWin = 4, kHalfLight = 18, kFlags = 20;
  std::ifstream in(path);
  std::vector<Source> sources;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::vector<double> v;
    for (double value = 0; words >> value;) v.push_back(value);
    sources.push_back({v.at(kX) - 1, v.at(kY) - 1, v.at(kXWin) - 1, v.at(kYWin) - 1, v.at(kHalfLight),
                       static_cast<int>(v.at(kFlags))});
  }
  return sources;
}

std::vector<double> as_doubles(const FrameView& view) {
  std::vector<double> values;
  visit_pixels(view, [&](auto plane) {
    for (int y = 0; y < view.height; ++y) {
      for (int x = 0; x < view.width; ++x) values.push_back(static_cast<double>(plane.row(y)[x]));
    }
  });
  return values;
}

// 0.0015 px is what SEP's own test allows between its winpos and this catalogue. Two blended sources of the 52 walk 5
// px from where they were found, and SExtractor's 16 iterations end before they rest: SEP's winpos, started again from
// there, goes on by 0.003 px.
TEST_F(SExtractorCatalogue, HasTheSameWindowedPositions) {
  const auto image = test::read_frame(path("peers/sep/image.fits")),
             back = test::read_frame(path("peers/sep/back.fits"));
  const int width = image->view().width, height = image->view().height;
  std::vector<double> light = as_doubles(image->view());
  const std::vector<double> sky = as_doubles(back->view());
  ASSERT_EQ(light.size(), sky.size());
  std::ranges::transform(light, sky, light.begin(), std::minus<>());
  const auto row_bytes = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(width) * sizeof(double));
  const FrameView view{light.data(), PixelType::f64, width, height, row_bytes};
  const Background none = test::no_background(width, height);

  constexpr double kFwhmPerSigma = 2.35, kNarrowest = 1;          // as SExtractor rounds it; px, its narrowest window
  constexpr double kLimit = 0.0015, kCutShort = 0.005, kFar = 4;  // px
  std::size_t n_walked = 0;
  MeasureOptions options;
  options.method = Method::windowed;
  options.level = LevelFrom::global;
  options.window = WindowFrom::given;
  MeasureWorkspace workspace;
  StarTable star;
  std::vector<double> off;
  for (const Source& s : read_catalogue(path("peers/sep/image.cat"))) {
    if (s.flags != 0 || !(s.half_light_px > 0)) continue;
    options.window_sigma_px = std::max(2 * s.half_light_px, kNarrowest) / kFwhmPerSigma;
    measure(view, none, {}, test::starts({s.x}, {s.y}, 2 * s.half_light_px), options, serial_for, workspace, star);
    EXPECT_EQ(star.termination[0], Termination::converged) << "at " << s.x << ", " << s.y;
    const bool walked = std::hypot(s.x_win - s.x, s.y_win - s.y) > kFar;
    n_walked += walked ? 1U : 0U;
    const double limit = walked ? kCutShort : kLimit;
    EXPECT_NEAR(star.x[0], s.x_win, limit) << "at " << s.x << ", " << s.y;
    EXPECT_NEAR(star.y[0], s.y_win, limit) << "at " << s.x << ", " << s.y;
    off.push_back(std::max(std::abs(star.x[0] - s.x_win), std::abs(star.y[0] - s.y_win)));
  }
  ASSERT_EQ(off.size(), 52U);  // of 65: the others touch the edge or have no half-light radius
  EXPECT_EQ(n_walked, 2U);
  std::cout << off.size() << " sources, difference of an axis: median " << test::quantile(off, 0.5) << ", 90 % "
            << test::quantile(off, 0.9) << ", largest " << test::quantile(off, 1) << " px\n";
}

}  // namespace
}  // namespace starflow
