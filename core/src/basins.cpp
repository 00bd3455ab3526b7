// SPDX-License-Identifier: MIT
#include "basins.hpp"

#include "disjoint_sets.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <span>
#include <utility>

namespace starflow {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::int32_t kOutside = -1;  // of a pixel whose peak lies in a row that was not searched

/// The indices of a row's bright pixels by their place, kNone elsewhere; one column of kNone on each side.
class IndexRow {
 public:
  explicit IndexRow(int width) : at_(static_cast<std::size_t>(width) + 2, kNone) {}

  void set(std::span<const BrightRun> runs) {
    fill(runs_, false);
    runs_ = runs;
    fill(runs_, true);
  }
  [[nodiscard]] std::uint32_t operator[](int x) const { return at_[static_cast<std::size_t>(x + 1)]; }

 private:
  void fill(std::span<const BrightRun> runs, bool known) {
    for (const BrightRun& r : runs) {
      const auto begin = at_.begin() + r.x + 1;
      if (known) {
        std::iota(begin, begin + r.n, static_cast<std::uint32_t>(r.first));
      } else {
        std::fill_n(begin, r.n, kNone);
      }
    }
  }

  std::vector<std::uint32_t> at_;
  std::span<const BrightRun> runs_;
};

/// The rows of indices above, at and below a row.
using IndexRows = std::array<const IndexRow*, 3>;

/// Calls visit(runs of a row, rows of indices about it) for the rows that hold bright pixels.
template <class Visit>
void visit_rows(std::span<const BrightRun> runs, int width, const Visit& visit) {
  std::array<IndexRow, 3> ring = {IndexRow(width), IndexRow(width), IndexRow(width)};
  std::size_t end = 0;  // of the runs that were taken
  int held = -1;        // the last row in the ring
  const auto take = [&](int y) {
    const std::size_t begin = end;
    while (end < runs.size() && runs[end].y == y) ++end;
    ring[static_cast<std::size_t>(y) % 3].set(runs.subspan(begin, end - begin));
    held = y;
  };
  for (std::size_t k = 0; k < runs.size();) {
    const int y = runs[k].y;
    std::size_t next = k;
    while (next < runs.size() && runs[next].y == y) ++next;
    for (int row = std::max(held + 1, y - 1); row <= y + 1; ++row) take(row);
    const auto at = [&ring](int row) { return &ring[static_cast<std::size_t>(row + 3) % 3]; };
    visit(runs.subspan(k, next - k), IndexRows{at(y - 1), at(y), at(y + 1)});
    k = next;
  }
}

/// Joins runs that touch. \param over  px that runs above each other must share
void join_runs(std::span<const BrightRun> runs, int over, DisjointSets& blobs) {
  blobs.reset(runs.size());
  std::size_t above = 0;  // the first run of the row above that may touch
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const BrightRun& run = runs[r];
    while (runs[above].y < run.y - 1 || (runs[above].y == run.y - 1 && runs[above].x + runs[above].n < run.x + over))
      ++above;
    for (std::size_t k = above; runs[k].y == run.y - 1 && runs[k].x + over <= run.x + run.n; ++k) blobs.join(k, r);
  }
}

/// Two basins beside each other, by the pair of pixels over which they meet.
struct Pass {
  float saddle = 0;         // height of the lower pixel
  std::uint32_t pixel = 0;  // that pixel
  std::int32_t a = 0, b = 0;
};

class Watershed {
 public:
  Watershed(const BrightPixels& bright, int width, const Prominence& prominence, Touch touch, Basins& out)
      : bright_(bright), width_(width), prominence_(prominence), touch_(touch), out_(out), way_(out.basin_of) {
    way_.resize(bright.size());
  }

  void run() {
    number();
    find_blobs();
    climb();
    find_passes();
    for (const Pass& p : passes_) meet(p);
    finish();
  }

 private:
  // In `way_` a number below kOutside is a peak's, one above the next pixel on the way up.
  static constexpr std::int32_t mark(std::size_t peak) { return kOutside - 1 - static_cast<std::int32_t>(peak); }
  static constexpr std::int32_t peak_of(std::int32_t mark) { return kOutside - 1 - mark; }

