// SPDX-License-Identifier: MIT
/// \file
/// One band of rows: whitened, filtered along x, then along y, and searched, row by row as the frame is read.

// clang-format off
#if defined(STARFLOW_BRIGHT_BAND_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_BRIGHT_BAND_INL
#undef STARFLOW_BRIGHT_BAND_INL
#else
#define STARFLOW_BRIGHT_BAND_INL
#endif
// clang-format on

#include "band_job.hpp"
#include "bright_runs-inl.hpp"
#include "filter_rows-inl.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline constexpr float kMinWeight = 0.25F;  // of the filter, on valid pixels
inline constexpr float kHighest = 1e15F;    // sigma: sums of it, and their squares, stay finite

/// Rows in a ring, each with `margin` floats on both sides, and what vectors touch beyond them.
class RowRing {
 public:
  RowRing(std::size_t rows, std::size_t width, std::size_t margin)
      : rows_(rows), margin_(margin), stride_(width + 2 * margin + kSlack), data_(rows * stride_, 0.0F) {}

  float* row(int y) { return &data_[static_cast<std::size_t>(y) % rows_ * stride_ + margin_]; }
  [[nodiscard]] const float* row(int y) const {
    return &data_[static_cast<std::size_t>(y) % rows_ * stride_ + margin_];
  }

  static constexpr std::size_t kSlack = (rows::kAtOnce + 1) * rows::hn::MaxLanes(rows::along);

 private:
  std::size_t rows_, margin_, stride_;
  std::vector<float> data_;
};

template <class T>
class BrightBand {
 public:
  BrightBand(const BandJob& job, Plane<T> pixels, RowBand band, BrightPixels& out)
      : job_(job),
        frame_(job.frame),
        pixels_(pixels),
        band_(band),
        out_(out),
        radius_(job.filter.radius),
        width_(static_cast<std::size_t>(job.frame.width)),
        taps_(job.filter.k.size()),
        level_(static_cast<std::size_t>(radius_) + 4, width_, 0),
        signal_(1, width_, static_cast<std::size_t>(radius_)),
        valid_(1, width_, static_cast<std::size_t>(radius_)),
        along_x_(taps_ + 1, width_, 0),
        weight_(taps_ + 1, width_, 0),
        known_(job.frame.variance ? 1 : 0, width_, static_cast<std::size_t>(radius_)),
        share_(job.frame.variance ? taps_ + 1 : 0, width_, 0),
        height_(4, width_, 1),
        per_noise_(width_),
        masked_(taps_ + 3, false),
        edge_scale_(width_) {
    for (auto* column : {&kept_.height, &kept_.signal, &kept_.smooth}) column->resize(width_ + kBehind);
    kept_.marks.resize(width_ + kBehind);
    for (std::size_t i = 0; i < taps_; ++i) squared_.push_back(job.filter.k[i] * job.filter.k[i]);
    for (std::size_t x = 0; x < width_; ++x) edge_scale_[x] = weight_in(static_cast<int>(x), frame_.width);
  }

  void run() {
    next_ = std::max(0, band_.first - 1 - radius_);
    for (int y = band_.first - 1; y <= band_.end; ++y) {
      fill_height(y);
      if (y > band_.first) search(y - 1);
    }
  }

 private:
  /// Weight of the squared filter at place \p at that falls on [0, size).
  [[nodiscard]] float weight_in(int at, int size) const {
    float sum = 0;
    for (int i = -radius_; i <= radius_; ++i) {
      if (at + i >= 0 && at + i < size) sum += squared_[static_cast<std::size_t>(i + radius_)];
    }
    return sum;
  }

