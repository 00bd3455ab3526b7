// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Measures every detection of a frame: position, covariance, flux, shape, flags.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/field_shape.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>
#include <starflow/core/star_method.hpp>
#include <starflow/core/star_table.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace starflow {

/// Where the width of the centroid window comes from.
enum class WindowFrom : std::uint8_t {
  fwhm,        ///< the frame's FWHM
  half_light,  ///< the star's own half-light radius, no less than 1 px FWHM: SExtractor's XWIN_IMAGE
  given        ///< `window_sigma_px`
};

/// Outline of a fitted profile.
enum class Outline : std::uint8_t {
  circular,
  axis_aligned,  ///< an ellipse along the axes of the frame
  rotated        ///< any ellipse
};

/// What a model's pixel is.
enum class Sampling : std::uint8_t {
  integrated,  ///< the light that falls on the pixel
  center       ///< the profile at its centre: biased where stars are narrow
};

enum class Estimator : std::uint8_t {
  mle,           ///< maximum likelihood: weights from the variance of the model
  least_squares  ///< all pixels weigh the same; sandwich covariance
};

/// Where the sky level of a star comes from.
enum class LevelFrom : std::uint8_t {
  global,   ///< the background of the frame
  annulus,  ///< a ring about the star
  fit       ///< a parameter of the fit; methods that fit nothing take `global`
};

/// Where the noise of the sky comes from. A variance image of the frame goes before all of them.
enum class NoiseFrom : std::uint8_t {
  map,      ///< the background of the frame
  annulus,  ///< the scatter in a ring about the star
  model     ///< (level - pedestal) / gain + (read noise / gain)^2; needs a gain
};

/// What becomes of the light of other stars of the list.
enum class Neighbours : std::uint8_t {
  ignore,  ///< it counts as the star's
  mask,    ///< pixels in which a neighbour is the brighter one are left out, by the peaks of the list
  group    ///< stars that overlap are fitted together, the others taken out as models; methods that fit nothing `mask`
};

/// What is read of a colour mosaic.
enum class MosaicPixels : std::uint8_t {
  all,   ///< every pixel; a star has an amplitude in each phase of the 2x2 pixels
  green  ///< the green ones, for methods that fit
};

/// FWHM along the minor axis below which no profile is fitted, px: pixels hold no width there.
inline constexpr double kMinAxisFwhmPx = 0.7;

/// Which stars are given the shape that the frame's good stars (S/N 30 and more, no flag, none near) have at their
/// place. Where fewer than FieldShape::kLeastStars are good, all stars keep their own.
enum class FieldFor : std::uint8_t {
  none,
  faint,  ///< those of S/N below 15 that stand alone and do not differ from the frame's stars by more than their noise;
          ///< where fewer than FieldShape::kPlaneStars are good, stars of S/N 15 and more count as good
  unclear  ///< all but the good: faint, saturated, blended, at an edge, trailed ones
};

/// Shape parameters held at these values; NaN = free. The minor axis of what they describe is no narrower than
/// kMinAxisFwhmPx.
struct HeldShape {
  static constexpr double kFree = std::numeric_limits<double>::quiet_NaN();
  double fwhm_px = kFree;      ///< 0.7..50 px
  double ellipticity = kFree;  ///< 1 - b/a, 0..0.9; with Outline::axis_aligned along x or y, as each star fits better
  double theta_deg = kFree;    ///< of the major axis, (-90, 90]; with Outline::rotated
  FieldFor field = FieldFor::none;  ///< not with any of the above
};

/// A ring about a star.
struct Annulus {
  double inner = 2.5, outer = 4.5;  ///< FWHM
  double keep_out = 2;              ///< pixels this near to another detection are left out, FWHM
};

struct MeasureOptions {
  Method method = Method::gaussian;
  const StarMethod* plugin = nullptr;       ///< of Method::plugin, which fails without; lives as long as the options
  Outline outline = Outline::axis_aligned;  ///< of gaussian and moffat
  Sampling sampling = Sampling::integrated;
  Estimator estimator = Estimator::mle;
  double beta = 2.5;  ///< of moffat, 1.1..12; the start value where it is free
  /// Of moffat. Positions are true to their errors at any S/N, flux and sky from S/N 100 on. At S/N 30 the flux
  /// scatters by 0.97 to 1.06 error bars, most at FWHM 5 px, for it is a curved function of beta; at 10, where half of
  /// the stars have beta on a bound, flux and sky scatter by 0.7 to 0.8. Another parameter in beta's place would change
  /// neither the maximum of the likelihood nor the error bar of the flux there.
  bool free_beta = false;
  HeldShape held{};
  LevelFrom level = LevelFrom::fit;
  NoiseFrom noise = NoiseFrom::map;
  Annulus annulus{};
  MosaicPixels mosaic = MosaicPixels::all;
  double pedestal_adu = 0;  ///< ADU without light, with NoiseFrom::model
  WindowFrom window = WindowFrom::fwhm;
  double window_sigma_px = 0;  ///< with WindowFrom::given, 0.2..50 px; cut at 32 px, or at 8 FWHM where that is more
  double fwhm_px = 0;          ///< of the stars, 0.5..50 px; 0 = the detections'
  Neighbours neighbours = Neighbours::ignore;
  double group_separation = 2.5;  ///< stars nearer than this to each other are fitted together, FWHM, 0.5..3
  int group_size = 8;             ///< most stars of a group, 2..12; larger ones are cut at their longest links
  /// Half side of the square stamp, in FWHM, 0.5..10. Beyond 32 px pixels are binned for it, to FWHM 1.6 px at the
  /// least.
  double stamp_radius = 1.75;
  double move_limit = 0.75;  ///< a position farther from its start is refused, in FWHM, 0.1..10
  int max_iterations = 100;  ///< 1..1000, of all stages of a fit together
};

/// FWHM of the stars, px: the options', else the detections'; 0 = not known.
[[nodiscard]] double known_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept;

/// The FWHM that measure() goes by, px: the known one, else 3.
[[nodiscard]] double used_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept;

struct StarRow;
struct StarRank;
class NeighbourIndex;
struct Blends;

/// Memory that measure() reuses from call to call. One for each concurrent call.
class MeasureWorkspace {
 public:
  MeasureWorkspace();
  ~MeasureWorkspace();
  MeasureWorkspace(MeasureWorkspace&&) noexcept;
  MeasureWorkspace& operator=(MeasureWorkspace&&) noexcept;

  /// Of the last call; not usable where it asked for none.
  [[nodiscard]] const FieldShape& field_shape() const noexcept { return field_; }

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
  std::vector<StarRank> order_;
  std::unique_ptr<NeighbourIndex> neighbours_;
  std::unique_ptr<Blends> blends_;
  FieldShape field_;
  std::vector<ShapeSample> samples_;
  std::vector<std::uint8_t> mask_;   // of the frame and its hot pixels
  std::vector<std::uint8_t> again_;  // rows that take the field's shape
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
