// SPDX-License-Identifier: MIT
#include "annulus.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>

#include "tile_statistics.hpp"

namespace starflow {
namespace {

constexpr double kClip = 3;
constexpr double kKeptSigma = 0.98658;        // standard deviation of a unit normal cut at +-3
constexpr double kMedianError = 1.253314137;  // sqrt(pi / 2): of the median, by that of the mean

/// Step of the lattice on which a ring fits the buffer.
int lattice_step(const Ring& ring) {
  const double pi = std::numbers::pi;
  for (int step = 1;; ++step) {
    // A lattice point of the ring lies in a square of the lattice that lies in a ring wider by the square's half
    // diagonal.
    const double more = step * std::numbers::sqrt2 / 2, outer = ring.outer + more,
                 inner = std::max(0.0, ring.inner - more);
    const double points = pi * (outer * outer - inner * inner) / (step * step), row = 2 * ring.outer / step + 1;
    if (points <= static_cast<double>(RingBuffer::kMaxPixels) && row <= static_cast<double>(RingBuffer::kMaxRow)) {
      return step;
    }
  }
}

/// Columns of one row of the lattice, clipped to the frame.
struct Row {
  int first = 0, step = 1, count = 0;
  [[nodiscard]] int x(int i) const { return first + i * step; }
};

/// Lattice points centre + k step within [low, high] and 0..size-1.
Row lattice(int centre, int step, double low, double high, int size) {
  const double begin = std::max(low, 0.0), end = std::min(high, size - 1.0);
  const double first = std::ceil((begin - centre) / step), last = std::floor((end - centre) / step);
  if (!(last >= first)) return {};
  return {centre + static_cast<int>(first) * step, step, static_cast<int>(last - first) + 1};
}

/// The pixels of one ring.
class Collector {
 public:
  Collector(const FrameView& frame, const Detector& detector, double x, double y, const Ring& ring, RingBuffer& buffer)
      : frame_(frame), detector_(detector), x_(x), y_(y), ring_(ring), buffer_(buffer) {}

  /// \return false where they are more than the buffer holds
  bool add_neighbours(const NeighbourIndex& others, std::size_t star) {
    if (!(ring_.keep_out > 0)) return true;
    const double reach = ring_.outer + ring_.keep_out;
    for (const NeighbourIndex::Entry& e : others.rows(y_ - reach, y_ + reach)) {
      if (e.star == star || !(std::abs(e.x - x_) <= reach)) continue;
      if (neighbours_ == RingBuffer::kMaxNeighbours) return false;
      buffer_.neighbour[neighbours_++] = e;
    }
    return true;
  }

  /// Fills the buffer with the pixels less the pedestal.
  template <class T>
  void collect(Plane<T> pixels) {
    const int step = lattice_step(ring_);
    // Far outside of the frame no pixel is in reach: this keeps hostile positions out of integer arithmetic.
    const auto held = [&](double v, int size) {
      return static_cast<int>(std::lround(std::clamp(v, -ring_.outer - 1, size + ring_.outer)));
    };
    const int centre_x = held(x_, frame_.width), centre_y = held(y_, frame_.height);
    const Row lines = lattice(centre_y, step, y_ - ring_.outer, y_ + ring_.outer, frame_.height);
    for (int k = 0; k < lines.count; ++k) {
      const int y = lines.x(k);
      const double dy = y - y_, half = std::sqrt(std::max(0.0, ring_.outer * ring_.outer - dy * dy));
      const Row row = lattice(centre_x, step, x_ - half, x_ + half, frame_.width);
      std::fill_n(buffer_.keep.begin(), row.count, true);
      cut(row, x_, dy, ring_.inner);
      for (std::size_t n = 0; n < neighbours_; ++n) {
        cut(row, buffer_.neighbour[n].x, y - buffer_.neighbour[n].y, ring_.keep_out);
      }
      add_row(pixels.row(y), y, row);
    }
  }

  [[nodiscard]] std::span<float> values() const { return std::span(buffer_.value).first(size_); }

