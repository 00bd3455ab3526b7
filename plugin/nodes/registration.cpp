// SPDX-License-Identifier: MIT
#include "registration.hpp"

#include "star_triangles.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace starflow {
namespace {

constexpr std::size_t kTried = 200;  // of the best triangles
constexpr int kRounds = 6;
constexpr double kClip = 4;      // medians
constexpr double kFloor = 0.01;  // px: no position is better known from one frame to the next

/// A star's place in either frame, and its weight.
struct Pair {
  StarPoint from, to;
  double weight = 0;
};

StarPoint mean(std::span<const Pair> pairs, StarPoint Pair::*place) {
  StarPoint sum;
  double weight = 0;
  for (const Pair& p : pairs) {
    sum.x += p.weight * (p.*place).x;
    sum.y += p.weight * (p.*place).y;
    weight += p.weight;
  }
  return {sum.x / weight, sum.y / weight};
}

/// Through the two means.
FrameTransform about(const FrameTransform& turn, StarPoint from, StarPoint to) {
  FrameTransform t = turn;
  t.x0 = to.x - t.xx * from.x - t.xy * from.y;
  t.y0 = to.y - t.yx * from.x - t.yy * from.y;
  return t;
}

/// The similarity of least squares, mirrored or not: xx = p, xy = -s q, yx = q, yy = s p.
FrameTransform similarity(std::span<const Pair> pairs, double mirror) {
  const StarPoint from = mean(pairs, &Pair::from), to = mean(pairs, &Pair::to);
  double p = 0, q = 0, norm = 0;
  for (const Pair& pair : pairs) {
    const double x = pair.from.x - from.x, y = mirror * (pair.from.y - from.y);
    const double u = pair.to.x - to.x, v = pair.to.y - to.y;
    p += pair.weight * (x * u + y * v);
    q += pair.weight * (x * v - y * u);
    norm += pair.weight * (x * x + y * y);
  }
  p /= norm;
  q /= norm;
  return about({p, -mirror * q, 0, q, mirror * p, 0}, from, to);
}

double squares(std::span<const Pair> pairs, const FrameTransform& t) {
  double sum = 0;
  for (const Pair& p : pairs) {
    const StarPoint at = t(p.from);
    sum += p.weight * (std::pow(at.x - p.to.x, 2) + std::pow(at.y - p.to.y, 2));
  }
  return sum;
}

FrameTransform similarity(std::span<const Pair> pairs) {
  const FrameTransform plain = similarity(pairs, 1), mirrored = similarity(pairs, -1);
  return squares(pairs, mirrored) < squares(pairs, plain) ? mirrored : plain;
}

/// Of least squares; the similarity where the stars lie on a line.
FrameTransform affine(std::span<const Pair> pairs) {
  const StarPoint from = mean(pairs, &Pair::from), to = mean(pairs, &Pair::to);
  cv::Matx22d normal = cv::Matx22d::zeros(), right = cv::Matx22d::zeros();
  for (const Pair& pair : pairs) {
    const cv::Vec2d a(pair.from.x - from.x, pair.from.y - from.y), b(pair.to.x - to.x, pair.to.y - to.y);
    normal += pair.weight * (a * a.t());
    right += pair.weight * (b * a.t());
  }
  const double size = normal(0, 0) + normal(1, 1);
  constexpr double kFlat = 1e-6;
  if (!(cv::determinant(normal) > kFlat * size * size)) return similarity(pairs);
  const cv::Matx22d m = right * normal.inv(cv::DECOMP_CHOLESKY);
  return about({m(0, 0), m(0, 1), 0, m(1, 0), m(1, 1), 0}, from, to);
}

bool finite(const FrameTransform& t) {
  return std::ranges::all_of(t.coefficients(), [](double c) { return std::isfinite(c); });
}

class Register {
 public:
  Register(std::span<const MeasuredPoint> stars,
           std::span<const StarPoint> reference,
           const StarCatalogue& catalogue,
           const RegistrationOptions& options)
      : stars_(stars), reference_(reference), catalogue_(catalogue), options_(options) {}

  std::optional<Registration> run() {
    std::vector<StarPoint> bright;
    for (std::size_t k = 0; k < std::min(stars_.size(), options_.brightest); ++k) bright.push_back(stars_[k].at);
    const std::span<const StarPoint> theirs = reference_.first(std::min(reference_.size(), options_.brightest));
    std::size_t most = 0;
    Registration best;
    const TriangleVotes votes(bright, theirs);
    for (std::size_t k = 0; k < std::min(votes.matches().size(), kTried); ++k) {
      const TriangleVotes::Match& match = votes.matches()[k];
      std::array<Pair, 3> corners{};
      for (std::size_t c = 0; c < 3; ++c) corners[c] = {bright[match.star[c]], theirs[match.reference[c]], 1};
      const FrameTransform t = similarity(corners);
      const std::size_t n = finite(t) ? agreeing(bright, theirs, t) : 0;
      if (n <= most) continue;
      most = n;
      best.to_reference = t;
    }
    if (most < std::max(options_.least_stars, by_chance(bright.size(), theirs))) return std::nullopt;
    if (!refine(best)) return std::nullopt;
    return best;
  }

