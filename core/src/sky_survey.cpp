// SPDX-License-Identifier: MIT
#include "sky_survey.hpp"

#include "surface_row.hpp"
#include "tile_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <ranges>

namespace starflow {
namespace {

constexpr int kMaxTilesASide = static_cast<int>(SurfaceRow::kMostKnots);
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

int tiles(int size_px, int tile_px) {
  return std::clamp(static_cast<int>(std::lround(static_cast<double>(size_px) / tile_px)), 1, kMaxTilesASide);
}

/// The objects of one row of tiles as a mask, and which tiles hold any.
class BandObjects {
 public:
  BandObjects(std::span<const PixelRun> runs, int width) : runs_(runs), width_(width) {}

  void read(int y0, int y1) {
    const auto from = std::ranges::lower_bound(runs_, y0, {}, &PixelRun::y);
    const auto to = std::ranges::lower_bound(from, runs_.end(), y1, {}, &PixelRun::y);
    any_ = from != to;
    if (!any_) return;
    mask_.assign(static_cast<std::size_t>(width_) * static_cast<std::size_t>(y1 - y0), 0);
    for (const PixelRun& run : std::span(from, to)) {
      const auto row = mask_.begin() + static_cast<std::ptrdiff_t>(run.y - y0) * width_;
      const int x0 = std::clamp(run.x0, 0, width_), x1 = std::clamp(run.x1, x0, width_);
      std::fill(row + x0, row + x1, std::uint8_t{1});
    }
  }

  /// Null where the box holds none.
  [[nodiscard]] Plane<std::uint8_t> within(const TileBox& box) const {
    if (!any_) return {};
    const Plane<std::uint8_t> all{mask_.data(), width_};
    for (int y = 0; y < box.y1 - box.y0; ++y) {
      if (std::memchr(all.row(y) + box.x0, 1, static_cast<std::size_t>(box.x1 - box.x0)) != nullptr) return all;
    }
    return {};
  }

 private:
  std::span<const PixelRun> runs_;
  int width_;
  bool any_ = false;
  std::vector<std::uint8_t> mask_;
};

/// The boxes of one row of tiles.
class TileRow {
 public:
  TileRow(const FrameView& frame, const MeshSize& mesh, int j) : frame_(frame), mesh_(mesh), j_(j) {
    box_.y0 = tile_edge(j, mesh.rows, frame.height);
    box_.y1 = tile_edge(j + 1, mesh.rows, frame.height);
  }
  [[nodiscard]] TileBox box(int i) {
    box_.x0 = tile_edge(i, mesh_.columns, frame_.width);
    box_.x1 = tile_edge(i + 1, mesh_.columns, frame_.width);
    return box_;
  }
  [[nodiscard]] int y0() const { return box_.y0; }
  [[nodiscard]] int y1() const { return box_.y1; }
  [[nodiscard]] std::size_t index(int i) const { return static_cast<std::size_t>(j_ * mesh_.columns + i); }

 private:
  const FrameView& frame_;
  const MeshSize& mesh_;
  int j_;
  TileBox box_;
};

/// Calls band(j) for every row of tiles.
template <class Band>
void for_rows(int rows, ParallelFor parallel, const Band& band) {
  parallel(static_cast<std::size_t>(rows), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t j = begin; j < end; ++j) band(static_cast<int>(j));
  });
}

}  // namespace

SkySurvey::SkySurvey(const FrameView& frame, int tile_px, std::span<const PixelRun> objects, double pedestal)
    : MeshSize{tiles(frame.width, tile_px), tiles(frame.height, tile_px)},
      frame_(frame),
      objects_(objects),
      pedestal_(pedestal) {
  const std::size_t n = static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
  for (auto* column : {&level, &noise}) column->assign(n, kUnknown);
  for (auto* column : {&samples, &quantum}) column->assign(n, 0);
}

void SkySurvey::measure(ParallelFor parallel) {
  visit_pixels(frame_, [&]<class T>(Plane<T> pixels) {
    for_rows(rows, parallel, [&](int j) {
      TileSampler<T> sampler(frame_, pixels, pedestal_);
      BandObjects objects(objects_, frame_.width);
      TileRow row(frame_, *this, j);
      objects.read(row.y0(), row.y1());
      for (int i = 0; i < columns; ++i) {
        const TileBox box = row.box(i);
        if (!sampler.read(box, objects.within(box))) continue;
        const TileStatistics s = sampler.statistics();
        const std::size_t k = row.index(i);
        level[k] = static_cast<float>(s.level);
        if (s.noise > 0) noise[k] = static_cast<float>(s.noise);
        samples[k] = static_cast<float>(sampler.size());
        quantum[k] = static_cast<float>(sampler.quantum());
      }
    });
  });
}

void SkySurvey::measure_about(const MeshSurface& surface,
                              std::span<const float> at_centres,
                              std::span<std::uint8_t> which,
                              ParallelFor parallel) {
  const auto width = static_cast<std::size_t>(frame_.width);
  visit_pixels(frame_, [&]<class T>(Plane<T> pixels) {
    for_rows(rows, parallel, [&](int j) {
      TileRow row(frame_, *this, j);
      const auto chosen = which.subspan(row.index(0), static_cast<std::size_t>(columns));
      if (std::ranges::none_of(chosen, [](std::uint8_t w) { return w != 0; })) return;
      std::vector<float> levels(width * static_cast<std::size_t>(row.y1() - row.y0()));
      for (int y = row.y0(); y < row.y1(); ++y) {
        const std::size_t first = width * static_cast<std::size_t>(y - row.y0());
        surface.row(y, std::span(levels).subspan(first, width), {});
      }
      TileSampler<T, true> sampler(frame_, pixels, pedestal_);
      BandObjects objects(objects_, frame_.width);
      objects.read(row.y0(), row.y1());
      for (int i = 0; i < columns; ++i) {
        const std::size_t k = row.index(i);
        if (which[k] == 0) continue;
        const TileBox box = row.box(i);
        const Plane<float> own{levels.data(), static_cast<std::ptrdiff_t>(width * sizeof(float))};
        if (!sampler.read(box, objects.within(box), {own, quantum[k]})) continue;
        const TileStatistics s = sampler.statistics();
        const auto scatter = static_cast<float>(s.noise);
        which[k] = scatter > 0 && scatter < noise[k] ? 1 : 0;
        if (which[k] == 0) continue;
        level[k] = at_centres[k] + static_cast<float>(s.level);
        noise[k] = scatter;
      }
    });
  });
}

}  // namespace starflow