  /// Reads row \p y: whitened and filtered along x, with the weight of its valid pixels where some are not.
  void read(int y) {
    const T* row = pixels_.row(y);
    float* level = level_.row(y);
    float* signal = signal_.row(0);
    job_.background.weighted_row(y, {level, width_}, per_noise_);
    const bool plain =
        !frame_.mask && !frame_.variance &&
        rows::whiten(row, job_.background.pedestal(), level, per_noise_.data(), kHighest, {signal, width_});
    if (!plain) read_valid(y, row, level, signal);
    const std::size_t slot = static_cast<std::size_t>(y) % masked_.size();
    masked_[slot] = !plain;
    const auto shifted = [this](const float* from) {
      return [from, reach = radius_](std::size_t i) { return from + static_cast<std::ptrdiff_t>(i) - reach; };
    };
    rows::weighted_sum(job_.filter.k, width_, along_x_.row(y), shifted(signal));
    if (plain) return;
    rows::weighted_sum(squared_, width_, weight_.row(y), shifted(valid_.row(0)));
    if (frame_.variance) rows::weighted_sum(squared_, width_, share_.row(y), shifted(known_.row(0)));
  }

  void read_valid(int y, const T* row, const float* level, float* signal) {
    float* valid = valid_.row(0);
    for (std::size_t x = 0; x < width_; ++x) {
      const bool good = is_valid(frame_, static_cast<int>(x), y, row[x]);
      const float v = static_cast<float>(static_cast<double>(row[x]) - job_.background.pedestal()) - level[x];
      const auto in_sigma = [v](float weight) { return std::clamp(v * weight, -kHighest, kHighest); };
      if (!frame_.variance) {
        signal[x] = good ? in_sigma(per_noise_[x]) : 0.0F;
        valid[x] = good ? 1.0F : 0.0F;
        continue;
      }
      // Best of all linear filters is k / variance, whose own variance is the sum of k^2 / variance.
      const float weight = good ? 1 / std::sqrt(frame_.variance.row(y)[x]) : 0.0F;
      signal[x] = good ? in_sigma(weight) * weight : 0.0F;
      valid[x] = weight * weight;
      known_.row(0)[x] = good ? 1.0F : 0.0F;
    }
  }

  /// The filtered row; far below every floor outside of the frame.
  void fill_height(int y) {
    constexpr float kNothing = -std::numeric_limits<float>::infinity();
    float* out = height_.row(y + 3);
    if (y < 0 || y >= frame_.height) {
      std::fill_n(out, width_, kNothing);
    } else {
      const int first = std::max(0, y - radius_), last = std::min(frame_.height - 1, y + radius_);
      if (y != summed_) sum_along_y(y, first, last, out);
      bool masked = false;
      for (int p = first; p <= last; ++p) masked = masked || is_masked(p);
      masked ? scale_masked(y, first, last, out) : scale_edges(y, out);
    }
    out[-1] = kNothing;
    std::fill_n(out + width_, rows::hn::MaxLanes(rows::along), kNothing);
  }

  /// Of row \p y and, where both see the whole filter, of the next one: their rows come from memory only once.
  void sum_along_y(int y, int first, int last, float* out) {
    const bool two = y < band_.end && y - radius_ >= 0 && y + radius_ + 1 < frame_.height;
    for (; next_ <= last + (two ? 1 : 0); ++next_) read(next_);
    const auto row = [&](std::size_t i) { return along_x_.row(first + static_cast<int>(i)); };
    if (two) {
      rows::weighted_sums(job_.filter.k, width_, out, height_.row(y + 4), row);
      summed_ = y + 1;
      return;
    }
    const std::span<const float> k =
        std::span(job_.filter.k)
            .subspan(static_cast<std::size_t>(first - y + radius_), static_cast<std::size_t>(last - first + 1));
    rows::weighted_sum(k, width_, out, row);
  }

  /// Where every pixel is valid the filter's weight is that along x times that along y.
  void scale_edges(int y, float* out) const {
    const float across = weight_in(y, frame_.height);
    const auto reach = static_cast<std::size_t>(radius_);
    const auto scale = [&](std::size_t x) {
      const float weight = across * edge_scale_[x];
      out[x] = weight < kMinWeight ? 0.0F : out[x] / std::sqrt(weight);
    };
    if (y < radius_ || y >= frame_.height - radius_) {
      for (std::size_t x = 0; x < width_; ++x) scale(x);
      return;
    }
    for (std::size_t x = 0; x < std::min(reach, width_); ++x) scale(x);
    for (std::size_t x = std::max(reach, width_ > reach ? width_ - reach : 0); x < width_; ++x) scale(x);
  }

