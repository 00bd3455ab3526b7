// SPDX-License-Identifier: MIT
/// \file
/// The unit of the pixels is nobody's business: Spitzer's IRAC point spread functions (1e-6..2e-2 MJy/sr) and the same
/// pixels a million times as large give the same positions. Needs the outside data that STARFLOW_DATA names.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "accuracy/real_data.hpp"

namespace starflow {
namespace {

class IracScale : public test::RealData {};

StarTable measure_pixels(const std::vector<float>& pixels, int width, int height, Method method) {
  const auto row_bytes = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(width) * sizeof(float));
  const FrameView view{pixels.data(), PixelType::f32, width, height, row_bytes};
  const Background background = estimate_background(view, {}, serial_for);
  const Detections found = detect(view, background, {}, {}, serial_for);
  MeasureOptions options;
  options.method = method;
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, background, {}, found, options, serial_for, workspace, stars);
  return stars;
}

TEST_F(IracScale, ChangesNoPosition) {
  constexpr float kScale = 1e6F;
  for (const char channel : {'1', '2', '3', '4'}) {
    const auto frame = test::read_frame(path(std::string("fits/irac_psf_ch") + channel + ".fits"));
    const FrameView view = frame->view();
    std::vector<float> pixels, scaled;
    visit_pixels(view, [&](auto plane) {
      for (int y = 0; y < view.height; ++y) {
        for (int x = 0; x < view.width; ++x) pixels.push_back(static_cast<float>(plane.row(y)[x]));
      }
    });
    for (const float p : pixels) scaled.push_back(kScale * p);
    for (const Method method : {Method::windowed, Method::gaussian}) {
      const StarTable a = measure_pixels(pixels, view.width, view.height, method);
      const StarTable b = measure_pixels(scaled, view.width, view.height, method);
      ASSERT_GE(a.size(), 1U);
      ASSERT_EQ(a.size(), b.size());
      double worst = 0;
      for (std::size_t k = 0; k < a.size(); ++k) {
        worst = std::max({worst, std::abs(a.x[k] - b.x[k]), std::abs(a.y[k] - b.y[k])});
      }
      std::cout << "channel " << channel << ", " << kMethodNames[static_cast<std::size_t>(method)] << ": " << a.size()
                << " stars, largest change " << worst << " px\n";
      EXPECT_LE(worst, 1e-6);
    }
  }
}

}  // namespace
}  // namespace starflow
