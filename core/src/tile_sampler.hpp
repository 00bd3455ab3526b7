// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The valid pixels of a tile, as the row of numbers that its statistics are made from.

#include "tile_statistics.hpp"

#include <starflow/core/frame_view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

namespace starflow {

/// A rectangle of pixels [x0, x1) x [y0, y1).
struct TileBox {
  int x0 = 0, x1 = 0, y0 = 0, y1 = 0;  ///< px

  [[nodiscard]] std::size_t area() const {
    return static_cast<std::size_t>(x1 - x0) * static_cast<std::size_t>(y1 - y0);
  }
};

/// Reads tile after tile of a frame whose pixels are T. Small integers stay what they are; the others become float once
/// the pedestal is off.
/// \tparam kLevelled  the distances to a surface are read, as float. Whole numbers less a slope would lie in bands,
///         whose median is known to a band only: each is spread evenly over its step, and the variance of that taken
///         off the noise again.
template <class T, bool kLevelled = false>
class TileSampler {
 public:
  static constexpr bool kWhole = std::is_integral_v<T> && sizeof(T) <= 2 && !kLevelled;
  using Sample = std::conditional_t<kWhole, std::uint16_t, float>;

  /// What the pixels' distances are taken from.
  struct Surface {
    Plane<float> levels{};  ///< less the pedestal; (0, 0) is (0, box.y0) of the frame
    float quantum = 0;      ///< step between the pixels' values, 0 = continuous
  };

  TileSampler(const FrameView& frame, Plane<T> pixels, double pedestal)
      : frame_(frame), pixels_(pixels), pedestal_(pedestal) {}

  /// \param objects  non-zero = leave the pixel out; (0, 0) is (0, box.y0) of the frame; null = none
  /// \return false where too few pixels are valid
  bool read(const TileBox& box, Plane<std::uint8_t> objects, const Surface& surface = {}) {
    surface_ = surface;
    const int step = static_cast<int>(std::max<std::size_t>(1, box.area() / kMaxSamples));
    values_.resize(box.area() / static_cast<std::size_t>(step) + 2 * static_cast<std::size_t>(box.y1 - box.y0));
    if (objects || step > 1 || !unmasked(box) || !read_all(box)) pick(box, step, objects);
    return n_ > 0 && static_cast<double>(n_) >= kMinValidFraction * static_cast<double>(box.area()) / step;
  }

  /// Of the tile that was read, relative to the pedestal or to the surface.
  [[nodiscard]] TileStatistics statistics() {
    TileStatistics s =
        clipped_statistics(std::span<const Sample>(values_).first(n_), kLevelled ? 0 : quantum_, workspace_);
    if constexpr (kWhole) s.level += kOrigin - pedestal_;
    if constexpr (kLevelled) {
      const double spread = static_cast<double>(surface_.quantum) * static_cast<double>(surface_.quantum) / 12;
      s.noise = std::sqrt(std::max(s.noise * s.noise - spread, spread));
    }
    return s;
  }

  [[nodiscard]] std::size_t size() const { return n_; }      ///< pixels that were read
  [[nodiscard]] double quantum() const { return quantum_; }  ///< all are multiples of it; 0 = continuous

 private:
  static constexpr double kMinValidFraction = 0.1;   // of a tile's pixels
  static constexpr std::size_t kMaxSamples = 16384;  // of a tile: more does not lower the error that matters
  static constexpr double kOrigin = kWhole ? static_cast<double>(std::numeric_limits<T>::lowest()) : 0;

  [[nodiscard]] Sample sample(T value) const {
    if constexpr (kWhole) {
      return static_cast<std::uint16_t>(static_cast<int>(value) - static_cast<int>(kOrigin));
    } else {
      return static_cast<float>(static_cast<double>(value) - pedestal_);
    }
  }

  void set_bits(unsigned bits) { quantum_ = bits == 0 ? 1 : static_cast<double>(bits & (~bits + 1)); }

