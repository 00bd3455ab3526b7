// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What lies around a peak: a level that the mesh did not follow, or a line that runs through it.

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace starflow {

/// Looks at a ring about a peak, from 0.9 to 5 FWHM, in 16 sectors of four parts each. A star's own light and its
/// neighbours leave most of the parts alone; an uneven sky fills all of them, a trail those of two opposite sectors.
class Surroundings {
 public:
  /// ADU above the background; each is 0 where it is within three times its noise.
  struct View {
    double level = 0;  ///< of the ring: the median of its parts
    double line = 0;   ///< height above that of a line as wide as a star through the peak
  };

  /// \param fwhm_px  of the stars
  Surroundings(const FrameView& frame, const Background& background, double fwhm_px);

  /// \param x, y  a pixel of the frame
  [[nodiscard]] View look(int x, int y) const;

  /// Signal to noise that a matched filter sees at the peak of a star on nothing but \p view.
  [[nodiscard]] double response(const View& view, double noise) const {
    return (view.level * level_gain_ + view.line * line_gain_) / noise;
  }

 private:
  static constexpr std::size_t kSectors = 16, kParts = 4;
  struct Offset {
    int dx, dy;
    std::size_t part;  // sector * kParts + ring
  };
  struct Part {
    double sum = 0;         // ADU above the background
    double n = 0;           // valid pixels
    double dx = 0, dy = 0;  // sums of their places about the peak, px
  };
  using Parts = std::array<Part, kSectors * kParts>;

  [[nodiscard]] Parts read(int x, int y) const;
  /// Height above \p level of the line that leaves on both sides along a sector, ADU; 0 where it is none: uneven, too
  /// faint, or too few parts are known.
  [[nodiscard]] double line_along(const Parts& parts, std::size_t sector, double level, double noise) const;

  const FrameView& frame_;
  const Background& background_;
  std::vector<Offset> offsets_;                             // part by part
  std::array<std::size_t, kSectors * kParts + 1> begin_{};  // of each part's
  Parts whole_{};                                           // places of the parts that lie in the frame
  int reach_ = 0, step_ = 1;                                // of the places, px
  std::array<double, kParts> line_share_{};  // of a line's height, mean over two sectors beside each other
  double level_gain_ = 0, line_gain_ = 0;    // what the filter makes of a level, of a line: parts of the pixel's noise
  double part_error_ = 0, level_error_ = 0;  // the same of a part's noise and the median's, in parts of the pixel's
};

}  // namespace starflow
