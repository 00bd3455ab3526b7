// SPDX-License-Identifier: MIT
#include "residual_search.hpp"

#include "annulus.hpp"
#include "median.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <tuple>

namespace starflow {
namespace {

constexpr double kLeastHeight = 0.8;                 // of the threshold, whatever the variance
constexpr double kFromKnown = 0.5, kFromNew = 0.75;  // FWHM
constexpr std::array kRings = {1.75, 2.25};          // FWHM
constexpr std::size_t kDirections = 16;
constexpr int kCell = 32;    // px
constexpr double kHole = 8;  // sigma below the sky

constexpr double kHostFwhm = 1.5;
// Wings that fall as r^-2.5 from a tenth of the light at a FWHM come down to a sigma at 0.4 A^0.4 FWHM.
constexpr double kStrangeFwhm = 0.4, kWingPower = 0.4;
constexpr std::size_t kNone = ~std::size_t{0};

struct Peak {
  double quality = 0;        // height over the root of its variance
  std::size_t host = kNone;  // the nearest known star, where one is near
  SceneStar star;
};

class ResidualSearch {
 public:
  ResidualSearch(const SearchJob& job, const StarScene& scene, const SceneResidual& residual, double shape_known_to)
      : job_(job),
        scene_(scene),
        residual_(residual),
        least_height_(static_cast<float>(kLeastHeight * job.threshold_sigma)) {
    for (const SceneStar& s : scene.stars) {
      if (s.is_star && s.amplitude > shape_known_to) strange_.push_back(&s);
    }
    for (std::size_t k = 0; k < kDirections; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / kDirections;
      if (2 * k < kDirections) axes_[k] = axis(angle);
      for (std::size_t r = 0; r < kRings.size(); ++r) {
        const double radius = kRings[r] * job.shape.fwhm_px();
        ring_[kRings.size() * k + r] = {static_cast<int>(std::lround(radius * std::cos(angle))),
                                        static_cast<int>(std::lround(radius * std::sin(angle)))};
      }
    }
  }

  void search(int y, std::vector<Peak>& out) const {
    const auto least2 = static_cast<float>(job_.threshold_sigma * job_.threshold_sigma);
    int cell = -1;  // that shot noise is known of: it changes little over a part of a mesh tile
    double shot = 0;
    const std::span<const BrightRun> runs = job_.index.row(y);
    if (runs.empty() ||
        !any_high(runs.front().first, runs.back().first + static_cast<std::size_t>(runs.back().n), least2))
      return;
    for (const BrightRun& run : runs) {
      for (int i = 0; i < run.n; ++i) {
        const std::size_t at = run.first + static_cast<std::size_t>(i);
        if (!high(at, least2)) continue;
        const int x = run.x + i;
        if (x / kCell != cell) {
          cell = x / kCell;
          shot = shot_noise(cell * kCell + kCell / 2, y);
        }
        judge(x, y, at, static_cast<double>(residual_.left_over[at]), shot, out);
      }
    }
  }

 private:
  /// Whether a pixel may be a peak: all but its shot noise is known.
  [[nodiscard]] bool high(std::size_t at, float least2) const {
    const float height = residual_.left_over[at];
    return (height > least_height_) & (height * height > least2 * (1 + residual_.mismatch[at]));
  }
  /// Whether one of [first, end) may be; without a branch for each.
  [[nodiscard]] bool any_high(std::size_t first, std::size_t end, float least2) const {
    unsigned any = 0;
    for (std::size_t at = first; at < end; ++at) any |= static_cast<unsigned>(high(at, least2));
    return any != 0;
  }

  /// Variance that light adds to the filtered frame, for each sigma of its height: as if the light were even under the
  /// filter. 0 where the gain is not known.
  [[nodiscard]] double shot_noise(int x, int y) const {
    if (!(job_.detector.gain_e_per_adu > 0)) return 0;
    return 1 / (job_.detector.gain_e_per_adu * job_.background.noise(x, y) * job_.shape.filter_sum());
  }
  /// Of the background, the light and the shapes of the stars, sigma^2.
  [[nodiscard]] double variance(std::size_t at, double shot) const {
    return 1 + std::max(0.0, static_cast<double>(residual_.mismatch[at])) +
           shot * std::max(0.0, static_cast<double>(job_.bright.height[at]));
  }