  /// Gives the peaks numbers in falling height, of equals the first first.
  void number() {
    std::vector<std::uint64_t> keys(bright_.peaks.size());  // heights are positive: their bits rise with them
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const auto height = std::bit_cast<std::uint32_t>(bright_.height[bright_.peaks[k].pixel]);
      keys[k] = static_cast<std::uint64_t>(~height) << 32 | k;
    }
    std::ranges::sort(keys);
    peaks_.resize(keys.size());
    for (std::size_t k = 0; k < keys.size(); ++k) peaks_[k] = static_cast<std::uint32_t>(keys[k]);
    joined_.reset(peaks_.size());
    beside_.assign(peaks_.size(), 0.0F);
  }

  /// Gives blobs of a single peak to it, and lists the runs of the others.
  void find_blobs() {
    const std::span<const BrightRun> runs = bright_.runs;
    DisjointSets blobs;
    join_runs(runs, touch_ == Touch::sides ? 1 : 0, blobs);
    std::vector<std::size_t> number_of(peaks_.size());  // of the peaks in raster order
    for (std::size_t k = 0; k < peaks_.size(); ++k) number_of[peaks_[k]] = k;
    std::vector<std::int32_t> owner(runs.size(), kOutside);  // of each blob: a peak's mark, or kShared
    std::size_t r = 0;
    for (std::size_t p = 0; p < bright_.peaks.size(); ++p) {
      while (bright_.peaks[p].pixel >= runs[r].first + static_cast<std::size_t>(runs[r].n)) ++r;
      std::int32_t& o = owner[blobs.of(r)];
      o = o == kOutside ? mark(number_of[p]) : kShared;
    }
    for (r = 0; r < runs.size(); ++r) {
      const std::int32_t o = owner[blobs.of(r)];
      if (o == kShared) {
        shared_.push_back(runs[r]);
      } else {
        std::fill_n(way_.begin() + static_cast<std::ptrdiff_t>(runs[r].first), runs[r].n, o);
      }
    }
  }

  /// Follows each pixel's way up to its peak.
  void climb() {
    visit_rows(shared_, width_, [&](std::span<const BrightRun> runs, const IndexRows& rows) {
      for (const BrightRun& r : runs) {
        for (int i = 0; i < r.n; ++i) {
          const std::size_t p = r.first + static_cast<std::size_t>(i);
          const int k = bright_.uphill(p);
          way_[p] = static_cast<std::int32_t>((*rows[static_cast<std::size_t>(k / 3)])[r.x + i + k % 3 - 1]);
        }
      }
    });
    for (std::size_t k = 0; k < peaks_.size(); ++k) way_[bright_.peaks[peaks_[k]].pixel] = mark(k);
    for (const BrightRun& r : shared_) {
      for (std::size_t p = r.first; p < r.first + static_cast<std::size_t>(r.n); ++p) {
        std::int32_t top = way_[p];
        while (top > kOutside) top = way_[static_cast<std::size_t>(top)];
        for (std::size_t q = p; way_[q] > kOutside;) {
          q = static_cast<std::size_t>(std::exchange(way_[q], top));
        }
      }
    }
  }

  void find_passes() {
    visit_rows(shared_, width_, [&](std::span<const BrightRun> runs, const IndexRows& rows) {
      for (const BrightRun& r : runs) {
        for (int i = 0; i < r.n; ++i) {
          const auto p = static_cast<std::uint32_t>(r.first + static_cast<std::size_t>(i));
          const int x = r.x + i;
          const auto meet_at = [&](std::uint32_t q) {
            if (q != kNone && way_[p] != way_[q]) add_pass(p, q);
          };
          meet_at((*rows[1])[x + 1]);
          if (touch_ == Touch::corners) meet_at((*rows[2])[x - 1]);
          meet_at((*rows[2])[x]);
          if (touch_ == Touch::corners) meet_at((*rows[2])[x + 1]);
        }
      }
    });
    std::ranges::sort(passes_, [](const Pass& a, const Pass& b) {
      if (a.saddle != b.saddle) return a.saddle > b.saddle;
      if (a.pixel != b.pixel) return a.pixel < b.pixel;
      return a.a != b.a ? a.a < b.a : a.b < b.b;
    });
  }

  /// \p q comes after \p p: of equal pixels it is the lower one.
  void add_pass(std::uint32_t p, std::uint32_t q) {
    if (way_[p] == kOutside || way_[q] == kOutside) return;
    const float hp = bright_.height[p], hq = bright_.height[q];
    const bool p_lower = hp < hq;
    passes_.push_back({p_lower ? hp : hq, p_lower ? p : q, peak_of(way_[p]), peak_of(way_[q])});
  }

  void meet(const Pass& pass) {
    const auto [higher, lower] =
        std::minmax({joined_.of(static_cast<std::size_t>(pass.a)), joined_.of(static_cast<std::size_t>(pass.b))});
    if (higher == lower) return;
    const float height = height_of(lower);
    if (height - pass.saddle < std::max(prominence_.least, prominence_.fraction * height)) {
      joined_.join(lower, higher);
      beside_[higher] = std::max(beside_[higher], beside_[lower]);
    } else {
      beside_[higher] = std::max(beside_[higher], height);
      beside_[lower] = std::max(beside_[lower], height_of(higher));
    }
  }

  [[nodiscard]] float height_of(std::size_t peak) const { return bright_.height[bright_.peaks[peaks_[peak]].pixel]; }

  void finish() {
    out_.basins.clear();
    std::vector<std::int32_t> kept(peaks_.size(), kOutside);  // basin of each peak
    for (std::size_t k = 0; k < peaks_.size(); ++k) {
      const std::size_t top = joined_.of(k);  // which comes before k
      if (top == k) {
        kept[k] = static_cast<std::int32_t>(out_.basins.size());
        out_.basins.push_back({peaks_[k], beside_[k]});
      } else {
        kept[k] = kept[top];
      }
    }
    for (std::int32_t& w : way_) {
      if (w != kOutside) w = kept[static_cast<std::size_t>(peak_of(w))];
    }
  }

  static constexpr std::int32_t kShared = 0;  // of a blob: it has several peaks

  const BrightPixels& bright_;
  int width_;
  Prominence prominence_;
  Touch touch_;
  Basins& out_;
  std::vector<std::int32_t>& way_;
  std::vector<BrightRun> shared_;   // those of blobs with several peaks
  std::vector<std::size_t> peaks_;  // in falling height
  DisjointSets joined_;             // peaks and those that their basins took in
  std::vector<float> beside_;       // as Basin::beside
  std::vector<Pass> passes_;
};

}  // namespace

void split_basins(const BrightPixels& bright, int width, const Prominence& prominence, Touch touch, Basins& out) {
  Watershed(bright, width, prominence, touch, out).run();
}

}  // namespace starflow
