// SPDX-License-Identifier: MIT
#include "hot_pixels.hpp"

#include "bright_index.hpp"
#include "pixel_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace starflow {
namespace {

class Repair {
 public:
  Repair(const FrameView& frame,
         const Background& background,
         const StarFilter& filter,
         float floor,
         Touch touch,
         BrightPixels& bright)
      : frame_(frame), background_(background), filter_(filter), floor_(floor), touch_(touch), bright_(bright) {}

  std::vector<HotPixel> find(const ArtefactTest& artefact, float least) const {
    const float steep = artefact.steep();
    const BrightIndex index(bright_, frame_.width, frame_.height);
    std::vector<HotPixel> hot;
    for (const BrightRun& run : bright_.runs) {
      for (int i = 0; i < run.n; ++i) {
        const std::size_t at = run.first + static_cast<std::size_t>(i);
        const float left = i > 0 ? bright_.signal[at - 1] : 0, right = i + 1 < run.n ? bright_.signal[at + 1] : 0;
        if (!(0.5F * (left + right) < steep * bright_.signal[at])) continue;  // most pixels, at little cost
        if ((bright_.marks[at] & (BrightPixels::kBad | BrightPixels::kSaturated)) != 0) continue;
        const HotPixel h{run.x + i, run.y, bright_.height[at]};
        if (artefact.judge(h.x, h.y) == flag::hot_pixel && beside_light(h, index, least)) hot.push_back(h);
      }
    }
    return hot;
  }

  void take_off(std::span<const HotPixel> hot) {
    touched_.assign(bright_.size(), 0);
    const BrightIndex index(bright_, frame_.width, frame_.height);
    for (const HotPixel& h : hot) take_off(h, index);
    drop_dim_pixels();
    find_ways_up(BrightIndex(bright_, frame_.width, frame_.height));
  }

 private:
  /// Whether more than \p least is left beside it when it is taken off: light that it may hide. A lone one is left to
  /// those who judge peaks.
  [[nodiscard]] bool beside_light(const HotPixel& h, const BrightIndex& index, float least) const {
    constexpr double kReach = 1.25;  // of the filter's radius: 1.6 FWHM
    const int r = static_cast<int>(std::lround(kReach * filter_.radius));
    const auto own = static_cast<float>(static_cast<double>(bright_.signal[index.at(h.x, h.y)]) * per_noise(h.x, h.y));
    bool more = false;
    for (int dy = -r; dy <= r; ++dy) {
      index.visit(h.y + dy, h.x - r, h.x + r, [&](int x, std::size_t first, int count) {
        for (int i = 0; i < count; ++i) {
          const float left = bright_.height[first + static_cast<std::size_t>(i)] - own * tap(x + i - h.x) * tap(dy);
          more = more || left > least;
        }
      });
    }
    return more;
  }