  /// Whether mask and variance let every pixel count.
  [[nodiscard]] bool unmasked(const TileBox& box) const {
    if (!frame_.mask && !frame_.variance) return true;
    unsigned bad = 0;  // no branch in the loops
    for (int y = box.y0; y < box.y1 && bad == 0; ++y) {
      if (frame_.mask) {
        const std::uint8_t* mask = frame_.mask.row(y);
        for (int x = box.x0; x < box.x1; ++x) bad |= mask[x];
      }
      if (frame_.variance) {
        const float* variance = frame_.variance.row(y);
        for (int x = box.x0; x < box.x1; ++x) {
          const float v = variance[x];
          bad |= static_cast<unsigned>(!(v > 0)) | static_cast<unsigned>(!(v <= std::numeric_limits<float>::max()));
        }
      }
    }
    return bad == 0;
  }

  /// Every pixel of the tile, the fast way. \return false where one is not finite
  bool read_all(const TileBox& box) {
    n_ = box.area();
    const Patch<T> from{pixels_.row(box.y0) + box.x0, pixels_.row_bytes, box.x1 - box.x0, box.y1 - box.y0};
    if constexpr (kLevelled && (std::is_same_v<T, std::uint16_t> || std::is_same_v<T, float>)) {
      const Patch<float> levels{surface_.levels.data + box.x0, surface_.levels.row_bytes, from.width, from.height};
      return copy_levelled(from, levels, static_cast<float>(pedestal_), surface_.quantum, values_.data());
    } else if constexpr (kLevelled) {
      return false;
    } else if constexpr (std::is_same_v<T, std::uint16_t>) {
      set_bits(copy_whole(from, values_.data()));
      return true;
    } else if constexpr (std::is_same_v<T, float>) {
      return copy_real(from, static_cast<float>(pedestal_), values_.data());
    } else {
      return convert_all(from);
    }
  }

  bool convert_all(const Patch<T>& from) {
    unsigned bits = 0;
    bool finite = true;
    std::size_t i = 0;
    for (int y = 0; y < from.height; ++y) {
      const T* row = reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(from.first) + y * from.row_bytes);
      for (int x = 0; x < from.width; ++x) {
        const Sample v = values_[i++] = sample(row[x]);
        if constexpr (kWhole) {
          bits |= v;
        } else {
          finite = finite && std::isfinite(v);
        }
      }
    }
    if constexpr (kWhole) set_bits(bits);
    return finite;
  }

  /// Every `step`th pixel that is valid.
  void pick(const TileBox& box, int step, Plane<std::uint8_t> objects) {
    n_ = 0;
    unsigned bits = 0;
    for (int y = box.y0; y < box.y1; ++y) {
      const T* row = pixels_.row(y);
      const std::uint8_t* objects_row = objects ? objects.row(y - box.y0) : nullptr;
      const float* levels = kLevelled ? surface_.levels.row(y - box.y0) : nullptr;
      for (int x = box.x0 + (y * 7) % step; x < box.x1; x += step) {  // the phase walks: no column pattern is picked
        if (objects_row != nullptr && objects_row[x] != 0) continue;
        if (!is_valid(frame_, x, y, row[x])) continue;
        Sample v = sample(row[x]);
        if constexpr (kLevelled) {
          v -= levels[x] - surface_.quantum * even_spread(static_cast<std::uint32_t>(n_));
        }
        if constexpr (kWhole) {
          bits |= v;
        } else {
          if (!std::isfinite(v)) continue;
        }
        values_[n_++] = v;
      }
    }
    if constexpr (kWhole) set_bits(bits);
  }

  const FrameView& frame_;
  Plane<T> pixels_;
  double pedestal_;
  Surface surface_;
  std::vector<Sample> values_;
  std::size_t n_ = 0;
  // Floats that are whole numbers count as real: a frame and its multiple are to give the same answer.
  double quantum_ = std::is_integral_v<T> ? 1 : 0;
  TileWorkspace workspace_;
};

}  // namespace starflow