  void scale_masked(int y, int first, int last, float* out) {
    const auto add_up = [&](RowRing& weights, std::vector<float>& total) {
      total.assign(width_, 0.0F);
      for (int p = first; p <= last; ++p) {
        const float k2 = squared_[static_cast<std::size_t>(p - y + radius_)];
        const float* weight = is_masked(p) ? weights.row(p) : edge_scale_.data();
        for (std::size_t x = 0; x < width_; ++x) total[x] += k2 * weight[x];
      }
    };
    add_up(weight_, total_);
    if (frame_.variance) add_up(share_, known_total_);
    const float* known = frame_.variance ? known_total_.data() : total_.data();
    for (std::size_t x = 0; x < width_; ++x) out[x] = known[x] < kMinWeight ? 0.0F : out[x] / std::sqrt(total_[x]);
  }

  [[nodiscard]] bool is_masked(int y) const { return masked_[static_cast<std::size_t>(y) % masked_.size()]; }

  /// Collects the bright pixels of a row whose neighbours are filtered too.
  void search(int y) {
    const Heights heights = {height_.row(y + 2), height_.row(y + 3), height_.row(y + 4)};
    const bool plain = y > 0 && y < frame_.height - 1 && !job_.background.has_phases() && !is_masked(y - 1) &&
                       !is_masked(y) && !is_masked(y + 1);
    kept_.n = 0;
    rows::visit_runs(heights[1], width_, job_.floor, [&](std::size_t x, std::size_t n) {
      out_.runs.push_back({y, static_cast<int>(x), static_cast<int>(n), out_.size() + kept_.n});
      const std::size_t lanes = rows::hn::Lanes(rows::along);
      for (std::size_t i = 0; i < n; i += lanes) {
        const auto count = static_cast<int>(std::min(lanes, n - i));
        keep(static_cast<int>(x + i), y, count, heights, plain && x + i > 0 && x + i + lanes < width_);
      }
    });
    const auto append = [n = static_cast<std::ptrdiff_t>(kept_.n)](auto& column, const auto& row) {
      column.insert(column.end(), row.begin(), row.begin() + n);
    };
    append(out_.height, kept_.height);
    append(out_.signal, kept_.signal);
    append(out_.smooth, kept_.smooth);
    append(out_.marks, kept_.marks);
  }

  using Heights = std::array<const float*, 3>;

  /// Keeps \p n pixels, a vector at the most. \param plain  all are valid, and those about them
  void keep(int x, int y, int n, const Heights& heights, bool plain) {
    namespace hn = rows::hn;
    const std::size_t at = kept_.n;
    kept_.n += static_cast<std::size_t>(n);
    const Heights from = {heights[0] + x, heights[1] + x, heights[2] + x};
    hn::StoreU(hn::LoadU(rows::along, from[1]), rows::along, &kept_.height[at]);
    const auto way = job_.touch == Touch::sides ? rows::uphill<Touch::sides>(from) : rows::uphill<Touch::corners>(from);
    const hn::Rebind<std::int32_t, rows::Along> wide;
    const hn::Rebind<std::uint8_t, rows::Along> narrow;
    hn::StoreU(hn::DemoteTo(narrow, hn::ConvertTo(wide, way)), narrow, &kept_.marks[at]);
    const auto self = hn::Eq(way, hn::Set(rows::along, float{BrightPixels::kSelf}));
    for (std::uint64_t peaks = rows::bits_of(self) & (~std::uint64_t{0} >> (64 - n)); peaks != 0; peaks &= peaks - 1) {
      const int k = std::countr_zero(peaks);
      add_peak(x + k, y, out_.size() + at + static_cast<std::size_t>(k), heights);
    }
    if (!plain || !keep_plain(x, y, at)) {
      for (int k = 0; k < n; ++k) keep_one(x + k, y, at + static_cast<std::size_t>(k));
    }
  }