  void take_off(const HotPixel& h, const BrightIndex& index) {
    float about = 0, n = 0;  // light of the pixels about it
    const auto visit_about = [&](auto visit) {
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const std::size_t at = index.at(h.x + dx, h.y + dy);
          if (at != BrightIndex::kNone) visit(dx, dy, at);
        }
      }
    };
    visit_about([&](int dx, int dy, std::size_t at) {
      if ((dx == 0 && dy == 0) || (bright_.marks[at] & BrightPixels::kBad) != 0) return;
      about += bright_.signal[at];
      n += 1;
    });
    const std::size_t self = index.at(h.x, h.y);
    const float excess = bright_.signal[self] - (n > 0 ? about / n : 0);
    visit_about([&](int dx, int dy, std::size_t at) {
      bright_.smooth[at] -= excess * static_cast<float>((dx == 0 ? 2 : 1) * (dy == 0 ? 2 : 1)) / 16;
    });
    bright_.signal[self] = 0;
    bright_.marks[self] |= BrightPixels::kBad;
    const auto whitened = static_cast<float>(static_cast<double>(excess) * per_noise(h.x, h.y));
    const int r = filter_.radius;
    const bool whole = !frame_.mask && !frame_.variance && h.x >= 2 * r + 1 && h.y >= 2 * r + 1 &&
                       h.x < frame_.width - 2 * r - 1 && h.y < frame_.height - 2 * r - 1;
    for (int dy = -r - 1; dy <= r + 1; ++dy) {
      index.visit(h.y + dy, h.x - r - 1, h.x + r + 1, [&](int x, std::size_t first, int count) {
        for (int i = 0; i < count; ++i) {
          const std::size_t at = first + static_cast<std::size_t>(i);
          touched_[at] = 1;
          const float light = whitened * tap(x + i - h.x) * tap(dy);
          if (light != 0) bright_.height[at] -= whole ? light : light / std::sqrt(known_part(x + i, h.y + dy));
        }
      });
    }
  }

  /// What light of 1 ADU in a pixel counts for in the filter, which weighs pixels by their variances and divides by the
  /// noise of all.
  [[nodiscard]] double per_noise(int x, int y) const {
    double about = 0, n = 0;
    for (const auto& [dx, dy] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
      if (x + dx < 0 || y + dy < 0 || x + dx >= frame_.width || y + dy >= frame_.height) continue;
      about += sky_variance(frame_, background_, x + dx, y + dy);
      n += 1;
    }
    const double own = sky_variance(frame_, background_, x, y);
    return std::sqrt(n > 0 ? about / n : own) / own;
  }

  /// Part of the filter's squared weight that falls on valid pixels where its middle is at (x, y).
  [[nodiscard]] float known_part(int x, int y) const {
    return visit_pixels(frame_, [&](auto pixels) {
      const int r = filter_.radius;
      float sum = 0;
      for (int j = std::max(0, y - r); j <= std::min(frame_.height - 1, y + r); ++j) {
        float along = 0;
        for (int i = std::max(0, x - r); i <= std::min(frame_.width - 1, x + r); ++i)
          along += is_valid(frame_, i, j, pixels.row(j)[i]) ? tap(i - x) * tap(i - x) : 0;
        sum += along * tap(j - y) * tap(j - y);
      }
      return sum;
    });
  }

  [[nodiscard]] float tap(int i) const {
    return std::abs(i) > filter_.radius ? 0.0F : filter_.k[static_cast<std::size_t>(i + filter_.radius)];
  }

  /// Leaves out what is below the floor; peaks of what was touched go, they are to be found again.
  void drop_dim_pixels() {
    std::vector<BrightRun> runs;
    std::vector<BrightPeak> peaks;
    auto peak = bright_.peaks.cbegin();
    std::size_t next = 0;
    for (const BrightRun& run : bright_.runs) {
      bool inside = false;
      for (int i = 0; i < run.n; ++i) {
        const std::size_t at = run.first + static_cast<std::size_t>(i);
        const bool is_peak = peak != bright_.peaks.cend() && peak->pixel == at;
        const bool stays = touched_[at] == 0 || bright_.height[at] > floor_;
        if (is_peak && touched_[at] == 0) peaks.push_back({next, peak->x, peak->y});
        if (is_peak) ++peak;
        if (!stays) {
          inside = false;
          continue;
        }
        if (!inside) runs.push_back({run.y, run.x + i, 0, next});
        inside = true;
        ++runs.back().n;
        bright_.height[next] = bright_.height[at];
        bright_.signal[next] = bright_.signal[at];
        bright_.smooth[next] = bright_.smooth[at];
        bright_.marks[next] = bright_.marks[at];
        touched_[next++] = touched_[at];
      }
    }
    for (auto* column : {&bright_.height, &bright_.signal, &bright_.smooth}) column->resize(next);
    bright_.marks.resize(next);
    touched_.resize(next);
    bright_.runs = std::move(runs);
    bright_.peaks = std::move(peaks);
  }

  void find_ways_up(const BrightIndex& index) {
    std::vector<BrightPeak> found;
    for (const BrightRun& run : bright_.runs) {
      for (int i = 0; i < run.n; ++i) {
        const std::size_t at = run.first + static_cast<std::size_t>(i);
        if (touched_[at] == 0) continue;
        std::array<float, 9> near{};
        for (int k = 0; k < 9; ++k) {
          const std::size_t other = index.at(run.x + i + k % 3 - 1, run.y + k / 3 - 1);
          // What is not bright is lower than what is.
          near[static_cast<std::size_t>(k)] =
              other == BrightIndex::kNone ? std::min(floor_, bright_.height[at]) : bright_.height[other];
        }
        const std::uint8_t way = way_up(near);
        bright_.marks[at] = static_cast<std::uint8_t>((bright_.marks[at] & ~BrightPixels::kUphill) | way);
        if (way == BrightPixels::kSelf)
          found.push_back({at, run.x + i + offset(near, 3, 5), run.y + offset(near, 1, 7)});
      }
    }
    const auto middle = bright_.peaks.insert(bright_.peaks.end(), found.begin(), found.end());
    std::inplace_merge(bright_.peaks.begin(), middle, bright_.peaks.end(),
                       [](const BrightPeak& a, const BrightPeak& b) { return a.pixel < b.pixel; });
  }

  static double offset(const std::array<float, 9>& near, std::size_t before, std::size_t after) {
    return parabola_offset(static_cast<double>(near[before]), static_cast<double>(near[4]),
                           static_cast<double>(near[after]));
  }

  /// As BrightPixels::marks has it.
  [[nodiscard]] std::uint8_t way_up(const std::array<float, 9>& near) const {
    std::uint8_t best = BrightPixels::kSelf;
    float highest = 0;
    bool any = false;
    for (std::uint8_t k = 0; k < 9; ++k) {
      if (touch_ == Touch::sides && k % 2 == 0 && k != BrightPixels::kSelf) continue;
      if (any && !(near[k] > highest)) continue;
      any = true;
      highest = near[k];
      best = k;
    }
    return best;
  }

  const FrameView& frame_;
  const Background& background_;
  const StarFilter& filter_;
  float floor_;
  Touch touch_;
  BrightPixels& bright_;
  std::vector<std::uint8_t> touched_;
};

}  // namespace

std::vector<HotPixel> take_off_hot_pixels(const FrameView& frame,
                                          const Background& background,
                                          const ArtefactTest& artefact,
                                          const StarFilter& filter,
                                          float floor,
                                          float least,
                                          Touch touch,
                                          BrightPixels& bright) {
  Repair repair(frame, background, filter, floor, touch, bright);
  std::vector<HotPixel> hot = repair.find(artefact, least);
  if (!hot.empty()) repair.take_off(hot);
  return hot;
}

}  // namespace starflow
