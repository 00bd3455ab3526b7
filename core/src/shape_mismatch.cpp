// SPDX-License-Identifier: MIT
#include "shape_mismatch.hpp"

#include "filtered_patch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace starflow {
namespace {

constexpr double kFarFwhm = 6;        // the maps' radius
constexpr double kNearFwhm = 2.5;     // each pixel by itself up to here, rings farther out
constexpr double kGuessFwhm = 4;      // radius where no star tells
constexpr double kPointsPerFwhm = 4;  // of the maps where pixels are finer
constexpr std::size_t kMostStars = 64, kEnoughStars = 12;
constexpr double kBright = 40;                    // sigma: stars that tell the mismatch
constexpr double kKnownTo = 10;                   // times the reference: beyond, the wings outside of the maps matter
constexpr double kAloneFwhm = 3, kFaint = 0.02;   // no neighbour nearer with more than this part of the light
constexpr double kGuess = 0.1, kGuessFall = 0.5;  // mismatch of an unknown shape: part at the centre, fall
constexpr double kUnseen = 0.05,
                 kUnseenFall = 1.386294361;  // never less than this: half of it at a distance of FWHM/sqrt2
constexpr double kMedianError = 1.25;        // of a median, in parts of a mean's
constexpr std::size_t kRingValues = 16;      // of each star in a ring

double squared_gauss(double height, double fall, double r2) {
  const double v = height * std::exp(-fall * r2);
  return v * v;
}

struct Spread {
  double middle = 0, half = 0;  // median, and half of the way from the 16 % to the 84 % quantile
};

Spread spread(std::span<float> v) {
  const auto at = [&](double part) {
    return v.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(v.size() - 1));
  };
  const auto middle = at(0.5), low = at(0.16), high = at(0.84);
  std::nth_element(v.begin(), middle, v.end());
  std::nth_element(v.begin(), low, middle);
  std::nth_element(middle, high, v.end());
  return {static_cast<double>(*middle), 0.5 * (static_cast<double>(*high) - static_cast<double>(*low))};
}

/// The brightest stars that stand alone.
std::vector<std::size_t> alone(const FrameView& frame, const FilteredStar& shape, const StarScene& scene, int margin) {
  const double distance = kAloneFwhm * shape.fwhm_px();
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < scene.stars.size(); ++i) {
    const SceneStar& s = scene.stars[i];
    if (!s.is_star || !(s.amplitude > kBright)) continue;
    bool good = s.x > margin && s.y > margin && s.x < frame.width - 1 - margin && s.y < frame.height - 1 - margin;
    if (!good) continue;
    scene.visit_near(s.x, s.y, distance + shape.fwhm_px(), [&](std::size_t j) {
      const SceneStar& o = scene.stars[j];
      good = good && (j == i || std::hypot(o.x - s.x, o.y - s.y) > distance || o.amplitude < kFaint * s.amplitude);
    });
    if (good) found.push_back(i);
  }
  const auto brighter = [&](std::size_t a, std::size_t b) {
    const double p = scene.stars[a].amplitude, q = scene.stars[b].amplitude;
    return p != q ? p > q : a < b;
  };
  std::ranges::sort(found, brighter);
  found.resize(std::min(found.size(), kMostStars));
  return found;
}

class Mapper {
 public:
  Mapper(const FrameView& frame,
         const Background& background,
         const StarFilter& filter,
         const FilteredStar& shape,
         const StarScene& scene)
      : frame_(frame), background_(background), filter_(filter), shape_(shape), scene_(scene) {}

  ShapeMismatch run(ParallelFor parallel) {
    step_ = std::max(1, static_cast<int>(shape_.fwhm_px() / kPointsPerFwhm));
    reach_ = static_cast<int>(std::ceil(kFarFwhm * shape_.fwhm_px() / step_));
    stars_ = alone(frame_, shape_, scene_, reach_ * step_);
    const bool known = stars_.size() >= kEnoughStars;
    if (!known) reach_ = static_cast<int>(std::ceil(kGuessFwhm * shape_.fwhm_px() / step_));
    mean_.assign(points(), 0.0F);
    variance_.assign(points(), 0.0F);
    known ? learn(parallel) : guess();
    add_unseen();
    return in_pixels();
  }

