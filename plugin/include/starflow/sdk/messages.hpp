// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The tables that travel between our nodes.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/field_shape.hpp>
#include <starflow/core/star_table.hpp>
#include <starflow/sdk/frame.hpp>
#include <starflow/sdk/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

/// Positions to measure, with the background they were found on.
struct DetectionList {
  std::shared_ptr<const FrameInfo> frame;
  std::shared_ptr<const Background> background;  ///< never null
  Detections detections;
  std::map<std::string, std::size_t> rejected;  ///< candidates left out, by reason
};

/// Rows that were taken out of a table of stars and are to be listed.
struct RejectedStars {
  StarTable stars;
  std::vector<std::string> reasons;  ///< one a row
};

/// What becomes of the stars of a table over many frames: a row for each of them, or none where nobody looked.
struct StarTracks {
  std::vector<std::int64_t> track_id;          ///< the same in each frame; -1 = none
  std::vector<double> x_ref, y_ref;            ///< px of the reference frame
  std::vector<double> x_residual, y_residual;  ///< px: x_ref, y_ref less the place of the track

  [[nodiscard]] bool empty() const noexcept { return track_id.empty(); }
  /// Every column has n cells.
  [[nodiscard]] bool fits(std::size_t n) const noexcept;
  /// New rows have no track.
  void resize(std::size_t n);
};

/// Calls `visit(name, unit, doc, column...)` for each column of \p t.
template <class Visit, class... T>
void zip_track_columns(Visit&& visit, T&... t) {
  visit("track_id", "", "number of the star in all frames, or its id in the reference list; null = no track",
        t.track_id...);
  visit("x_ref", "px", "x brought to the reference frame", t.x_ref...);
  visit("y_ref", "px", "y brought to the reference frame", t.y_ref...);
  visit("x_residual", "px", "x_ref less that of the track", t.x_residual...);
  visit("y_residual", "px", "y_ref less that of the track", t.y_residual...);
}

/// How a frame lies on the reference of its tracks.
struct FrameRegistration {
  std::string reference;  ///< file of the reference frame or list
  bool done = false;      ///< the frame's stars agree with the reference's; where not, nothing below is defined
  std::size_t stars = 0;  ///< that the transform was fitted to
  double rms_px = 0;      ///< of those, per axis
  /// x_ref = [0] x + [1] y + [2], y_ref = [3] x + [4] y + [5]
  std::array<double, 6> to_reference{1, 0, 0, 0, 1, 0};
};

/// The measured stars of a frame.
struct StarList {
  std::shared_ptr<const FrameInfo> frame;
  double background_adu = 0;  ///< median level
  double noise_adu = 0;       ///< median noise of one pixel
  bool background_reliable = false;
  double fwhm_px = 0;                           ///< that stamps and windows went by
  bool fwhm_guessed = false;                    ///< neither given nor measured
  FieldShape field_shape;                       ///< that faint stars were given; not usable = none
  std::map<std::string, std::size_t> rejected;  ///< candidates and stars left out, by reason
  StarTable stars;
  RejectedStars listed;                                     ///< those of `rejected` that a node was asked to list
  StarTracks tracks{};                                      ///< of `stars`
  std::shared_ptr<const FrameRegistration> registration{};  ///< null = nobody looked
};

/// True positions of a simulated frame, one row a star, in the order they were drawn.
struct Truth {
  std::shared_ptr<const FrameInfo> frame;
  std::vector<double> x, y;            ///< px
  std::vector<double> flux;            ///< ADU
  std::vector<double> snr;             ///< flux over its Cramer-Rao bound
  std::vector<double> x_crlb, y_crlb;  ///< px, Cramer-Rao bound of the position, 1 sigma
  std::vector<bool> isolated;          ///< no neighbour within 6 FWHM, not saturated, not at the edge
};

/// JSON Lines: a frame record and its star records, each line ended by '\n'.
struct Records {
  std::shared_ptr<const FrameInfo> frame;
  std::string text;
};

template <>
inline constexpr std::string_view message_type<DetectionList> = "starflow.detections/1";
template <>
inline constexpr std::string_view message_type<StarList> = "starflow.stars/1";
template <>
inline constexpr std::string_view message_type<Truth> = "starflow.truth/1";
template <>
inline constexpr std::string_view message_type<Records> = "starflow.records/1";

}  // namespace starflow
