// SPDX-License-Identifier: MIT
#include <starflow/core/star_filter.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "annulus.hpp"
#include "median.hpp"

namespace starflow {
namespace {

constexpr Flags kKnownFlags = (Flags{1} << kFlagNames.size()) - 1;
/// Flags that don't keep a width from being that of one whole star.
constexpr Flags kWidthIsGood = flag::group_fit | flag::neighbour_masked | flag::undersampled |
                               flag::background_unreliable | flag::forced_position | flag::deadline_degraded |
                               flag::cfa_fit | flag::predicted;
constexpr Flags kNoStar = flag::hot_pixel | flag::cosmic_ray;
constexpr double kSigmaOfMad = 1.482602218505602;  // 1 / the 75 % quantile of a unit normal

/// Greater first, undefined last; of equals the earlier row.
struct Falling {
  const std::vector<double>& value;
  bool operator()(std::uint32_t a, std::uint32_t b) const {
    const double u = value[a], v = value[b];
    if (std::isnan(u) != std::isnan(v)) return std::isnan(v);
    if (u > v || u < v) return u > v;
    return a < b;
  }
};

class Selection {
 public:
  Selection(const StarTable& stars, const FilterFrame& frame) : stars_(stars), frame_(frame), reasons_(stars.size()) {}

  void drop_duplicates(double radius_px);
  void drop_flagged(Flags flags);
  void keep_region(const FilterRules& rules);
  void keep_off_edge(double px);
  void keep_at_distance(const Surroundings& place);
  void keep_snr(double least);
  void keep_significant(double sigmas);
  [[nodiscard]] bool has_light(std::size_t row, double sigmas) const;
  [[nodiscard]] bool in_wings(std::size_t row) const;
  void keep_shapes(const FilterRules& rules);
  void drop_neighbours(double radius_px);
  void drop_odd_widths(double sigmas, double floor);
  void keep_brightest(std::size_t n);
  std::vector<std::string_view> take() { return std::move(reasons_); }

 private:
  [[nodiscard]] bool stays(std::size_t row) const { return reasons_[row].empty(); }

  /// Takes the rows for which \p good(row) is false.
  template <class Good>
  void keep(std::string_view why, Good good) {
    for (std::size_t row = 0; row < reasons_.size(); ++row) {
      if (stays(row) && !good(row)) reasons_[row] = why;
    }
  }
  void index() {
    if (indexed_) return;
    indexed_ = true;
    index_.build(stars_.x, stars_.y);
  }
  /// Calls \p visit(other) for the other rows within the radius of \p row until it says true. \return whether it did
  template <class Visit>
  bool any_near(std::size_t row, double radius_px, Visit visit) const {
    const double x = stars_.x[row], y = stars_.y[row];
    if (!std::isfinite(x) || !std::isfinite(y)) return false;
    return std::ranges::any_of(index_.rows(y - radius_px, y + radius_px), [&](const NeighbourIndex::Entry& e) {
      const double dx = e.x - x, dy = e.y - y;
      return e.star != row && dx * dx + dy * dy <= radius_px * radius_px && visit(e.star);
    });
  }

