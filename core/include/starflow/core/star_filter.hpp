// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which measured stars go, and why.

#include <starflow/core/flags.hpp>
#include <starflow/core/star_table.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace starflow {

/// A closed range; everything where nothing is set. A number that is not defined lies in no range that is set.
struct Bounds {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();

  [[nodiscard]] constexpr bool set() const noexcept {
    return least > -std::numeric_limits<double>::infinity() || most < std::numeric_limits<double>::infinity();
  }
  [[nodiscard]] constexpr bool hold(double v) const noexcept { return !set() || (v >= least && v <= most); }
};

enum class Side : std::uint8_t { inside, outside };

/// A rectangle of the frame, px, its border with it.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

/// A disc of the frame, px, its rim with it.
struct Circle {
  double x = 0, y = 0, radius = 0;
};

/// The stars whose distance to (x, y) is within the bounds, px.
struct Surroundings {
  double x = 0, y = 0;
  Bounds distance{};
};

/// What is asked of a star; as it comes, nothing. Positions that are not finite are neither inside nor outside
/// of anything, and have no neighbours.
struct FilterRules {
  static constexpr double kSigmaFloor = 0.02;  ///< of the median: focus alone varies that much over a field

  double duplicate_radius = 0;  ///< FWHM; 0 = off. Of two rows this close or closer the one of lower S/N goes
  Flags flags = 0;              ///< a row with any of these goes
  std::optional<Box> box{};
  std::optional<Circle> circle{};
  Side region_side = Side::inside;  ///< of the box, of the circle: what lies on the other one goes
  double edge_px = 0;               ///< rows closer than this to the outer border of the frame go
  std::optional<Surroundings> position{};
  double snr_min = 0;           ///< rows of less go, and those without; 0 = off
  double significance_min = 0;  ///< rows whose flux and FWHM both are less than this many of their errors go; 0 = off
  /// The same in frames whose stars' FWHM was guessed: no filter of the stars' shape has vouched for a row.
  double significance_guessed = 0;
  Bounds sharpness{}, roundness1{}, roundness2{};
  /// FWHM; 0 = off. Rows with another one this close or closer go, both of them. Hot pixels and cosmic rays (by their
  /// flags) and duplicates are no neighbours; whatever else another rule takes still is, for its light is there.
  double neighbour_radius = 0;
  double fwhm_sigma = 0;            ///< 0 = off. Rows whose FWHM is farther than this many sigma from the median go
  double fwhm_floor = kSigmaFloor;  ///< of the median FWHM; sigma counts as no less
  std::size_t brightest = 0;        ///< this many of the greatest flux stay; 0 = all
};

/// What the rules refer to.
struct FilterFrame {
  int width = 0, height = 0;  ///< px
  double fwhm_px = 0;         ///< of the stars; 0 = unknown: then only equal positions are close
  bool fwhm_guessed = false;
};

/// Why a row goes, but for a flag, whose own name is the reason.
namespace reason {
inline constexpr std::string_view duplicate = "duplicate";
inline constexpr std::string_view region = "region";
inline constexpr std::string_view frame_edge = "frame_edge";
inline constexpr std::string_view position = "position";
inline constexpr std::string_view snr = "snr";
inline constexpr std::string_view insignificant = "insignificant";
inline constexpr std::string_view sharpness = "sharpness";
inline constexpr std::string_view roundness = "roundness";
inline constexpr std::string_view neighbour = "neighbour";
inline constexpr std::string_view fwhm_outlier = "fwhm_outlier";
inline constexpr std::string_view beyond_brightest = "beyond_brightest";
}  // namespace reason

/// Why each row of \p stars goes: one reason a row, empty where it stays.
///
/// The rules are asked in this order, and a row goes by the first that takes it: duplicate, flags (by bit number),
/// region, frame_edge, position, snr, insignificant, sharpness, roundness, neighbour, fwhm_outlier, beyond_brightest.
///
/// Duplicates: from the highest S/N down (undefined is lowest; of equals the earlier row first), each row that is
/// still there takes those within the radius. Outliers in width: the centre is the median FWHM of the good rows that
/// no earlier rule took, sigma 1.4826 times the median distance from it (Rousseeuw & Croux 1993, JASA 88, 1273), but no
/// less than fwhm_floor of the centre. Good: no flag that says that the width may be another thing than one star's
/// (saturated, blended, at the edge, not converged, ...). With fewer than kEnoughWidths of them no row goes, and one
/// without a width never does. Brightest: of equal flux the earlier row stays.
///
/// Insignificant: neither the flux nor the FWHM (not asked where it is no star's) is that many of its errors, both of
/// the fit or its fallback; of `quadratic`, which draws the flux out from nine logarithms, neither is the flux in the
/// aperture. One alone may be uncertain through the other, the level or the wings of a Moffat. A row
/// with no flux goes where nothing converged, but stays where all that is the matter is that it moved onto another
/// star. A row whose fit failed goes too where its centroid is as wide as no star is, and a star ten times as bright
/// stands within 2.5 FWHM: a peak in its wings. Saturated rows stay, for what is left of their light tells little of
/// it; and those fitted in a group, for their error is mostly the light that they share with a neighbour which is
/// there.
///
/// Never fails for a consistent table. One thread, so the result depends on nothing else.
[[nodiscard]] std::vector<std::string_view> filter_stars(const StarTable& stars,
                                                         const FilterRules& rules,
                                                         const FilterFrame& frame);

/// Good stars that a median of widths needs.
inline constexpr std::size_t kEnoughWidths = 8;

}  // namespace starflow
