// SPDX-License-Identifier: MIT
#include "nearest_pixel.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

constexpr double kHighest = 1e15;  // ADU: what is above is no light, and would hide the digits of what is

bool is_halfway(double v) { return v - std::floor(v) == 0.5; }

/// Light of the valid pixels of a box.
template <class T>
double light(const FrameView& frame, Plane<T> pixels, double left, double right, double top, double bottom) {
  const int first = std::max(0, static_cast<int>(std::ceil(left)));
  const int last = std::min(frame.width - 1, static_cast<int>(std::floor(right)));
  double sum = 0;
  for (int j = std::max(0, static_cast<int>(std::ceil(top)));
       j <= std::min(frame.height - 1, static_cast<int>(std::floor(bottom))); ++j) {
    for (int i = first; i <= last; ++i) {
      const T value = pixels.row(j)[i];
      const bool counts = is_valid(frame, i, j, value) && std::abs(static_cast<double>(value)) < kHighest;
      if (counts) sum += static_cast<double>(value);
    }
  }
  return sum;
}

}  // namespace

PixelIndex nearest_pixel(const FrameView& frame, double x, double y, double shift, int reach) {
  const double at_x = x - shift, at_y = y - shift;
  PixelIndex near{static_cast<int>(std::lrint(at_x)), static_cast<int>(std::lrint(at_y))};
  const bool between_columns = is_halfway(at_x), between_rows = is_halfway(at_y);
  if (!between_columns && !between_rows) return near;
  constexpr double kAlong = 2.5, kBeside = 0.25;  // px; a pixel on the line belongs to neither side
  constexpr int kFarthest = 4;                    // times the reach: a plateau is alike on both sides
  visit_pixels(frame, [&](auto pixels) {
    double before = 0, after = 0;
    for (int far = reach; between_columns && before == after && far <= kFarthest * reach; far *= 2) {
      before = light(frame, pixels, x - far, x - kBeside, y - kAlong, y + kAlong);
      after = light(frame, pixels, x + kBeside, x + far, y - kAlong, y + kAlong);
    }
    if (before != after) near.x = static_cast<int>(before > after ? std::floor(at_x) : std::ceil(at_x));
    before = after = 0;
    for (int far = reach; between_rows && before == after && far <= kFarthest * reach; far *= 2) {
      before = light(frame, pixels, x - kAlong, x + kAlong, y - far, y - kBeside);
      after = light(frame, pixels, x - kAlong, x + kAlong, y + kBeside, y + far);
    }
    if (before != after) near.y = static_cast<int>(before > after ? std::floor(at_y) : std::ceil(at_y));
  });
  return near;
}

}  // namespace starflow