 private:
  /// How many stars come onto one of the others.
  [[nodiscard]] std::size_t agreeing(std::span<const StarPoint> ours,
                                     std::span<const StarPoint> theirs,
                                     const FrameTransform& t) const {
    std::vector<bool> taken(theirs.size(), false);
    std::size_t n = 0;
    for (const StarPoint& star : ours) {
      const StarPoint at = t(star);
      const auto other = std::ranges::find_if(theirs, [&](const StarPoint& r) {
        return !taken[static_cast<std::size_t>(&r - theirs.data())] && distance(r, at) <= options_.radius_px;
      });
      if (other == theirs.end()) continue;
      taken[static_cast<std::size_t>(other - theirs.begin())] = true;
      ++n;
    }
    return n;
  }

  /// More stars than chance would bring together among all the transforms that were tried.
  [[nodiscard]] std::size_t by_chance(std::size_t ours, std::span<const StarPoint> theirs) const {
    const auto [left, right] = std::ranges::minmax(theirs, {}, &StarPoint::x);
    const auto [top, bottom] = std::ranges::minmax(theirs, {}, &StarPoint::y);
    const double r = options_.radius_px, area = std::max((right.x - left.x) * (bottom.y - top.y), r * r);
    const double share = std::min(1.0, std::numbers::pi * r * r * static_cast<double>(theirs.size()) / area);
    constexpr double kCorners = 3, kBeyond = 5;  // the triangle itself agrees; sigma
    const double expected = share * static_cast<double>(ours);
    return static_cast<std::size_t>(kCorners + expected + kBeyond * std::sqrt(expected));
  }

  bool refine(Registration& r) const {
    for (int round = 0; round < kRounds; ++round) {
      find_partners(r);
      std::vector<Pair> pairs;
      for (std::size_t k = 0; k < stars_.size(); ++k) {
        if (r.partner[k] == Registration::kNone) continue;
        const MeasuredPoint& other = catalogue_[r.partner[k]];
        const double variance = std::pow(stars_[k].error, 2) + std::pow(other.error, 2) + kFloor * kFloor;
        if (std::isfinite(variance)) pairs.push_back({stars_[k].at, other.at, 1 / variance});
      }
      if (round > 0) clip(pairs, r.to_reference);
      if (pairs.size() < options_.least_stars) return false;
      r.to_reference = options_.transform == TransformKind::affine ? affine(pairs) : similarity(pairs);
      if (!finite(r.to_reference)) return false;
      r.stars = pairs.size();
      for (Pair& p : pairs) p.weight = 1;
      r.rms_px = std::sqrt(squares(pairs, r.to_reference) / (2 * static_cast<double>(pairs.size())));
    }
    find_partners(r);
    return true;
  }

  /// Of the stars that come near one star of the catalogue, the nearest.
  void find_partners(Registration& r) const {
    r.partner.assign(stars_.size(), Registration::kNone);
    struct Meeting {
      double distance;
      std::size_t star, other;
    };
    std::vector<Meeting> meetings;
    for (std::size_t k = 0; k < stars_.size(); ++k) {
      const StarPoint at = r.to_reference(stars_[k].at);
      const std::size_t other = catalogue_.nearest(at, options_.radius_px);
      if (other < catalogue_.size()) meetings.push_back({distance(at, catalogue_[other].at), k, other});
    }
    std::ranges::stable_sort(meetings, {}, &Meeting::distance);
    std::vector<bool> taken(catalogue_.size(), false);
    for (const Meeting& m : meetings) {
      if (taken[m.other]) continue;
      taken[m.other] = true;
      r.partner[m.star] = m.other;
    }
  }

  static void clip(std::vector<Pair>& pairs, const FrameTransform& t) {
    if (pairs.empty()) return;
    const auto off = [&](const Pair& p) { return distance(t(p.from), p.to) * std::sqrt(p.weight); };
    std::vector<double> offsets(pairs.size());
    std::ranges::transform(pairs, offsets.begin(), off);
    const auto middle = offsets.begin() + static_cast<std::ptrdiff_t>(offsets.size() / 2);
    std::ranges::nth_element(offsets, middle);
    const double limit = kClip * *middle;  // the median of a distance is 1.18 sigma of an axis
    std::erase_if(pairs, [&](const Pair& p) { return off(p) > limit; });
  }

  std::span<const MeasuredPoint> stars_;
  std::span<const StarPoint> reference_;
  const StarCatalogue& catalogue_;
  const RegistrationOptions& options_;
};

}  // namespace

std::size_t StarCatalogue::nearest(StarPoint place, double radius) const {
  std::size_t best = size();
  double least = std::numeric_limits<double>::infinity();
  grid_.for_each_within(place.x, place.y, radius, [&](std::size_t k, double distance2) {
    if (distance2 > least || (distance2 == least && k > best)) return;
    least = distance2;
    best = k;
  });
  return best;
}

std::optional<Registration> register_stars(std::span<const MeasuredPoint> stars,
                                           std::span<const StarPoint> reference,
                                           const StarCatalogue& catalogue,
                                           const RegistrationOptions& options) {
  if (stars.size() < options.least_stars || reference.size() < options.least_stars) return std::nullopt;
  return Register(stars, reference, catalogue, options).run();
}

}  // namespace starflow