  /// A vector of pixels. \return false where one may be saturated
  bool keep_plain(int x, int y, std::size_t at) {
    namespace hn = rows::hn;
    const double pedestal = job_.background.pedestal();
    const double ceiling = std::min(job_.detector.saturation_adu - pedestal, 1e30);
    const std::array<const T*, 3> raw = {pixels_.row(y - 1) + x, pixels_.row(y) + x, pixels_.row(y + 1) + x};
    const auto sky = hn::LoadU(rows::along, level_.row(y) + x), value = rows::above_pedestal(raw[1], 0, pedestal);
    const auto near = hn::Set(rows::along, static_cast<float>(ceiling - 1e-6 * std::abs(ceiling)));
    if (!hn::AllTrue(rows::along, hn::Lt(value, near))) return false;
    hn::StoreU(hn::Sub(value, sky), rows::along, &kept_.signal[at]);
    hn::StoreU(hn::Sub(rows::smoothed(raw, pedestal), sky), rows::along, &kept_.smooth[at]);
    return true;
  }

  void keep_one(int x, int y, std::size_t at) {
    const T raw = pixels_.row(y)[x];
    kept_.signal[at] = kept_.smooth[at] = 0;
    if (!is_valid(frame_, x, y, raw)) {
      kept_.marks[at] |= BrightPixels::kBad;
      return;
    }
    if (static_cast<double>(raw) >= job_.detector.saturation_adu) kept_.marks[at] |= BrightPixels::kSaturated;
    const double sky = job_.background.pedestal() + static_cast<double>(level_.row(y)[x]);
    kept_.signal[at] = static_cast<float>(static_cast<double>(raw) - sky);
    kept_.smooth[at] = static_cast<float>(smoothed(x, y) - (job_.background.has_phases() ? 0.0 : sky));
  }

  void add_peak(int x, int y, std::size_t pixel, const Heights& heights) {
    const float height = heights[1][x];
    // Beyond the edge of the frame the curve goes on level.
    const auto inside = [height](float v) { return static_cast<double>(std::isinf(v) ? height : v); };
    const auto middle = static_cast<double>(height);
    out_.peaks.push_back({pixel, x + parabola_offset(inside(heights[1][x - 1]), middle, inside(heights[1][x + 1])),
                          y + parabola_offset(inside(heights[0][x]), middle, inside(heights[2][x]))});
  }

  /// The pixels about (x, y), smoothed by the 3x3 binomial kernel over the valid ones; of a mosaic, on which that
  /// weighs all phases alike, less the sky of each.
  [[nodiscard]] double smoothed(int x, int y) const {
    double sum = 0, weight = 0;
    for (int j = std::max(0, y - 1); j <= std::min(frame_.height - 1, y + 1); ++j) {
      const T* row = pixels_.row(j);
      for (int i = std::max(0, x - 1); i <= std::min(frame_.width - 1, x + 1); ++i) {
        if (!is_valid(frame_, i, j, row[i])) continue;
        const double w = (i == x ? 2 : 1) * (j == y ? 2 : 1);
        sum += w * static_cast<double>(row[i]);
        if (job_.background.has_phases()) {
          sum -= w * (job_.background.pedestal() + static_cast<double>(level_.row(j)[i]));
        }
        weight += w;
      }
    }
    return sum / weight;
  }

  const BandJob& job_;
  const FrameView& frame_;
  Plane<T> pixels_;
  RowBand band_;
  BrightPixels& out_;
  int radius_, next_ = 0;
  int summed_ = -1;  // a row whose sums along y are known ahead of its turn
  std::size_t width_, taps_;
  RowRing level_, signal_, valid_, along_x_, weight_;
  RowRing known_, share_;  // of a frame with variances: valid pixels as 1, and the filter's weight on them
  RowRing height_;
  struct Kept {
    std::vector<float> height, signal, smooth;
    std::vector<std::uint8_t> marks;
    std::size_t n = 0;
  };
  static constexpr std::size_t kBehind = rows::hn::MaxLanes(rows::along);  // that a vector may write
  Kept kept_;  // bright pixels of a row, one behind the other
  std::vector<float> per_noise_, total_, known_total_, squared_;
  std::vector<bool> masked_;       // of the rows that were read
  std::vector<float> edge_scale_;  // weight of the squared filter along x that is inside the frame
};

inline void search_band(const BandJob& job, RowBand band, BrightPixels& out) {
  visit_pixels(job.frame, [&]<class T>(Plane<T> pixels) { BrightBand<T>(job, pixels, band, out).run(); });
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