  const StarTable& stars_;
  const FilterFrame& frame_;
  std::vector<std::string_view> reasons_;
  NeighbourIndex index_;
  bool indexed_ = false;
};

void Selection::drop_duplicates(double radius_px) {
  index();
  std::vector<std::uint32_t> order(reasons_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, Falling{stars_.snr});
  for (const std::uint32_t row : order) {
    if (!stays(row)) continue;
    // What is better and near would have taken this row: all that are left are worse.
    any_near(row, radius_px, [&](std::size_t other) {
      reasons_[other] = reason::duplicate;
      return false;
    });
  }
}

void Selection::drop_flagged(Flags flags) {
  for (std::size_t row = 0; row < reasons_.size(); ++row) {
    const Flags hit = stars_.flags[row] & flags & kKnownFlags;
    if (stays(row) && hit != 0) reasons_[row] = kFlagNames[static_cast<std::size_t>(std::countr_zero(hit))];
  }
}

void Selection::keep_region(const FilterRules& rules) {
  const auto keep_side = [&](auto inside) {
    keep(reason::region, [&](std::size_t row) {
      const double x = stars_.x[row], y = stars_.y[row];
      return std::isfinite(x) && std::isfinite(y) && inside(x, y) == (rules.region_side == Side::inside);
    });
  };
  if (rules.box) {
    keep_side(
        [&b = *rules.box](double x, double y) { return x >= b.left && x <= b.right && y >= b.top && y <= b.bottom; });
  }
  if (rules.circle) {
    keep_side([&c = *rules.circle](double x, double y) { return std::hypot(x - c.x, y - c.y) <= c.radius; });
  }
}

void Selection::keep_off_edge(double px) {
  keep(reason::frame_edge, [&](std::size_t row) {
    // Pixel centres are integers, so the border lies half a pixel outside of the outermost.
    const double x = stars_.x[row] + 0.5, y = stars_.y[row] + 0.5;
    return x >= px && y >= px && frame_.width - x >= px && frame_.height - y >= px;
  });
}

void Selection::keep_at_distance(const Surroundings& place) {
  keep(reason::position, [&](std::size_t row) {
    const double distance = std::hypot(stars_.x[row] - place.x, stars_.y[row] - place.y);
    return std::isfinite(distance) && place.distance.hold(distance);
  });
}

void Selection::keep_snr(double least) {
  keep(reason::snr, [&](std::size_t row) { return stars_.snr[row] >= least; });
}

/// Whether \p row is a peak in the wings of a bright star: no fit found a star there, and the centroid in its place is
/// as wide as no star is. In fifteen simulated fields one such row of 26,000 above S/N 10 was a star.
bool Selection::in_wings(std::size_t row) const {
  constexpr double kWide = 1.5, kReach = 2.5;  // FWHM
  constexpr double kBrighter = 10;
  if ((stars_.flags[row] & flag::fallback_method) == 0 || !(stars_.fwhm_major[row] > kWide * frame_.fwhm_px))
    return false;
  return any_near(row, kReach * frame_.fwhm_px,
                  [&](std::size_t other) { return stars_.snr[other] > kBrighter * stars_.snr[row]; });
}

/// The flux of a parabola is drawn out from the logarithms of nine pixels, of which the dim ones say little: of S/N 3.4
/// (median) where the star's is 20. What is certain of its light is what the aperture holds.
bool Selection::has_light(std::size_t row, double sigmas) const {
  if (stars_.method_used[row] == Method::quadratic)
    return stars_.flux_aperture[row] >= sigmas * stars_.flux_aperture_err[row];
  return stars_.flux[row] >= sigmas * stars_.flux_err[row];
}

void Selection::keep_significant(double sigmas) {
  index();
  keep(reason::insignificant, [&](std::size_t row) {
    const Flags flags = stars_.flags[row];
    if ((flags & (flag::saturated | flag::group_fit)) != 0) return true;
    if (std::isnan(stars_.flux[row])) return (flags & flag::no_convergence) == 0;
    if (in_wings(row)) return false;
    // The width of what is no star's shape vouches for nothing.
    const bool shaped = (flags & (flag::extended | flag::trailed)) == 0;
    return has_light(row, sigmas) || (shaped && stars_.fwhm[row] >= sigmas * stars_.fwhm_err[row]);
  });
}

void Selection::keep_shapes(const FilterRules& rules) {
  keep(reason::sharpness, [&](std::size_t row) { return rules.sharpness.hold(stars_.sharpness[row]); });
  keep(reason::roundness, [&](std::size_t row) {
    return rules.roundness1.hold(stars_.roundness1[row]) && rules.roundness2.hold(stars_.roundness2[row]);
  });
}

void Selection::drop_neighbours(double radius_px) {
  index();
  const auto shines = [&](std::size_t row) {
    return (stars_.flags[row] & kNoStar) == 0 && reasons_[row] != reason::duplicate;
  };
  keep(reason::neighbour, [&](std::size_t row) { return !any_near(row, radius_px, shines); });
}

void Selection::drop_odd_widths(double sigmas, double floor) {
  std::vector<double> v;
  for (std::size_t row = 0; row < reasons_.size(); ++row) {
    const bool good = stays(row) && (stars_.flags[row] & ~kWidthIsGood) == 0;
    if (good && std::isfinite(stars_.fwhm[row])) v.push_back(stars_.fwhm[row]);
  }
  if (v.size() < kEnoughWidths) return;
  const double centre = upper_median(std::span(v));
  for (double& width : v) width = std::abs(width - centre);
  const double limit = sigmas * std::max(kSigmaOfMad * upper_median(std::span(v)), floor * centre);
  keep(reason::fwhm_outlier, [&](std::size_t row) { return !(std::abs(stars_.fwhm[row] - centre) > limit); });
}

void Selection::keep_brightest(std::size_t n) {
  std::vector<std::uint32_t> order;
  for (std::size_t row = 0; row < reasons_.size(); ++row) {
    if (stays(row)) order.push_back(static_cast<std::uint32_t>(row));
  }
  if (order.size() <= n) return;
  const auto last = order.begin() + static_cast<std::ptrdiff_t>(n);
  std::ranges::nth_element(order, last, Falling{stars_.flux});
  std::for_each(last, order.end(), [&](std::uint32_t row) { reasons_[row] = reason::beyond_brightest; });
}

}  // namespace

std::vector<std::string_view> filter_stars(const StarTable& stars, const FilterRules& rules, const FilterFrame& frame) {
  Selection s(stars, frame);
  if (rules.duplicate_radius > 0) s.drop_duplicates(rules.duplicate_radius * frame.fwhm_px);
  s.drop_flagged(rules.flags);
  s.keep_region(rules);
  if (rules.edge_px > 0) s.keep_off_edge(rules.edge_px);
  if (rules.position) s.keep_at_distance(*rules.position);
  if (rules.snr_min > 0) s.keep_snr(rules.snr_min);
  const double significance = frame.fwhm_guessed ? rules.significance_guessed : rules.significance_min;
  if (significance > 0) s.keep_significant(significance);
  s.keep_shapes(rules);
  if (rules.neighbour_radius > 0) s.drop_neighbours(rules.neighbour_radius * frame.fwhm_px);
  if (rules.fwhm_sigma > 0) s.drop_odd_widths(rules.fwhm_sigma, rules.fwhm_floor);
  if (rules.brightest > 0) s.keep_brightest(rules.brightest);
  return s.take();
}

}  // namespace starflow
