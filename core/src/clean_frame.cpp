// SPDX-License-Identifier: MIT
#include "clean_frame.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace starflow {

CleanFrame::CleanFrame(const FrameView& frame,
                       std::span<const int> x,
                       std::span<const int> y,
                       std::vector<std::uint8_t>& mask)
    : given_(frame), clean_(frame) {
  if (x.empty()) return;
  const auto width = static_cast<std::size_t>(frame.width);
  mask.assign(width * static_cast<std::size_t>(frame.height), 0);
  for (int row = 0; frame.mask && row < frame.height; ++row)
    std::copy_n(frame.mask.row(row), width, &mask[static_cast<std::size_t>(row) * width]);
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (x[k] < 0 || y[k] < 0 || x[k] >= frame.width || y[k] >= frame.height) continue;
    mask[static_cast<std::size_t>(y[k]) * width + static_cast<std::size_t>(x[k])] = 255;
  }
  clean_.mask = {mask.data(), static_cast<std::ptrdiff_t>(width)};
}

const FrameView& CleanFrame::about(double x, double y, int reach) const noexcept {
  if (given_.mask || !clean_.mask) return clean_;
  const auto side = [reach](double centre, int size) {
    const double held = std::clamp(centre, -1.0 - reach, static_cast<double>(size) + reach);
    const int middle = static_cast<int>(std::lrint(held));
    return std::pair(std::max(0, middle - reach), std::min(size, middle + reach + 1));
  };
  const auto [left, right] = side(x, clean_.width);
  const auto [top, bottom] = side(y, clean_.height);
  for (int row = top; row < bottom; ++row) {
    const std::uint8_t* mask = clean_.mask.row(row);
    if (std::any_of(mask + std::min(left, right), mask + right, [](std::uint8_t m) { return m != 0; })) return clean_;
  }
  return given_;
}

}  // namespace starflow