 private:
  /// Leaves out what lies less than \p radius from a point \p dy rows away.
  void cut(const Row& row, double x, double dy, double radius) {
    if (!(std::abs(dy) < radius) || row.count == 0) return;
    const double half = std::sqrt(radius * radius - dy * dy);
    const double first = std::floor((x - half - row.first) / row.step) + 1;
    const double last = std::ceil((x + half - row.first) / row.step) - 1;
    const int begin = static_cast<int>(std::clamp(first, 0.0, static_cast<double>(row.count)));
    const int end = static_cast<int>(std::clamp(last + 1, 0.0, static_cast<double>(row.count)));
    if (end > begin) std::fill(buffer_.keep.begin() + begin, buffer_.keep.begin() + end, false);
  }

  template <class T>
  void add_row(const T* pixels, int y, const Row& row) {
    for (int i = 0; i < row.count && size_ < buffer_.value.size(); ++i) {
      const int x = row.x(i);
      if (!buffer_.keep[static_cast<std::size_t>(i)] || !is_valid(frame_, x, y, pixels[x])) continue;
      const auto raw = static_cast<double>(pixels[x]);
      if (raw >= detector_.saturation_adu) continue;
      buffer_.value[size_++] = static_cast<float>(raw - ring_.pedestal - ring_.phase[mosaic_phase(x, y)]);
    }
  }

  const FrameView& frame_;
  const Detector& detector_;
  double x_, y_;
  const Ring& ring_;
  RingBuffer& buffer_;
  std::size_t neighbours_ = 0, size_ = 0;
};

/// 1 sigma from the values below \p median. Those that lie too low themselves are left out in rounds.
double lower_half_sigma(std::span<const float> values, double median) {
  double lowest = -std::numeric_limits<double>::infinity(), sigma = 0;
  for (int round = 0; round < 3; ++round) {
    double squares = 0, n = 0;
    for (const float v : values) {
      const double below = median - static_cast<double>(v);
      const double counts = (below >= 0) & (static_cast<double>(v) >= lowest) ? 1 : 0;  // no branch: it is a coin toss
      squares += counts * below * below;
      n += counts;
    }
    sigma = n > 0 ? std::sqrt(squares / n) / (round > 0 ? kKeptSigma : 1) : 0;
    lowest = median - kClip * sigma;
  }
  return sigma;
}

RingSky summarise(std::span<float> values, double pedestal) {
  RingSky sky;
  sky.n_pix = static_cast<int>(values.size());
  if (!sky.usable()) return sky;
  const auto median = static_cast<double>(interpolated_median(values));
  const double reach = kClip * lower_half_sigma(values, median);
  const auto end = std::partition(values.begin(), values.end(),
                                  [&](float v) { return std::abs(static_cast<double>(v) - median) <= reach; });
  values = values.first(static_cast<std::size_t>(end - values.begin()));
  sky.n_pix = static_cast<int>(values.size());
  if (!sky.usable()) return sky;
  const auto level = static_cast<double>(interpolated_median(values));
  double sum = 0, squares = 0;
  for (const float v : values) {
    const double above = static_cast<double>(v) - level;
    sum += above;
    squares += above * above;
  }
  const double n = sky.n_pix;
  sky.noise = std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1))) / kKeptSigma;
  sky.level = pedestal + level;
  sky.level_err = kMedianError * sky.noise / std::sqrt(n);
  return sky;
}

}  // namespace

void NeighbourIndex::build(std::span<const double> x, std::span<const double> y) {
  entries_.clear();
  entries_.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i]) && std::isfinite(y[i])) entries_.push_back({y[i], x[i], i});
  }
  std::ranges::sort(entries_, {}, [](const Entry& e) { return std::tuple(e.y, e.x, e.star); });
}

std::span<const NeighbourIndex::Entry> NeighbourIndex::rows(double low, double high) const {
  const auto begin = std::ranges::lower_bound(entries_, low, {}, &Entry::y);
  const auto end = std::ranges::upper_bound(begin, entries_.end(), high, {}, &Entry::y);
  return {begin, end};
}

RingSky ring_sky(const FrameView& frame,
                 const Detector& detector,
                 const NeighbourIndex& others,
                 std::size_t star,
                 double x,
                 double y,
                 const Ring& ring,
                 RingBuffer& buffer) {
  Collector collector(frame, detector, x, y, ring, buffer);
  if (frame.empty() || !collector.add_neighbours(others, star)) return {};
  visit_pixels(frame, [&](auto pixels) { collector.collect(pixels); });
  return summarise(collector.values(), ring.pedestal);
}

}  // namespace starflow