  void judge(int x, int y, std::size_t at, double height, double shot, std::vector<Peak>& out) const {
    const double sigma = std::sqrt(variance(at, shot)), least = job_.threshold_sigma * sigma;
    if (!(height > least) || job_.basins.basin_of[at] < 0 || barred_basin(at)) return;
    const double quality = height / sigma;
    for (int j = -1; j <= 1; ++j) {
      for (int i = -1; i <= 1; ++i) {
        if (i == 0 && j == 0) continue;
        const double other = quality_at(x + i, y + j, shot);
        // Of equals the first.
        if (other > quality || (other == quality && (j < 0 || (j == 0 && i < 0)))) return;
      }
    }
    const Host host = host_of(x, y);
    if (host.distance <= kFromKnown * job_.shape.fwhm_px() || !(height - ring_level(x, y) > least) ||
        ridge(x, y, height) || unknown_wing(x, y) || !clean(x, y) || artefact(x, y))
      return;
    SceneStar s;
    s.x = s.seed_x = x;
    s.y = s.seed_y = y;
    s.amplitude = height;
    s.basin = job_.basins.basin_of[at];
    out.push_back({quality, host.star, s});
  }

  [[nodiscard]] double quality_at(int x, int y, double shot) const {
    const std::size_t at = job_.index.at(x, y);
    return at == BrightIndex::kNone ? 0.0
                                    : static_cast<double>(residual_.left_over[at]) / std::sqrt(variance(at, shot));
  }

  [[nodiscard]] bool barred_basin(std::size_t at) const {
    const auto b = static_cast<std::size_t>(job_.basins.basin_of[at]);  // huge where there is none
    return b < job_.barred_basins.size() && job_.barred_basins[b] != 0;
  }

  struct Host {
    std::size_t star = kNone;
    double distance = std::numeric_limits<double>::infinity();  // px
  };

  /// The nearest known star, where one is near.
  [[nodiscard]] Host host_of(int x, int y) const {
    const double fwhm = job_.shape.fwhm_px();
    Host host;
    scene_.visit_near(x, y, (kHostFwhm + kMaxWayFwhm) * fwhm, [&](std::size_t i) {
      const double d = std::hypot(scene_.stars[i].x - x, scene_.stars[i].y - y);
      if (d <= kHostFwhm * fwhm && d < host.distance) host = {i, d};
    });
    return host;
  }

  struct Axis {
    int dx = 0, dy = 0;  // px, one FWHM from the peak
    double highest = 0;  // what may be left there of the peak's height
  };
  [[nodiscard]] Axis axis(double angle) const {
    Axis a;
    a.dx = static_cast<int>(std::lround(job_.shape.fwhm_px() * std::cos(angle)));
    a.dy = static_cast<int>(std::lround(job_.shape.fwhm_px() * std::sin(angle)));
    a.highest = 0.5 * (1 + job_.shape.at(a.dx) * job_.shape.at(a.dy));
    return a;
  }

  [[nodiscard]] double left_over(int x, int y) const {
    const std::size_t at = job_.index.at(x, y);
    return at == BrightIndex::kNone ? 0.0 : static_cast<double>(residual_.left_over[at]);
  }

  /// Whether the light falls off too little to both sides, as that of lines, arms of galaxies and diffraction rings.
  [[nodiscard]] bool ridge(int x, int y, double height) const {
    return std::ranges::any_of(axes_, [&](const Axis& a) {
      return std::min(left_over(x + a.dx, y + a.dy), left_over(x - a.dx, y - a.dy)) > a.highest * height;
    });
  }

  /// Whether the wings of a star may reach here of which no other star tells the shape.
  [[nodiscard]] bool unknown_wing(int x, int y) const {
    return std::ranges::any_of(strange_, [&](const SceneStar* s) {
      const double way = kStrangeFwhm * job_.shape.fwhm_px() * std::pow(s->amplitude, kWingPower);
      return std::hypot(s->x - x, s->y - y) < way;
    });
  }

  /// Median of two rings, sigma; 0 where that is less.
  [[nodiscard]] double ring_level(int x, int y) const {
    std::array<float, kRings.size() * kDirections> v{};
    for (std::size_t k = 0; k < v.size(); ++k) {
      const std::size_t at = job_.index.at(x + ring_[k].first, y + ring_[k].second);
      v[k] = at == BrightIndex::kNone ? 0.0F : residual_.left_over[at];
    }
    return std::max(0.0, static_cast<double>(upper_median(std::span<float>(v))));
  }