 private:
  struct Point {
    int i = 0, j = 0;  // from the middle of the lattice
  };

  [[nodiscard]] std::size_t side() const { return static_cast<std::size_t>(2 * reach_ + 1); }
  [[nodiscard]] std::size_t points() const { return side() * side(); }
  [[nodiscard]] std::size_t at(Point p) const {
    return static_cast<std::size_t>(p.j + reach_) * side() + static_cast<std::size_t>(p.i + reach_);
  }
  /// Square of the distance from the middle, FWHM^2.
  [[nodiscard]] double distance2(Point p) const {
    const double per_fwhm = step_ / shape_.fwhm_px();
    return (p.i * p.i + p.j * p.j) * per_fwhm * per_fwhm;
  }
  template <class Visit>
  void visit_points(const Visit& visit) const {
    for (int j = -reach_; j <= reach_; ++j) {
      for (int i = -reach_; i <= reach_; ++i) visit(Point{i, j});
    }
  }

  void learn(ParallelFor parallel) {
    reference_ = scene_.stars[stars_[stars_.size() / 2]].amplitude;
    noise_ = 1 / reference_;
    parts_.resize(stars_.size() * points());
    parallel(stars_.size(), 1, [&](std::size_t begin, std::size_t end) {
      std::vector<float> along;
      for (std::size_t k = begin; k < end; ++k) look_at(k, along);
    });
    std::vector<Point> near;
    std::vector<std::vector<Point>> rings(static_cast<std::size_t>(2 * reach_) + 1);
    visit_points([&](Point p) {
      const bool inner = distance2(p) <= kNearFwhm * kNearFwhm;
      (inner ? near : rings[static_cast<std::size_t>(std::lround(std::hypot(p.i, p.j)))]).push_back(p);
    });
    parallel(near.size(), kGrain, [&](std::size_t begin, std::size_t end) {
      std::vector<float> values;
      for (std::size_t c = begin; c < end; ++c) learn_points({&near[c], 1}, values);
    });
    parallel(rings.size(), 1, [&](std::size_t begin, std::size_t end) {
      std::vector<float> values;
      for (std::size_t r = begin; r < end; ++r) learn_points(rings[r], values);
    });
  }

  /// What is left over about one star when all are taken off, in parts of its amplitude.
  void look_at(std::size_t k, std::vector<float>& along) {
    const SceneStar& star = scene_.stars[stars_[k]];
    const PatchLattice lattice{static_cast<int>(std::lround(star.x)), static_cast<int>(std::lround(star.y)), reach_,
                               step_};
    const std::span<float> part(&parts_[k * points()], points());
    filter_patch(frame_, background_, filter_, lattice, along, part);
    scene_.visit_near(star.x, star.y, shape_.fwhm_px() + reach_ * step_ + shape_.reach(), [&](std::size_t i) {
      const SceneStar& s = scene_.stars[i];
      for (int row = -reach_; row <= reach_; ++row) {
        const double height = s.amplitude * shape_.at(lattice.y + row * step_ - s.y);
        if (height == 0) continue;
        float* left = &part[at({-reach_, row})];
        for (int column = -reach_; column <= reach_; ++column)
          left[column + reach_] -= static_cast<float>(height * shape_.at(lattice.x + column * step_ - s.x));
      }
    });
    const auto scale = static_cast<float>(1 / star.amplitude);
    for (float& v : part) v *= scale;
  }

