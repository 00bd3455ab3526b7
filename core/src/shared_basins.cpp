// SPDX-License-Identifier: MIT
#include "shared_basins.hpp"

#include "hidden_stars.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace starflow {
namespace {

class SharedBasins {
 public:
  SharedBasins(const SearchedFrame& searched, double isophote_adu, std::vector<Candidate>& candidates)
      : searched_(searched),
        isophote_(isophote_adu),
        candidates_(candidates),
        first_(searched.basins.basins.size(), -1),
        next_(candidates.size(), -1),
        shared_(first_.size(), 0) {
    for (std::size_t b = 0; b < candidates.size(); ++b) first_[b] = static_cast<std::int32_t>(b);
  }

  void place(const std::vector<SceneStar>& stars) {
    for (const SceneStar& s : stars) {
      if (s.round > 0) add_hidden(s, static_cast<std::size_t>(s.basin));
    }
    for (const SceneStar& s : stars) {
      if (s.round == 0) place_known(s, static_cast<std::size_t>(s.basin));
    }
  }

  /// Sums the shared basins up anew.
  void share(const BrightIndex& index) {
    for (std::size_t b = 0; b < shared_.size(); ++b) {
      if (shared_[b] == 0) continue;
      const PixelSums whole = candidates_[b].sums;
      for (std::int32_t k = first_[b]; k >= 0; k = next_[static_cast<std::size_t>(k)]) {
        Candidate& c = candidates_[static_cast<std::size_t>(k)];
        c.flags |= flag::blended;
        c.sums = {};
        c.sums.from_x = c.x;
        c.sums.from_y = c.y;
      }
      for (int y = whole.y_first; y <= whole.y_last; ++y) {
        index.visit(y, whole.x_first, whole.x_last, [&](int x, std::size_t first, int n) {
          for (int i = 0; i < n; ++i) add(b, first + static_cast<std::size_t>(i), x + i, y);
        });
      }
    }
  }

 private:
  void add(std::size_t basin, std::size_t pixel, int x, int y) {
    if (static_cast<std::size_t>(searched_.basins.basin_of[pixel]) != basin) return;
    PixelSums& sums = owner(basin, x, y).sums;
    sums.add(searched_.bright, pixel, 1, x, y, isophote_);
    if (at_edge(searched_.frame, x, y)) sums.flags |= flag::edge;
  }

  static void move(Candidate& c, const SceneStar& s) {
    c.x = s.x;
    c.y = s.y;
  }

  void place_known(const SceneStar& s, std::size_t basin) {
    Candidate& c = candidates_[basin];
    c.amplitude = s.amplitude;
    if (s.is_star && (shared_[basin] != 0 || (c.flags & flag::blended) != 0)) move(c, s);
  }

  void add_hidden(const SceneStar& s, std::size_t basin) {
    Candidate c;
    move(c, s);
    c.amplitude = s.amplitude;
    c.hidden = true;
    c.beside = std::numeric_limits<double>::infinity();  // it may be a piece of anything
    c.light = s.amplitude * searched_.shape.flux_of_unit() * searched_.background.noise(s.x, s.y);
    shared_[basin] = 1;
    next_.push_back(first_[basin]);
    first_[basin] = static_cast<std::int32_t>(candidates_.size());
    candidates_.push_back(c);
  }

  /// The star of the basin that sends most light to a pixel; in the pixel of its place, a star itself.
  [[nodiscard]] Candidate& owner(std::size_t basin, int x, int y) {
    auto best = static_cast<std::size_t>(first_[basin]);
    double most = -1;
    for (std::int32_t k = first_[basin]; k >= 0; k = next_[static_cast<std::size_t>(k)]) {
      Candidate& c = candidates_[static_cast<std::size_t>(k)];
      if (std::abs(c.x - x) <= 0.5 && std::abs(c.y - y) <= 0.5) return c;
      const double light = c.amplitude * searched_.shape.at(x - c.x) * searched_.shape.at(y - c.y);
      if (light > most) {
        most = light;
        best = static_cast<std::size_t>(k);
      }
    }
    return candidates_[best];
  }

  const SearchedFrame& searched_;
  double isophote_;
  std::vector<Candidate>& candidates_;
  std::vector<std::int32_t> first_;   // star of each basin
  std::vector<std::int32_t> next_;    // star of the same basin; -1 = no more
  std::vector<std::uint8_t> shared_;  // basins with hidden stars
};

}  // namespace

void add_hidden_stars(const SearchedFrame& searched,
                      int times,
                      double isophote_adu,
                      std::vector<Candidate>& candidates,
                      SceneResidual& residual,
                      ParallelFor parallel) {
  std::vector<SceneStar> known;
  std::vector<std::uint8_t> barred;
  for (const Candidate& c : candidates) {
    SceneStar s;
    s.x = s.seed_x = c.x;
    s.y = s.seed_y = c.y;
    s.amplitude = c.amplitude;
    s.basin = static_cast<std::int32_t>(known.size());
    s.is_star = c.artefact == 0 && (c.sums.flags & flag::saturated) == 0;
    barred.push_back(s.is_star ? 0 : 1);
    known.push_back(s);
  }
  const BrightIndex index(searched.bright, searched.frame.width, searched.frame.height);
  const SearchJob job{searched, index, barred};
  const std::vector<SceneStar> all = find_hidden_stars(job, std::move(known), times, residual, parallel);
  SharedBasins basins(searched, isophote_adu, candidates);
  basins.place(all);
  basins.share(index);
}

}  // namespace starflow
