// SPDX-License-Identifier: MIT
#include "filtered_patch.hpp"

#include "pixel_noise.hpp"

#include <algorithm>
#include <cstddef>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "filtered_patch.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "filter_rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline constexpr float kHighestPixel = 1e15F;  // sigma: sums of it stay finite

/// What one call needs, and where its memory is.
class PatchFilter {
 public:
  PatchFilter(const FrameView& frame,
              const Background& background,
              const StarFilter& filter,
              const PatchLattice& lattice,
              std::vector<float>& memory)
      : frame_(frame),
        filter_(filter),
        lattice_(lattice),
        sky_(background.tangent(lattice.x, lattice.y)),
        pedestal_(background.pedestal()),
        per_noise_(1 / background.noise(lattice.x, lattice.y)),
        half_(lattice.reach * lattice.step + filter.radius),
        side_(static_cast<std::size_t>(2 * lattice.reach + 1)),
        rows_(static_cast<std::size_t>(2 * half_ + 1)),
        stride_(side_ + kSlack) {
    memory.resize(rows_ * stride_ + 3 * (rows_ + kSlack) + stride_);
    along_ = memory.data();
    row_ = along_ + rows_ * stride_;
    level_ = row_ + rows_ + kSlack;
    weight_ = level_ + rows_ + kSlack;
    sums_ = weight_ + rows_ + kSlack;
    std::fill_n(weight_, rows_, static_cast<float>(per_noise_));
  }

  void run(std::span<float> out) const {
    const auto step = static_cast<std::size_t>(lattice_.step);
    for (std::size_t j = 0; j < rows_; ++j) {
      whiten(lattice_.y - half_ + static_cast<int>(j));
      float* sums = along_ + j * stride_;
      if (step == 1) {
        rows::weighted_sum(filter_.k, side_, sums, [this](std::size_t t) { return row_ + t; });
        continue;
      }
      for (std::size_t i = 0; i < side_; ++i) {
        sums[i] = 0;
        for (std::size_t t = 0; t < filter_.k.size(); ++t) sums[i] += filter_.k[t] * row_[i * step + t];
      }
    }
    for (std::size_t j = 0; j < side_; ++j) {
      rows::weighted_sum(filter_.k, side_, sums_,
                         [this, first = j * step](std::size_t t) { return along_ + (first + t) * stride_; });
      std::copy_n(sums_, side_, out.begin() + static_cast<std::ptrdiff_t>(j * side_));
    }
  }

 private:
  static constexpr std::size_t kSlack = (rows::kAtOnce + 1) * rows::hn::MaxLanes(rows::along);

  /// The valid pixels of row \p y about the middle, into the middle of `row_`; 0 elsewhere.
  void whiten(int y) const {
    std::fill_n(row_, rows_, 0.0F);
    if (y < 0 || y >= frame_.height) return;
    const int left = lattice_.x - half_;
    const double level = sky_.value + sky_.slope_y * (y - lattice_.y);
    visit_pixels(frame_, [&](auto pixels) {
      const auto* value = pixels.row(y);
      if (left >= 0 && lattice_.x + half_ < frame_.width && !frame_.mask && !frame_.variance) {
        const auto first = static_cast<float>(level - pedestal_ - sky_.slope_x * half_);
        const auto slope = static_cast<float>(sky_.slope_x);
        for (std::size_t i = 0; i < rows_; ++i) level_[i] = first + slope * static_cast<float>(i);
        if (rows::whiten(value + left, pedestal_, level_, weight_, kHighestPixel, {row_, rows_})) return;
        std::fill_n(row_, rows_, 0.0F);
      }
      constexpr auto kHighest = static_cast<double>(kHighestPixel);
      for (int x = std::max(0, left); x <= std::min(frame_.width - 1, lattice_.x + half_); ++x) {
        if (!is_valid(frame_, x, y, value[x])) continue;
        const double v = static_cast<double>(value[x]) - level - sky_.slope_x * (x - lattice_.x);
        const double given = given_variance(frame_, x, y), per_noise = given > 0 ? 1 / std::sqrt(given) : per_noise_;
        row_[x - left] = static_cast<float>(std::clamp(v * per_noise, -kHighest, kHighest));
      }
    });
  }

  const FrameView& frame_;
  const StarFilter& filter_;
  const PatchLattice& lattice_;
  MeshSurface::Tangent sky_;
  double pedestal_, per_noise_;
  int half_;                          // px that the filter sees on each side of the middle
  std::size_t side_, rows_, stride_;  // points; rows of pixels; of a row's sums
  float *along_, *row_, *level_, *weight_, *sums_;
};

inline void filter_lattice(const FrameView& frame,
                           const Background& background,
                           const StarFilter& filter,
                           const PatchLattice& lattice,
                           std::vector<float>& memory,
                           std::span<float> out) {
  PatchFilter(frame, background, filter, lattice, memory).run(out);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(filter_lattice);

void filter_patch(const FrameView& frame,
                  const Background& background,
                  const StarFilter& filter,
                  const PatchLattice& lattice,
                  std::vector<float>& memory,
                  std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(filter_lattice)(frame, background, filter, lattice, memory, out);
}

}  // namespace starflow
#endif  // HWY_ONCE
