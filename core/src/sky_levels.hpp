// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The level of the sky at the tiles' centres, and a surface through them.

#include "sky_survey.hpp"

#include <starflow/core/background.hpp>
#include <starflow/core/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// A sky that slopes or bends within a tile counts as noise there, and the median filter cuts its tops off. So the
/// tiles across which the surface changes by more than ten errors of a tile's mean (for 64 px: by 0.16 sigma, which
/// adds 0.1 % to the noise) are measured again about the surface; what their levels have more than it is added to it,
/// tiles that stand out excepted; and again, until nothing changes. The tiles of a flat sky keep their first answer.
class SkyLevels {
 public:
  /// \param survey  measured, at least one level known; both are referred to
  SkyLevels(SkySurvey& survey, const FrameView& frame, int filter_tiles);

  /// The same sky in smaller tiles. Those that lie in tiles of \p coarse that are \p uneven are measured about its
  /// surface, and again as above; the others have its level and noise.
  /// \param fine  not measured yet; referred to
  SkyLevels(SkySurvey& fine, const SkyLevels& coarse, std::span<const std::uint8_t> uneven, ParallelFor parallel);

  void follow(ParallelFor parallel);
  [[nodiscard]] bool follows() const;  ///< whether any tile was measured again

  /// Part of the tiles that were measured again. On random clouds of 20 px RMS and more in tiles of 32 px 0.48 and
  /// more; where stars alone make the levels uneven, at any density and to a FWHM of 35 px, at most 0.12.
  [[nodiscard]] double followed_part() const;
  /// Whether the levels scatter so much from tile to tile that a change by a sigma across a tile passes for scatter,
  /// and few tiles were followed: the sky bends within the tiles, or many stars wider than 8 px stand there.
  [[nodiscard]] bool is_lost() const;
  static constexpr double kFewFollowed = 0.25;  ///< of the tiles

  [[nodiscard]] const std::vector<float>& values() const { return values_; }  ///< less the pedestal
  [[nodiscard]] const MeshSurface& surface() const { return surfaces_.back(); }

 private:
  [[nodiscard]] std::size_t index(int i, int j) const;
  [[nodiscard]] double uncertainty(std::size_t k) const;
  [[nodiscard]] double change_across(int i, int j) const;
  [[nodiscard]] bool follows_within(int i, int j, int reach) const;
  [[nodiscard]] bool rim_bends() const;
  void add_surface();
  bool choose();
  void correct();
  void inherit(const SkyLevels& coarse_levels, std::span<const std::uint8_t> uneven);

  SkySurvey& survey_;
  const FrameView& frame_;
  int filter_tiles_;
  double scatter_ = 0;  // of the levels from tile to tile
  std::vector<float> values_;
  std::vector<std::size_t> about_;              // the surface that each tile was measured about
  std::vector<std::uint8_t> again_, followed_;  // to be measured about the newest; ever were
  std::vector<MeshSurface> surfaces_;           // the first is 0 everywhere
};

}  // namespace starflow
