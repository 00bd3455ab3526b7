// SPDX-License-Identifier: MIT
#include "surroundings.hpp"

#include "pixel_noise.hpp"
#include "units.hpp"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <type_traits>

namespace starflow {
namespace {

constexpr std::array<double, 5> kRings = {0.9, 1.5, 2.7, 3.8, 5};  // scales; a star's own light is mostly within
constexpr double kLeastScale = 1.8;    // px: of narrower stars the parts would hold too few pixels to be alike
constexpr double kPixelsPerFwhm = 3;   // of a wide star's ring only so many are read along each axis
constexpr double kSure = 3;            // sigma
constexpr double kMedianError = 1.25;  // of a median, in parts of a mean's

}  // namespace

Surroundings::Surroundings(const FrameView& frame, const Background& background, double fwhm_px)
    : frame_(frame), background_(background) {
  const double scale = std::max(fwhm_px, kLeastScale);
  reach_ = static_cast<int>(std::ceil(kRings.back() * scale));
  step_ = std::max(1, static_cast<int>(fwhm_px / kPixelsPerFwhm));
  reach_ -= reach_ % step_;
  for (int dy = -reach_; dy <= reach_; dy += step_) {
    for (int dx = -reach_; dx <= reach_; dx += step_) {
      const double r = std::hypot(dx, dy) / scale;
      const auto ring = static_cast<std::size_t>(std::ranges::upper_bound(kRings, r) - kRings.begin());
      if (ring == 0 || ring > kParts) continue;
      const double turn = std::atan2(dy, dx) / (2 * std::numbers::pi) + 1;  // 0.5..1.5
      const auto sector = static_cast<std::size_t>(turn * kSectors) % kSectors;
      offsets_.push_back({dx, dy, sector * kParts + ring - 1});
    }
  }
  std::ranges::stable_sort(offsets_, {}, &Offset::part);
  for (const Offset& o : offsets_) {
    ++begin_[o.part + 1];
    whole_[o.part].dx += o.dx;
    whole_[o.part].dy += o.dy;
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  const double sigma = fwhm_px * kSigmaPerFwhm, norm = std::sqrt(std::sqrt(std::numbers::pi) * sigma);
  const double sum = std::sqrt(2 * std::numbers::pi) * sigma / norm;  // of the filter along one axis
  level_gain_ = sum * sum;
  line_gain_ = sum * norm;
  const double per_part = static_cast<double>(offsets_.size()) / (kSectors * kParts);
  part_error_ = 1 / std::sqrt(per_part);
  for (std::size_t ring = 0; ring < kParts; ++ring) {
    // Integral of the line's profile over the width of two sectors (in FWHM), in parts of its height.
    const double width = (kRings[ring] + kRings[ring + 1]) / 2 * 4 * std::numbers::pi / kSectors * scale / fwhm_px;
    line_share_[ring] =
        std::sqrt(std::numbers::pi / (4 * std::numbers::ln2)) / width * std::erf(width * std::sqrt(std::numbers::ln2));
  }
  level_error_ = kMedianError / std::sqrt(static_cast<double>(offsets_.size()));
}

Surroundings::Parts Surroundings::read(int x, int y) const {
  const bool inside = x >= reach_ && y >= reach_ && x < frame_.width - reach_ && y < frame_.height - reach_;
  Parts parts{};
  const bool phases = background_.has_phases();
  const MeshSurface::Tangent sky = background_.tangent(x, y);
  std::array<double, 4> colour{};  // sky of each phase of a mosaic, above their mean
  for (std::size_t k = 0; phases && k < colour.size(); ++k) colour[k] = background_.tangent(x, y, k).value - sky.value;
  visit_pixels(frame_, [&](auto pixels) {
    using T = std::remove_cvref_t<decltype(*pixels.row(0))>;
    if (std::is_integral_v<T> && inside && !frame_.mask && !frame_.variance && !phases) {
      // The parts jump from row to row: all are on their way before the first is waited for.
      for (int row = y - reach_; row <= y + reach_; row += step_) {
        hwy::Prefetch(pixels.row(row) + x - reach_);
        hwy::Prefetch(pixels.row(row) + x + reach_);
      }
      const T* centre = pixels.row(y) + x;
      for (std::size_t k = 0; k < parts.size(); ++k) {
        std::int64_t sum = 0;
        for (std::size_t i = begin_[k]; i < begin_[k + 1]; ++i)
          sum += static_cast<std::int64_t>(Plane<T>{centre, pixels.row_bytes}.row(offsets_[i].dy)[offsets_[i].dx]);
        parts[k].sum = static_cast<double>(sum);
        parts[k].n = static_cast<double>(begin_[k + 1] - begin_[k]);
        parts[k].dx = whole_[k].dx;
        parts[k].dy = whole_[k].dy;
      }
      return;
    }
    for (std::size_t k = 0; k < parts.size(); ++k) {
      for (std::size_t i = begin_[k]; i < begin_[k + 1]; ++i) {
        const int px = x + offsets_[i].dx, py = y + offsets_[i].dy;
        if (px < 0 || py < 0 || px >= frame_.width || py >= frame_.height) continue;
        const auto value = pixels.row(py)[px];
        if (!is_valid(frame_, px, py, value)) continue;
        parts[k].sum += static_cast<double>(value) - colour[mosaic_phase(px, py)];
        parts[k].n += 1;
        parts[k].dx += offsets_[i].dx;
        parts[k].dy += offsets_[i].dy;
      }
    }
  });
  for (Part& p : parts) p.sum -= p.n * sky.value + p.dx * sky.slope_x + p.dy * sky.slope_y;
  return parts;
}

/// A line goes on to both sides and is even, neighbours are not. Beyond the frame it may go on.
double Surroundings::line_along(const Parts& parts, std::size_t sector, double level, double noise) const {
  constexpr std::size_t kEnough = 5;
  constexpr double kEven = 0.7, kScatter = 1, kSureLine = 5;
  struct Height {
    double value, error;
  };
  std::array<Height, 2 * kParts> heights{};
  std::size_t known = 0;
  double sum = 0, weights = 0;
  for (const std::size_t side : {sector, sector + kSectors / 2}) {
    const std::size_t next = (side + 1) % kSectors;
    for (std::size_t ring = 0; ring < kParts; ++ring) {
      const Part &a = parts[side * kParts + ring], &b = parts[next * kParts + ring];
      const double n = a.n + b.n, share = line_share_[ring];
      if (n == 0 && ring == 0) return 0;
      if (n == 0) break;
      const Height h = {((a.sum + b.sum) / n - level) / share, noise / (share * std::sqrt(n))};
      sum += h.value / (h.error * h.error);
      weights += 1 / (h.error * h.error);
      heights[known++] = h;
    }
  }
  const double line = sum / weights;
  if (known < kEnough || line < kSureLine / std::sqrt(weights)) return 0;
  for (std::size_t k = 0; k < known; ++k) {
    if (heights[k].value < kEven * line - kScatter * heights[k].error) return 0;
  }
  return line;
}

Surroundings::View Surroundings::look(int x, int y) const {
  const Parts parts = read(x, y);
  std::array<double, kSectors * kParts> sorted{};
  auto end = sorted.begin();
  for (const Part& part : parts) {
    if (part.n > 0) *end++ = part.sum / part.n;
  }
  View view;
  if (end - sorted.begin() < static_cast<std::ptrdiff_t>(sorted.size() / 2)) return view;
  const auto middle = sorted.begin() + (end - sorted.begin()) / 2;
  std::nth_element(sorted.begin(), middle, end);
  const bool mixed = background_.has_phases() && !frame_.variance;  // the parts hold pixels of all phases
  const double noise = mixed ? background_.noise(x, y) : std::sqrt(sky_variance(frame_, background_, x, y));
  const double level = *middle;
  double line = 0;
  for (std::size_t s = 0; s < kSectors / 2; ++s) line = std::max(line, line_along(parts, s, level, noise));
  // Neighbours brighten some parts; a sky that the mesh did not follow, all.
  const auto quarter = sorted.begin() + (end - sorted.begin()) / 4;
  std::nth_element(sorted.begin(), quarter, middle);
  if (level > kSure * noise * level_error_ && *quarter > 0.5 * level - 0.67 * noise * part_error_) view.level = level;
  view.line = line;
  return view;
}

}  // namespace starflow
