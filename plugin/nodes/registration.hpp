// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Brings the stars of a frame onto those of a reference.

#include "frame_transform.hpp"
#include "point_grid.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace starflow {

/// What two frames may differ by: shift, rotation, scale and mirror; or shear and two scales too.
enum class TransformKind : std::uint8_t { similarity, affine };

struct RegistrationOptions {
  TransformKind transform = TransformKind::affine;
  std::size_t brightest = 60;   ///< stars that triangles are made of, of either frame
  std::size_t least_stars = 6;  ///< that must agree; 3 or more
  double radius_px = 3;         ///< a star farther from its place is another one
};

/// A star with the error of its position, px; NaN = unknown: it takes no part in the fit.
struct MeasuredPoint {
  StarPoint at;
  double error = 0;
};

/// The stars that others are brought onto. Grows.
class StarCatalogue {
 public:
  /// \param width, height  of the reference frame, px
  StarCatalogue(int width, int height, double radius_px) : grid_(width, height, radius_px) {}
  void add(const MeasuredPoint& star) {
    grid_.add(star.at.x, star.at.y);
    stars_.push_back(star);
  }
  [[nodiscard]] std::size_t size() const noexcept { return stars_.size(); }
  [[nodiscard]] const MeasuredPoint& operator[](std::size_t k) const { return stars_[k]; }
  /// Of the stars within \p radius px of a place, the nearest; of equals the first. None: size().
  [[nodiscard]] std::size_t nearest(StarPoint place, double radius) const;

 private:
  PointGrid grid_;
  std::vector<MeasuredPoint> stars_;
};

struct Registration {
  static constexpr std::size_t kNone = ~std::size_t{0};
  FrameTransform to_reference;
  std::vector<std::size_t> partner;  ///< of each star, in the catalogue; kNone = none within the radius
  std::size_t stars = 0;             ///< that the transform was fitted to
  double rms_px = 0;                 ///< of those, per axis
};

/// \param stars  of a frame, the brightest first
/// \param reference  places of the brightest stars of \p catalogue, the brightest first
/// \return nothing where too few stars agree, or no more than chance brings together
///
/// Triangles of the brightest stars vote for pairs (see TriangleVotes); of the transforms that the best triangles give,
/// the one that brings most stars onto others is fitted to all stars by least squares, weighted by their errors,
/// without those more than four deviations off. Each star of the catalogue is the partner of one star at most, the
/// nearest.
[[nodiscard]] std::optional<Registration> register_stars(std::span<const MeasuredPoint> stars,
                                                         std::span<const StarPoint> reference,
                                                         const StarCatalogue& catalogue,
                                                         const RegistrationOptions& options);

}  // namespace starflow
