// SPDX-License-Identifier: MIT
#include "lone_stars.hpp"

#include "annulus.hpp"
#include "median.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace starflow {
namespace {

/// Calls visit(column of a, column of b) for all columns.
template <class Visit>
void zip(Detections& a, const Detections& b, const Visit& visit) {
  for (const auto column : {&Detections::x, &Detections::y, &Detections::peak, &Detections::flux, &Detections::iso_x,
                            &Detections::iso_y, &Detections::xx, &Detections::yy, &Detections::xy}) {
    visit(a.*column, b.*column);
  }
  visit(a.n_pix, b.n_pix);
  visit(a.id, b.id);
  visit(a.flags, b.flags);
}

}  // namespace

Detections lone_stars(const Detections& found, double fwhm_px, std::size_t most) {
  constexpr Flags kUseless = flag::saturated | flag::edge | flag::bad_pixel | flag::blended;
  constexpr double kApart = 2.5, kFaint = 0.02;  // FWHM; part of the light
  NeighbourIndex index;
  index.build(found.x, found.y);
  const double radius = kApart * fwhm_px;
  const auto alone = [&](std::size_t i) {
    return std::ranges::none_of(
        index.rows(found.y[i] - radius, found.y[i] + radius), [&](const NeighbourIndex::Entry& e) {
          return e.star != i && std::abs(e.x - found.x[i]) < radius &&
                 std::hypot(e.x - found.x[i], e.y - found.y[i]) < radius && found.flux[e.star] > kFaint * found.flux[i];
        });
  };
  Detections lone;
  for (std::size_t i = 0; i < found.size() && lone.size() < most; ++i) {
    if ((found.flags[i] & kUseless) != 0 || !alone(i)) continue;
    zip(lone, found, [i](auto& to, const auto& from) { to.push_back(from[i]); });
  }
  return lone;
}

double common_fwhm(const StarTable& stars) {
  constexpr Flags kBad =
      flag::saturated | flag::edge | flag::no_convergence | flag::fallback_method | flag::bad_pixel_center;
  constexpr double kMinSnr = 10, kNarrowest = 0.8, kPixelLike = 1.3;  // px: below kNarrowest no optics make a star
  constexpr std::size_t kEnough = 5;
  constexpr double kEnoughShare = 0.1, kAgree = 0.3;  // of all; of the median
  std::vector<double> all, wide;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const bool bright = stars.flux_aperture[i] >= kMinSnr * stars.flux_aperture_err[i];  // with all that overlaps it
    if ((stars.flags[i] & kBad) != 0 || !bright || !(stars.fwhm[i] > kNarrowest)) continue;
    all.push_back(stars.fwhm[i]);
    if (stars.fwhm[i] > kPixelLike) wide.push_back(stars.fwhm[i]);
  }
  if (all.empty()) return 0;
  if (wide.size() >= kEnough && static_cast<double>(wide.size()) >= kEnoughShare * static_cast<double>(all.size())) {
    const double m = upper_median(std::span(wide));
    const auto agree = std::ranges::count_if(wide, [m](double w) { return std::abs(w - m) < kAgree * m; });
    if (2 * static_cast<std::size_t>(agree) > wide.size()) return m;
  }
  return upper_median(std::span(all));
}

}  // namespace starflow
