// SPDX-License-Identifier: MIT
#include "matched_filter.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace starflow {
namespace {

constexpr std::size_t kBandRows = 64;
constexpr double kRadiusSigmas = 3;
constexpr float kMinWeight = 0.25F;

/// A pixel-integrated Gaussian of unit norm along one axis: sum k^2 = 1.
std::vector<float> kernel(double fwhm_px) {
  const double sigma = fwhm_px * kSigmaPerFwhm;
  const int radius = std::max(1, static_cast<int>(std::ceil(kRadiusSigmas * sigma)));
  const auto cumulative = [sigma](double edge) { return 0.5 * std::erf(edge / (sigma * std::sqrt(2.0))); };
  std::vector<double> k;
  double squares = 0;
  for (int i = -radius; i <= radius; ++i) {
    k.push_back(cumulative(i + 0.5) - cumulative(i - 0.5));
    squares += k.back() * k.back();
  }
  std::vector<float> unit;
  unit.reserve(k.size());
  for (const double v : k) unit.push_back(static_cast<float>(v / std::sqrt(squares)));
  return unit;
}

/// The filtered rows of one band: along x row by row, then along y over a window of rows.
class Band {
 public:
  Band(const FrameView& frame, const Background& background, const std::vector<float>& k)
      : frame_(frame),
        background_(background),
        k_(k),
        radius_(static_cast<int>(k.size() / 2)),
        width_(static_cast<std::size_t>(frame.width)) {
    for (auto* v : {&level_, &noise_}) v->resize(width_);
    padded_.resize(width_ + k.size());
    valid_.resize(width_ + k.size());
    edge_weight_.assign(width_, 0.0F);
    for (std::size_t x = 0; x < width_; ++x) {
      for (int i = -radius_; i <= radius_; ++i) {
        const auto p = static_cast<std::ptrdiff_t>(x) + i;
        if (p >= 0 && p < frame.width) edge_weight_[x] += k_at(i) * k_at(i);
      }
    }
  }

  void run(int y0, int y1, float* out) {
    const int first = std::max(0, y0 - radius_), last = std::min(frame_.height, y1 + radius_);
    const auto rows = static_cast<std::size_t>(last - first);
    signal_.assign(rows * width_, 0.0F);
    weight_.assign(rows, {});
    visit_pixels(frame_, [&](auto pixels) {
      for (int y = first; y < last; ++y) along_x(pixels, y, static_cast<std::size_t>(y - first));
    });
    for (int y = y0; y < y1; ++y) along_y(y, first, last, {out + static_cast<std::size_t>(y) * width_, width_});
  }

 private:
  float k_at(int i) const { return k_[static_cast<std::size_t>(i + radius_)]; }

  template <class T>
  void along_x(Plane<T> pixels, int y, std::size_t slot) {
    background_.row(y, level_, noise_);
    const T* row = pixels.row(y);
    const double pedestal = background_.pedestal();
    bool masked = false;
    std::ranges::fill(padded_, 0.0F);
    std::ranges::fill(valid_, 0.0F);
    float* signal = padded_.data() + radius_;
    float* valid = valid_.data() + radius_;
    for (int x = 0; x < frame_.width; ++x) {
      const auto i = static_cast<std::size_t>(x);
      if (is_valid(frame_, x, y, row[x])) {
        const float sigma = frame_.variance ? std::sqrt(frame_.variance.row(y)[x]) : noise_[i];
        signal[x] = (static_cast<float>(static_cast<double>(row[x]) - pedestal) - level_[i]) / sigma;
        valid[x] = 1;
      } else {
        masked = true;
      }
    }
    float* filtered = &signal_[slot * width_];
    for (std::size_t i = 0; i < k_.size(); ++i) {
      const float k = k_[i];
      for (std::size_t x = 0; x < width_; ++x) filtered[x] += k * padded_[x + i];
    }
    if (!masked) return;
    weight_[slot].assign(width_, 0.0F);
    for (std::size_t i = 0; i < k_.size(); ++i) {
      for (std::size_t x = 0; x < width_; ++x) weight_[slot][x] += k_[i] * k_[i] * valid_[x + i];
    }
  }

  void along_y(int y, int first, int last, std::span<float> out) {
    const int low = std::max(first, y - radius_), high = std::min(last, y + radius_ + 1);
    std::ranges::fill(out, 0.0F);
    total_.assign(width_, 0.0F);
    for (int p = low; p < high; ++p) {
      const auto slot = static_cast<std::size_t>(p - first);
      const float k = k_at(p - y);
      const float* signal = &signal_[slot * width_];
      const std::vector<float>& weight = weight_[slot].empty() ? edge_weight_ : weight_[slot];
      for (std::size_t x = 0; x < width_; ++x) out[x] += k * signal[x];
      for (std::size_t x = 0; x < width_; ++x) total_[x] += k * k * weight[x];
    }
    for (std::size_t x = 0; x < width_; ++x) out[x] = total_[x] < kMinWeight ? 0.0F : out[x] / std::sqrt(total_[x]);
  }

  const FrameView& frame_;
  const Background& background_;
  const std::vector<float>& k_;
  int radius_;
  std::size_t width_;
  std::vector<float> level_, noise_, padded_, valid_, edge_weight_, signal_, total_;
  std::vector<std::vector<float>> weight_;  // of a row that holds masked pixels; empty = edge_weight_
};

}  // namespace

std::vector<float> matched_filter(const FrameView& frame,
                                  const Background& background,
                                  double fwhm_px,
                                  ParallelFor parallel) {
  std::vector<float> out(static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height));
  const std::vector<float> k = kernel(fwhm_px);
  parallel(static_cast<std::size_t>(frame.height), kBandRows, [&](std::size_t begin, std::size_t end) {
    Band(frame, background, k).run(static_cast<int>(begin), static_cast<int>(end), out.data());
  });
  return out;
}

}  // namespace starflow
