// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>
#include <starflow/sdk/frame.hpp>

#include <opencv2/core.hpp>

#include <cmath>
#include <cstdio>
#include <utility>

int main() {
  cv::Mat image(64, 64, CV_32F);  // a star at (40.25, 23.75) on a noisy sky; yours come from a camera
  cv::randn(image, 100.0, 5.0);
  image.forEach<float>([](float& pixel, const int* at) {
    pixel += 600.0F * std::exp(-(std::pow(at[1] - 40.25F, 2.0F) + std::pow(at[0] - 23.75F, 2.0F)) / 5.0F);
  });
  starflow::FrameInfo info;
  info.gain = {1.5, starflow::Origin::config};  // e-/ADU
  const auto frame = starflow::Frame::adopt(std::move(image), info);

  const auto view = frame.view();
  const auto sky = starflow::estimate_background(view, {}, starflow::serial_for);
  const auto found = starflow::detect(view, sky, info.detector(), {}, starflow::serial_for);
  starflow::MeasureWorkspace workspace;  // keep both for the next frame: no allocation then
  starflow::StarTable stars;
  starflow::measure(view, sky, info.detector(), found, {}, starflow::serial_for, workspace, stars);
  for (std::size_t i = 0; i < stars.size(); ++i) {
    std::printf("x %.3f +- %.3f px, y %.3f +- %.3f px, flux %.0f ADU\n", stars.x[i], stars.x_err[i], stars.y[i],
                stars.y_err[i], stars.flux[i]);
  }
}