  /// Whether the filter meets nothing that a fitted star does not explain.
  [[nodiscard]] bool clean(int x, int y) const {
    const int r = job_.shape.filter_radius();
    if (x < r || y < r || x + r >= job_.frame.width || y + r >= job_.frame.height) return false;
    const double hole = job_.background.level(x, y) - kHole * job_.background.noise(x, y);
    return visit_pixels(job_.frame, [&](auto pixels) {
      for (int j = y - r; j <= y + r; ++j) {
        const auto* row = pixels.row(j);
        for (int i = x - r; i <= x + r; ++i) {
          const auto value = static_cast<double>(row[i]);
          if (!is_valid(job_.frame, i, j, row[i]) || value < hole || value >= job_.detector.saturation_adu)
            return false;
        }
        bool barred = false;
        job_.index.visit(j, x - r, x + r, [&](int, std::size_t at, int n) {
          for (int i = 0; i < n; ++i) barred = barred || barred_basin(at + static_cast<std::size_t>(i));
        });
        if (barred) return false;
      }
      return true;
    });
  }

  /// By the brightest pixel about the peak.
  [[nodiscard]] bool artefact(int x, int y) const {
    float highest = 0;
    int px = x, py = y;
    for (int j = y - 1; j <= y + 1; ++j) {
      job_.index.visit(j, x - 1, x + 1, [&](int from, std::size_t at, int n) {
        for (int i = 0; i < n; ++i) {
          const float signal = job_.bright.signal[at + static_cast<std::size_t>(i)];
          if (signal <= highest) continue;
          highest = signal;
          px = from + i;
          py = j;
        }
      });
    }
    return job_.artefact.judge(px, py) != 0;
  }

  const SearchJob& job_;
  const StarScene& scene_;
  const SceneResidual& residual_;
  float least_height_;  // sigma
  std::array<std::pair<int, int>, kRings.size() * kDirections> ring_;
  std::array<Axis, kDirections / 2> axes_;
  std::vector<const SceneStar*> strange_;  // much brighter than those that tell the shape
};

/// Leaves out the peaks near a better one, and all but the best beside each known star: two equal stars fitted as one
/// leave a peak over on both sides of it.
std::vector<SceneStar> best_of(std::vector<Peak>& peaks, std::size_t known, double radius) {
  std::ranges::sort(peaks, [](const Peak& a, const Peak& b) {
    if (a.quality != b.quality) return a.quality > b.quality;
    return std::tuple(a.star.y, a.star.x) < std::tuple(b.star.y, b.star.x);
  });
  std::vector<double> x, y;
  for (const Peak& p : peaks) {
    x.push_back(p.star.x);
    y.push_back(p.star.y);
  }
  NeighbourIndex index;
  index.build(x, y);
  std::vector<bool> taken(peaks.size(), false), hosts(known, false);
  std::vector<SceneStar> best;
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    const std::size_t host = peaks[i].host;
    if (taken[i] || (host != kNone && hosts[host])) continue;
    if (host != kNone) hosts[host] = true;
    best.push_back(peaks[i].star);
    for (const NeighbourIndex::Entry& e : index.rows(y[i] - radius, y[i] + radius)) {
      if (std::hypot(e.x - x[i], e.y - y[i]) <= radius) taken[e.star] = true;
    }
  }
  return best;
}

}  // namespace

std::vector<SceneStar> search_residual(const SearchJob& job,
                                       const StarScene& scene,
                                       const SceneResidual& residual,
                                       double shape_known_to,
                                       ParallelFor parallel) {
  const ResidualSearch search(job, scene, residual, shape_known_to);
  const auto rows = static_cast<std::size_t>(scene.strip_rows());
  const auto height = static_cast<std::size_t>(job.frame.height);
  std::vector<std::vector<Peak>> found(scene.strips());
  const auto changed = [&](std::size_t strip) { return strip < scene.strips() && residual.changed[strip] != 0; };
  parallel(scene.strips(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t s = begin; s < end; ++s) {
      if (!changed(s) && !changed(s + 1) && (s == 0 || !changed(s - 1))) continue;  // searched before, to no avail
      for (std::size_t y = s * rows; y < std::min(height, (s + 1) * rows); ++y)
        search.search(static_cast<int>(y), found[s]);
    }
  });
  std::vector<Peak> peaks;
  for (const std::vector<Peak>& f : found) peaks.insert(peaks.end(), f.begin(), f.end());
  return best_of(peaks, scene.stars.size(), kFromNew * job.shape.fwhm_px());
}

}  // namespace starflow
