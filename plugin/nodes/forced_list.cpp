// SPDX-License-Identifier: MIT
#include "forced_list.hpp"

#include "background_options.hpp"

#include <starflow/core/detect.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>

namespace starflow {
namespace {

/// The pixel at (x, y) above the background; 0 where there is none, or a masked one.
double pixel_above_background(const FrameView& frame, const Background& background, double x, double y) {
  // Compared as numbers: a position far outside does not fit into an int.
  if (!(x >= -0.5 && y >= -0.5 && x < frame.width - 0.5 && y < frame.height - 0.5)) return 0;
  const int i = static_cast<int>(std::floor(x + 0.5)), j = static_cast<int>(std::floor(y + 0.5));
  return visit_pixels(frame, [&](const auto& plane) {
    const auto value = plane.row(j)[i];
    return is_valid(frame, i, j, value) ? static_cast<double>(value) - background.pixel_level(i, j) : 0.0;
  });
}

}  // namespace

std::vector<OptionSpec> forced_options() {
  std::vector<OptionSpec> specs = {fwhm_option("measured from the frame")};
  for (OptionSpec& s : background_options()) specs.push_back(std::move(s));
  return specs;
}

ForcedOptions read_forced(const Options& options) { return {read_fwhm(options), read_background(options)}; }

DetectionList forced_detections(const Frame& frame,
                                const Positions& positions,
                                const ForcedOptions& options,
                                ParallelFor parallel) {
  const FrameView view = frame.view();
  DetectionList out;
  out.frame = frame.share_info();
  const auto background = std::make_shared<const Background>(estimate_background(view, options.background, parallel));
  out.background = background;
  Detections& d = out.detections;
  d.resize(positions.x.size());
  d.x = positions.x;
  d.y = positions.y;
  d.id = positions.id;
  for (std::size_t i = 0; i < d.size(); ++i) {
    d.peak[i] = d.flux[i] = pixel_above_background(view, *background, d.x[i], d.y[i]);
    d.xx[i] = d.yy[i] = d.xy[i] = 0;
    d.n_pix[i] = 0;
    d.flags[i] = flag::forced_position;
  }
  d.fwhm_measured = options.fwhm_px == 0;
  d.fwhm_px = d.fwhm_measured ? measure_fwhm(view, *background, frame.info().detector(), parallel) : options.fwhm_px;
  if (positions.without > 0) out.rejected["no_position"] = positions.without;
  return out;
}

}  // namespace starflow