  /// Mean and variance of points that share theirs.
  void learn_points(std::span<const Point> shared, std::vector<float>& values) {
    if (shared.empty()) return;
    const std::size_t every = std::max<std::size_t>(1, shared.size() / kRingValues);
    values.clear();
    for (std::size_t k = 0; k < stars_.size(); ++k) {
      for (std::size_t c = k % every; c < shared.size(); c += every)
        values.push_back(parts_[k * points() + at(shared[c])]);
    }
    const Spread s = spread(values);
    // Points nearer to each other than the filter is wide know the same.
    const double pixels = static_cast<double>(shared.size()) * step_ * step_;
    const double independent = std::max(1.0, pixels / shape_.flux_of_unit());
    const double error = kMedianError * noise_ / std::sqrt(static_cast<double>(stars_.size()) * independent);
    for (const Point p : shared) {
      mean_[at(p)] = static_cast<float>(s.middle);
      variance_[at(p)] = static_cast<float>(std::max(0.0, s.half * s.half - noise_ * noise_) + error * error);
    }
  }

  void guess() {
    visit_points(
        [&](Point p) { variance_[at(p)] = static_cast<float>(squared_gauss(kGuess, kGuessFall, distance2(p))); });
  }

  void add_unseen() {
    visit_points(
        [&](Point p) { variance_[at(p)] += static_cast<float>(squared_gauss(kUnseen, kUnseenFall, distance2(p))); });
  }

  /// Linear between the points of the lattice.
  [[nodiscard]] float between(const std::vector<float>& map, int dx, int dy) const {
    const auto cell = [this](int d) { return std::min(reach_ - 1, (d + reach_ * step_) / step_ - reach_); };
    const int i = cell(dx), j = cell(dy);
    const float u = static_cast<float>(dx - i * step_) / static_cast<float>(step_);
    const float v = static_cast<float>(dy - j * step_) / static_cast<float>(step_);
    const float top = (1 - u) * map[at({i, j})] + u * map[at({i + 1, j})];
    const float bottom = (1 - u) * map[at({i, j + 1})] + u * map[at({i + 1, j + 1})];
    return (1 - v) * top + v * bottom;
  }

  [[nodiscard]] ShapeMismatch in_pixels() const {
    ShapeMismatch m;
    m.radius = reach_ * step_;
    m.reference = reference_;
    m.known_to = reference_ > 0 ? kKnownTo * reference_ : kBright;
    m.highest.assign(static_cast<std::size_t>(m.radius) + 2, 0.0F);
    for (int dy = -m.radius; dy <= m.radius; ++dy) {
      for (int dx = -m.radius; dx <= m.radius; ++dx) {
        m.mean.push_back(between(mean_, dx, dy));
        m.variance.push_back(between(variance_, dx, dy));
        float& h = m.highest[static_cast<std::size_t>(std::max(std::abs(dx), std::abs(dy)))];
        h = std::max({h, std::abs(m.mean.back()), std::sqrt(m.variance.back())});
      }
    }
    for (std::size_t r = m.highest.size() - 1; r-- > 0;) m.highest[r] = std::max(m.highest[r], m.highest[r + 1]);
    return m;
  }

  static constexpr std::size_t kGrain = 64;

  const FrameView& frame_;
  const Background& background_;
  const StarFilter& filter_;
  const FilteredStar& shape_;
  const StarScene& scene_;
  int step_ = 1, reach_ = 0;  // of the lattice: px, points
  std::vector<std::size_t> stars_;
  std::vector<float> parts_;  // of each star, at the points of the lattice
  std::vector<float> mean_, variance_;
  double reference_ = 0, noise_ = 0;  // median amplitude; noise of `parts_`
};

}  // namespace

int ShapeMismatch::radius_of(double amplitude, double least) const noexcept {
  const auto below =
      std::ranges::partition_point(highest, [&](float h) { return static_cast<double>(h) * amplitude >= least; });
  return static_cast<int>(below - highest.begin()) - 1;
}

ShapeMismatch measure_mismatch(const FrameView& frame,
                               const Background& background,
                               const StarFilter& filter,
                               const FilteredStar& shape,
                               const StarScene& scene,
                               ParallelFor parallel) {
  return Mapper(frame, background, filter, shape, scene).run(parallel);
}

int least_strip_rows(const FilteredStar& shape) {
  constexpr int kLeast = 32;
  return std::max(kLeast, static_cast<int>(std::ceil((kFarFwhm + 1) * shape.fwhm_px() + shape.reach())) + 2);
}

}  // namespace starflow
