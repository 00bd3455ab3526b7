// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the keywords of a FITS header say about a frame.

#include <starflow/sdk/frame.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace starflow {

/// The keywords of a header; values and comments as text. Of a keyword that is repeated the first one counts.
class FitsHeader {
 public:
  /// \p value as it stands in the card: a text in quotes, a number, T or F; empty = no value.
  void add(std::string_view key, std::string_view value, std::string_view comment);

  [[nodiscard]] bool has(std::string_view key) const { return cards_.contains(key); }
  /// The value without quotes and padding; empty where it is absent or blank.
  [[nodiscard]] std::string text(std::string_view key) const;
  /// The value as a finite number, also where it stands in quotes; nothing where it is not one.
  [[nodiscard]] std::optional<double> number(std::string_view key) const;
  /// The unit in brackets at the begin of the comment, in lower case, as the standard has it: "[d] exposure" -> "d".
  [[nodiscard]] std::string unit(std::string_view key) const;

 private:
  struct Card {
    std::string value, comment;
  };
  std::map<std::string, Card, std::less<>> cards_;
};

/// Fills exposure_s, t_mid, gain, read_noise, saturation, unit, mosaic, roi and binning of \p info from what \p header
/// has. A value that makes no sense is left out and said in info.notes. Never fails.
///
/// Gain: EGAIN, then GAIN only where BUNIT is absent or ADU-like: a camera's GAIN is often the number of a setting.
/// Middle of the exposure: DATE-AVG, else DATE-OBS (or MJD-OBS), the start, plus half of EXPTIME, in UTC.
void apply_keywords(const FitsHeader& header, FrameInfo& info);

}  // namespace starflow
