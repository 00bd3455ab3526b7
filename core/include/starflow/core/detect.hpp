// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Finds stars: matched filter, local threshold in sigma, labels, one candidate for each prominent peak; then those
/// that the light of others hides.

#include <starflow/core/background.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace starflow {

/// Which pixels above the lower threshold belong together.
enum class Touch : std::uint8_t {
  corners,  ///< those that share a side or a corner: 8-connected
  sides     ///< those that share a side: 4-connected
};

struct DetectOptions {
  double threshold_sigma = 5;  ///< of the matched-filtered frame, that a star's peak is above, 1..1000
  double extend = 0.6;         ///< part of the threshold down to which the pixels about a peak are followed, 0.2..1
  Touch touch = Touch::corners;
  double fwhm_px = 0;           ///< of the stars, 0.5..50 px; 0 = measured from the frame
  int min_pixels = 1;           ///< above `extend`, 1..10000
  bool keep_artefacts = false;  ///< hot pixels and cosmic rays are listed with their flag, not left out
  double prominence = 0.1;  ///< a second peak counts where it stands above the saddle by this fraction of itself, 0..1
  /// Times that the stars are fitted together, taken off, and what is left over searched for stars that they hide,
  /// 0..kMaxSearches. Needs the stars' FWHM, and a frame without colours.
  int search_again = 2;

  static constexpr int kMaxSearches = 5;
};

/// Star candidates of one frame, one column each, ordered by flux (falling), then y, then x.
struct Detections {
  std::vector<double> x, y;  ///< px; of blended stars as fitted together
  std::vector<double> peak;  ///< ADU above the background
  std::vector<double> flux;  ///< ADU, of the pixels above the threshold; of hidden stars all, as fitted
  /// Centre (px; NaN = none) and second moments (px^2; 0 = none) of the isophote: of the light, smoothed by 3x3 px,
  /// where that stands above threshold_sigma times the frame's median noise. SExtractor's X_IMAGE and X2_IMAGE.
  /// Hidden stars have none.
  std::vector<double> iso_x, iso_y, xx, yy, xy;
  std::vector<std::int32_t> n_pix;
  std::vector<std::int64_t> id;  ///< the caller's, for forced positions; else 0..size-1
  std::vector<Flags> flags;
  std::vector<int> hot_x, hot_y;   ///< hot pixels beside stars, row by row: measure() takes them for bad ones
  double fwhm_px = 0;              ///< of the stars, as given or measured; 0 = could not be measured
  bool fwhm_measured = false;      ///< measured from this frame
  std::size_t rejected_small = 0;  ///< candidates below min_pixels
  std::size_t rejected_hot = 0, rejected_cosmic = 0;  ///< hot pixels, cosmic rays
  std::size_t rejected_trail = 0;                     ///< peaks of a line that runs through them
  std::size_t rejected_faint = 0;                     ///< no more than the threshold above what lies around them

  [[nodiscard]] std::size_t size() const noexcept { return x.size(); }
  void resize(std::size_t n);  ///< new rows have no isophote; all else is 0
};

struct DetectMemory;

/// Memory that detect() reuses from call to call. One for each concurrent call.
class DetectWorkspace {
 public:
  DetectWorkspace();
  ~DetectWorkspace();
  DetectWorkspace(DetectWorkspace&&) noexcept;
  DetectWorkspace& operator=(DetectWorkspace&&) noexcept;

 private:
  friend Detections detect(
      const FrameView&, const Background&, const Detector&, const DetectOptions&, ParallelFor, DetectWorkspace&);
  friend double measure_fwhm(const FrameView&, const Background&, const Detector&, ParallelFor, DetectWorkspace&);
  std::unique_ptr<DetectMemory> memory_;
};

/// \return stars of \p frame; empty where it has none. Never fails on hostile pixels. The result does not depend on
///         the number of threads.
[[nodiscard]] Detections detect(const FrameView& frame,
                                const Background& background,
                                const Detector& detector,
                                const DetectOptions& options,
                                ParallelFor parallel,
                                DetectWorkspace& workspace);
/// The same with memory of its own.
[[nodiscard]] Detections detect(const FrameView& frame,
                                const Background& background,
                                const Detector& detector,
                                const DetectOptions& options,
                                ParallelFor parallel);

/// Full width at half maximum of the frame's stars, px: the median over its brighter unsaturated candidates, hot pixels
/// left out where enough wider ones agree.
/// \return 0 where no candidate gave a width
[[nodiscard]] double measure_fwhm(const FrameView& frame,
                                  const Background& background,
                                  const Detector& detector,
                                  ParallelFor parallel,
                                  DetectWorkspace& workspace);
/// The same with memory of its own.
[[nodiscard]] double measure_fwhm(const FrameView& frame,
                                  const Background& background,
                                  const Detector& detector,
                                  ParallelFor parallel);

}  // namespace starflow
