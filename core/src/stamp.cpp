// SPDX-License-Identifier: MIT
#include "stamp.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

/// Bilinear interpolation between the values at the corners of a rectangle of pixels.
class Corners {
 public:
  Corners(auto&& at, int x0, int y0, int width, int height)
      : per_x_(width > 1 ? 1.0 / (width - 1) : 0.0), per_y_(height > 1 ? 1.0 / (height - 1) : 0.0) {
    const int x1 = x0 + width - 1, y1 = y0 + height - 1;
    a_ = at(x0, y0);
    b_ = at(x1, y0) - a_;
    c_ = at(x0, y1) - a_;
    d_ = at(x1, y1) - a_ - b_ - c_;
  }
  double operator()(int column, int row) const {
    const double u = column * per_x_, v = row * per_y_;
    return a_ + u * b_ + v * (c_ + u * d_);
  }

 private:
  double per_x_, per_y_, a_ = 0, b_ = 0, c_ = 0, d_ = 0;
};

}  // namespace

void gather(const FrameView& frame,
            const Background& background,
            const Detector& detector,
            double x,
            double y,
            int radius,
            Stamp& stamp) {
  stamp.width = stamp.height = 0;
  const double far = kMaxStampSide;  // keeps hostile positions out of integer arithmetic
  if (!(x > -far && y > -far && x < frame.width + far && y < frame.height + far)) return;
  const int cx = static_cast<int>(std::lround(x)), cy = static_cast<int>(std::lround(y));
  stamp.x0 = std::max(0, cx - radius);
  stamp.y0 = std::max(0, cy - radius);
  const int x1 = std::min(frame.width - 1, cx + radius), y1 = std::min(frame.height - 1, cy + radius);
  if (x1 < stamp.x0 || y1 < stamp.y0) return;
  stamp.width = x1 - stamp.x0 + 1;
  stamp.height = y1 - stamp.y0 + 1;
  const Corners level([&](int i, int j) { return background.level(i, j); }, stamp.x0, stamp.y0, stamp.width,
                      stamp.height);
  const Corners noise([&](int i, int j) { return background.noise(i, j); }, stamp.x0, stamp.y0, stamp.width,
                      stamp.height);
  visit_pixels(frame, [&](auto pixels) {
    std::size_t k = 0;
    for (int j = 0; j < stamp.height; ++j) {
      const auto* row = pixels.row(stamp.y0 + j);
      const float* variance = frame.variance ? frame.variance.row(stamp.y0 + j) : nullptr;
      for (int i = 0; i < stamp.width; ++i, ++k) {
        const auto raw = row[stamp.x0 + i];
        const bool valid = is_valid(frame, stamp.x0 + i, stamp.y0 + j, raw);
        const bool saturated = valid && static_cast<double>(raw) >= detector.saturation_adu;
        const double sigma = noise(i, j);
        const double v = variance != nullptr ? static_cast<double>(variance[stamp.x0 + i]) : sigma * sigma;
        stamp.value[k] = valid ? static_cast<double>(raw) - level(i, j) : 0.0;
        stamp.variance[k] = !valid ? 0.0 : saturated ? -v : v;
      }
    }
  });
}

Flags stamp_flags(const FrameView& frame, const Stamp& stamp, double x, double y, int radius) {
  Flags flags = 0;
  const double cx = std::round(x), cy = std::round(y);
  if (stamp.width == 0) return flag::edge;
  if (cx < radius || cy < radius || cx > frame.width - 1 - radius || cy > frame.height - 1 - radius) {
    flags |= flag::edge;
  }
  const StampWindow box = window_around(stamp, cx, cy, radius);
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const double variance = stamp.variance[stamp.index(i, j)];
      if (variance > 0) continue;
      if (variance < 0) {
        flags |= flag::saturated;
      } else {
        flags |= flag::bad_pixel;
        if (std::hypot(stamp.x0 + i - x, stamp.y0 + j - y) <= 1) flags |= flag::bad_pixel_center;
      }
    }
  }
  return flags;
}

StampWindow window_around(const Stamp& stamp, double x, double y, double radius) {
  // Held to the stamp before they become integers: a fit may have run anywhere, NaN included (which gives an empty
  // window).
  const auto held = [](double v, int size) { return v > 0 ? static_cast<int>(std::min<double>(v, size)) : 0; };
  const auto low = [&](double centre, int origin, int size) { return held(std::ceil(centre - radius) - origin, size); };
  const auto high = [&](double centre, int origin, int size) {
    return held(std::floor(centre + radius) - origin + 1, size);
  };
  return {low(x, stamp.x0, stamp.width), high(x, stamp.x0, stamp.width), low(y, stamp.y0, stamp.height),
          high(y, stamp.y0, stamp.height)};
}

}  // namespace starflow
