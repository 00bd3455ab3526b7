// SPDX-License-Identifier: MIT
#include "sky_levels.hpp"

#include "median.hpp"
#include "tile_mesh.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <utility>

namespace starflow {
namespace {

constexpr int kMostRounds = 4;
constexpr double kSteep = 10;  // errors of a tile's mean
constexpr double kRough = 4;   // of the scatter from tile to tile, which stars make

/// Scatter of the values from tile to tile: that of their second differences in x and y at once, in which slopes and
/// bends cancel. 0 where the tiles are too few to tell.
double roughness(const std::vector<float>& values, const MeshSize& mesh) {
  constexpr double kPerMedian = 1.4826 / 6;  // of a normal distribution; of nine values weighted 1, -2, 4
  std::vector<double> bends;
  for (int j = 1; j + 1 < mesh.rows; ++j) {
    for (int i = 1; i + 1 < mesh.columns; ++i) {
      const auto bend_at = [&](int row) {
        const float* v = &values[static_cast<std::size_t>(row * mesh.columns + i)];
        return static_cast<double>(v[-1]) - 2 * static_cast<double>(v[0]) + static_cast<double>(v[1]);
      };
      bends.push_back(std::abs(bend_at(j - 1) - 2 * bend_at(j) + bend_at(j + 1)));
    }
  }
  return bends.empty() ? 0 : kPerMedian * upper_median(std::span(bends));
}

}  // namespace

SkyLevels::SkyLevels(SkySurvey& survey, const FrameView& frame, int filter_tiles)
    : survey_(survey),
      frame_(frame),
      filter_tiles_(filter_tiles),
      values_(survey.level),
      about_(values_.size(), 0),
      again_(values_.size(), 0),
      followed_(values_.size(), 0),
      surfaces_(1) {
  fill_unknown(values_, survey_);
  scatter_ = roughness(values_, survey_);
  median_filter(values_, survey_, filter_tiles_, true);
  add_surface();
}

SkyLevels::SkyLevels(SkySurvey& fine,
                     const SkyLevels& coarse,
                     std::span<const std::uint8_t> uneven,
                     ParallelFor parallel)
    : survey_(fine),
      frame_(coarse.frame_),
      filter_tiles_(coarse.filter_tiles_),
      values_(fine.level.size()),
      about_(values_.size(), 0),
      again_(values_.size(), 0),
      followed_(values_.size(), 0),
      surfaces_{coarse.surface()} {
  inherit(coarse, uneven);
  const std::vector<float> inherited = survey_.noise;
  // All that a tile varies by may lie in one of its quarters, which then has up to twice its noise.
  for (float& noise : survey_.noise) noise *= 2;
  survey_.measure_about(surfaces_.back(), values_, again_, parallel);
  for (std::size_t k = 0; k < again_.size(); ++k) {
    if (again_[k] == 0) survey_.noise[k] = inherited[k];
  }
  correct();
}

void SkyLevels::inherit(const SkyLevels& coarse_levels, std::span<const std::uint8_t> uneven) {
  const auto middle = [](int i, int n, int size) {
    return 0.5 * (tile_edge(i, n, size) + tile_edge(i + 1, n, size) - 1);
  };
  const SkySurvey& coarse = coarse_levels.survey_;
  std::vector<float> noise = coarse.noise;
  fill_unknown(noise, coarse);
  median_filter(noise, coarse, filter_tiles_, true);
  for (int j = 0; j < survey_.rows; ++j) {
    const double y = middle(j, survey_.rows, frame_.height);
    for (int i = 0; i < survey_.columns; ++i) {
      const double x = middle(i, survey_.columns, frame_.width);
      const auto from = static_cast<std::size_t>(static_cast<int>(y * coarse.rows / frame_.height) * coarse.columns +
                                                 static_cast<int>(x * coarse.columns / frame_.width));
      const std::size_t k = index(i, j);
      values_[k] = survey_.level[k] = surfaces_.back().at(x, y);
      survey_.noise[k] = noise[from];
      survey_.quantum[k] = coarse.quantum[from];
      survey_.samples[k] = coarse.samples[from] / 4;
      again_[k] = std::isfinite(coarse.noise[from]) ? uneven[from] : std::uint8_t{0};
    }
  }
}

void SkyLevels::follow(ParallelFor parallel) {
  for (int round = 0; round < kMostRounds && choose(); ++round) {
    survey_.measure_about(surfaces_.back(), values_, again_, parallel);
    correct();
  }
}

void SkyLevels::add_surface() {
  surfaces_.emplace_back(values_, survey_.columns, survey_.rows, frame_.width, frame_.height,
                         follows() && rim_bends() ? MeshSurface::Rim::bent : MeshSurface::Rim::straight);
}

bool SkyLevels::follows() const {
  return std::ranges::any_of(followed_, [](std::uint8_t f) { return f != 0; });
}

double SkyLevels::followed_part() const {
  const auto n = std::ranges::count_if(followed_, [](std::uint8_t f) { return f != 0; });
  return static_cast<double>(n) / static_cast<double>(followed_.size());
}

bool SkyLevels::is_lost() const {
  if (!(kRough * scatter_ > 0) || followed_part() >= kFewFollowed) return false;
  std::vector<float> noise = survey_.noise;
  std::erase_if(noise, [](float v) { return !std::isfinite(v); });
  return !noise.empty() && kRough * scatter_ > static_cast<double>(upper_median(std::span(noise)));
}

/// Whether the second differences next to one of the four sides agree on a bend: their mean is four of its errors off
/// 0.
bool SkyLevels::rim_bends() const {
  constexpr double kClear = 4;
  const auto side_bends = [this](int first, int n, int along, int inwards, int depth) {
    if (depth < 3 || n < 3) return false;
    double sum = 0, squares = 0;
    for (int k = 0; k < n; ++k) {
      const auto at = [&](int step) {
        return static_cast<double>(values_[static_cast<std::size_t>(first + k * along + step * inwards)]);
      };
      const double bend = at(0) - 2 * at(1) + at(2);
      sum += bend;
      squares += bend * bend;
    }
    const double mean = sum / n, variance = std::max(0.0, squares / n - mean * mean);
    return mean * mean * n > kClear * kClear * variance;
  };
  const int w = survey_.columns, h = survey_.rows;
  return side_bends(0, h, w, 1, w) || side_bends(w - 1, h, w, -1, w) || side_bends(0, w, 1, w, h) ||
         side_bends((h - 1) * w, w, 1, -w, h);
}

/// How much the newest surface changes across a tile against the one that the tile was measured about.
double SkyLevels::change_across(int i, int j) const {
  const MeshSurface &now = surfaces_.back(), &then = surfaces_[about_[index(i, j)]];
  const double x0 = tile_edge(i, survey_.columns, frame_.width) - 0.5,
               x1 = tile_edge(i + 1, survey_.columns, frame_.width) - 0.5,
               y0 = tile_edge(j, survey_.rows, frame_.height) - 0.5,
               y1 = tile_edge(j + 1, survey_.rows, frame_.height) - 0.5;
  const std::array<std::pair<double, double>, 5> places = {
      {{x0, y0}, {x1, y0}, {x0, y1}, {x1, y1}, {0.5 * (x0 + x1), 0.5 * (y0 + y1)}}};
  float low = std::numeric_limits<float>::infinity(), high = -low;
  for (const auto& [x, y] : places) {
    const float change = now.at(x, y) - then.at(x, y);
    low = std::min(low, change);
    high = std::max(high, change);
  }
  return static_cast<double>(high) - static_cast<double>(low);
}

/// \return whether any tile is to be measured again
bool SkyLevels::choose() {
  std::ranges::fill(again_, std::uint8_t{0});
  bool any = false;
  for (int j = 0; j < survey_.rows; ++j) {
    for (int i = 0; i < survey_.columns; ++i) {
      const std::size_t k = index(i, j);
      if (!std::isfinite(survey_.noise[k]) || change_across(i, j) <= uncertainty(k)) continue;
      again_[k] = 1;
      any = true;
    }
  }
  return any;
}

/// Adds what the tiles have more than the newest surface where it was followed.
void SkyLevels::correct() {
  for (std::size_t k = 0; k < again_.size(); ++k) {
    if (again_[k] == 0) continue;
    followed_[k] = 1;
    about_[k] = surfaces_.size() - 1;
  }
  std::vector<float> more(values_.size());
  std::ranges::transform(survey_.level, values_, more.begin(), std::minus<>());
  fill_unknown(more, survey_);
  std::vector<float> slight(more.size(), std::numeric_limits<float>::infinity());
  for (std::size_t k = 0; k < slight.size(); ++k) {
    if (std::isfinite(survey_.noise[k])) slight[k] = static_cast<float>(uncertainty(k));
  }
  keep_smooth(more, survey_, filter_tiles_, slight);
  for (int j = 0; j < survey_.rows; ++j) {
    for (int i = 0; i < survey_.columns; ++i) {
      const std::size_t k = index(i, j);
      if (follows_within(i, j, filter_tiles_ / 2)) values_[k] += more[k];
    }
  }
  add_surface();
}

/// What a change of the surface must exceed to count.
double SkyLevels::uncertainty(std::size_t k) const {
  const double mean_error = static_cast<double>(survey_.noise[k]) / std::sqrt(static_cast<double>(survey_.samples[k]));
  return std::max(kSteep * mean_error, kRough * scatter_);
}

bool SkyLevels::follows_within(int i, int j, int reach) const {
  for (int q = std::max(0, j - reach); q <= std::min(survey_.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p <= std::min(survey_.columns - 1, i + reach); ++p) {
      if (followed_[index(p, q)] != 0) return true;
    }
  }
  return false;
}

std::size_t SkyLevels::index(int i, int j) const { return static_cast<std::size_t>(j * survey_.columns + i); }

}  // namespace starflow
