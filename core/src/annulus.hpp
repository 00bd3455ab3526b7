// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The sky in a ring about a star.

#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// The detections of a frame in the order of their rows, so that those about a star are found at once.
class NeighbourIndex {
 public:
  struct Entry {
    double y = 0, x = 0;
    std::size_t star = 0;
  };

  /// Takes the positions over; those that are not finite are nobody's neighbours. Reuses its memory: no allocation for
  /// as many as it has held before.
  void build(std::span<const double> x, std::span<const double> y);

  /// Those with y in [low, high], in the order of y, then x, then number.
  [[nodiscard]] std::span<const Entry> rows(double low, double high) const;

 private:
  std::vector<Entry> entries_;
};

/// Pixels whose centre lies inner..outer px from the star and at least keep_out px from any other detection.
struct Ring {
  double inner = 0, outer = 0;    ///< px, 0 <= inner < outer
  double keep_out = 0;            ///< px; 0 = neighbours don't matter
  double pedestal = 0;            ///< ADU, near the sky; taken off before pixels become float
  std::array<double, 4> phase{};  ///< ADU, of a mosaic: sky of each phase less their mean
};

/// What a ring tells about the sky.
struct RingSky {
  static constexpr int kMinPixels = 20;
  double level = 0;      ///< ADU, median of the pixels within 3 sigma
  double level_err = 0;  ///< ADU, 1 sigma
  double noise = 0;      ///< ADU, 1 sigma of a pixel; 0 where all pixels are equal
  int n_pix = 0;         ///< that the level rests on

  /// False: too few pixels were left, and the rest is not defined.
  [[nodiscard]] bool usable() const noexcept { return n_pix >= kMinPixels; }
};

/// Memory of ring_sky(). One for each concurrent call.
struct RingBuffer {
  static constexpr std::size_t kMaxPixels = 4096, kMaxRow = 512, kMaxNeighbours = 512;
  std::array<float, kMaxPixels> value;
  std::array<bool, kMaxRow> keep;
  std::array<NeighbourIndex::Entry, kMaxNeighbours> neighbour;
};

/// Level and noise of the sky in \p ring about (x, y), which must be finite, without masked, saturated and non-finite
/// pixels. A ring of more than RingBuffer::kMaxPixels pixels is read on a square lattice of every 2nd, 3rd, ... row and
/// column. \param star  its own number in \p others \return not usable() in a crowd of more than kMaxNeighbours.
///
/// The pixels above the median may hold light of stars, so the first sigma is that of the lower half. Pixels more than
/// 3 of it from the median are left out, what is left gives the median and, with the part that a normal distribution
/// loses there, the noise. Never allocates.
[[nodiscard]] RingSky ring_sky(const FrameView& frame,
                               const Detector& detector,
                               const NeighbourIndex& others,
                               std::size_t star,
                               double x,
                               double y,
                               const Ring& ring,
                               RingBuffer& buffer);

}  // namespace starflow
