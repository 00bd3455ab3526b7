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
  RejectedStars listed;  ///< those of `rejected` that a node was asked to list
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
