// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Measures every detection of a frame: position, covariance, flux, shape, flags.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>
#include <starflow/core/star_table.hpp>

#include <cstdint>
#include <vector>

namespace starflow {

/// Where the width of the centroid window comes from.
enum class WindowFrom : std::uint8_t {
  fwhm,        ///< the frame's FWHM
  half_light,  ///< the star's own half-light radius, as SExtractor's XWIN_IMAGE
  given        ///< `window_sigma_px`
};

struct MeasureOptions {
  Method method = Method::gaussian;
  WindowFrom window = WindowFrom::fwhm;
  double window_sigma_px = 0;  ///< with WindowFrom::given, 0.2..50 px
  double fwhm_px = 0;          ///< of the stars, 0.5..50 px; 0 = the detections'
  double stamp_radius = 1.75;  ///< half side of the square stamp, in FWHM, 0.5..10
  double move_limit = 0.75;    ///< a position farther from its start is refused, in FWHM, 0.1..10
  int max_iterations = 50;     ///< 1..1000
};

/// The FWHM that measure() goes by, px: the options', else the detections', else 3.
[[nodiscard]] double used_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept;

struct StarRow;

/// Memory that measure() reuses from call to call. One for each concurrent call.
class MeasureWorkspace {
 public:
  MeasureWorkspace();
  ~MeasureWorkspace();
  MeasureWorkspace(MeasureWorkspace&&) noexcept;
  MeasureWorkspace& operator=(MeasureWorkspace&&) noexcept;

 private:
  friend void measure(const FrameView&,
                      const Background&,
                      const Detector&,
                      const Detections&,
                      const MeasureOptions&,
                      ParallelFor,
                      MeasureWorkspace&,
                      StarTable&);
  std::vector<StarRow> rows_;
  std::vector<std::uint32_t> order_;
};

/// Fills \p stars with one row for each detection, ordered by flux (falling), then y, then x. A star that can't be
/// measured is a row with flags and a termination; rows are never dropped. Reuses the memory of \p workspace and
/// \p stars: no heap allocation once they are large enough. The result does not depend on the number of threads.
void measure(const FrameView& frame,
             const Background& background,
             const Detector& detector,
             const Detections& detections,
             const MeasureOptions& options,
             ParallelFor parallel,
             MeasureWorkspace& workspace,
             StarTable& stars);

}  // namespace starflow
