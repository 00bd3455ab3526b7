// SPDX-License-Identifier: MIT
#include "bright_pixels.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bright_pixels.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "bright_band-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(search_band);

namespace {

constexpr double kRadiusSigmas = 3;
constexpr int kBandRows = 128, kBandRadii = 8;  // a band repeats the filter's radius of rows above and below it

/// Joins the bands in the order of their rows.
void join(std::span<BrightPixels> bands, BrightPixels& all) {
  all.clear();
  std::size_t before = 0;
  for (BrightPixels& b : bands) {
    for (BrightRun& r : b.runs) r.first += before;
    for (BrightPeak& p : b.peaks) p.pixel += before;
    before += b.size();
  }
  const auto join_column = [&](auto column) {
    std::size_t n = 0;
    for (const BrightPixels& b : bands) n += (b.*column).size();
    (all.*column).reserve(n);
    for (const BrightPixels& b : bands)
      (all.*column).insert((all.*column).end(), (b.*column).begin(), (b.*column).end());
  };
  join_column(&BrightPixels::height);
  join_column(&BrightPixels::signal);
  join_column(&BrightPixels::smooth);
  join_column(&BrightPixels::marks);
  join_column(&BrightPixels::runs);
  join_column(&BrightPixels::peaks);
}

}  // namespace

StarFilter::StarFilter(double fwhm_px) {
  const double sigma = fwhm_px * kSigmaPerFwhm;
  radius = std::max(1, static_cast<int>(std::ceil(kRadiusSigmas * sigma)));
  const auto cumulative = [sigma](double edge) { return 0.5 * std::erf(edge / (sigma * std::sqrt(2.0))); };
  std::vector<double> light;
  double squares = 0;
  for (int i = -radius; i <= radius; ++i) {
    light.push_back(cumulative(i + 0.5) - cumulative(i - 0.5));
    squares += light.back() * light.back();
  }
  for (const double v : light) k.push_back(static_cast<float>(v / std::sqrt(squares)));
}

std::vector<RowBand> row_bands(int height, const StarFilter& filter) {
  const int rows = std::max(kBandRows, kBandRadii * filter.radius);
  std::vector<RowBand> bands;
  for (int y = 0; y < height; y += rows) bands.push_back({y, std::min(height, y + rows)});
  return bands;
}

void BrightPixels::clear() {
  for (auto* column : {&height, &signal, &smooth}) column->clear();
  marks.clear();
  runs.clear();
  peaks.clear();
}

void bright_pixels(const FrameView& frame,
                   const Background& background,
                   const Detector& detector,
                   const StarFilter& filter,
                   float floor,
                   Touch touch,
                   std::span<const RowBand> bands,
                   ParallelFor parallel,
                   std::vector<BrightPixels>& found,
                   BrightPixels& out) {
  const BandJob job{frame, background, detector, filter, floor, touch};
  if (found.size() < bands.size()) found.resize(bands.size());
  parallel(bands.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t b = begin; b < end; ++b) {
      found[b].clear();
      HWY_DYNAMIC_DISPATCH(search_band)(job, bands[b], found[b]);
    }
  });
  join(std::span(found).first(bands.size()), out);
}

}  // namespace starflow
#endif  // HWY_ONCE
