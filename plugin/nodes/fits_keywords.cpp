// SPDX-License-Identifier: MIT
#include "fits_keywords.hpp"

#include "fits_time.hpp"
#include "mosaic_from.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace starflow {
namespace {

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// A value that a card has but that can't be used.
void note_ignored(FrameInfo& info, const FitsHeader& header, std::string_view key, std::string_view why) {
  info.notes.push_back(
      fmt::format("{} = {} ignored: {}", key, header.text(key).empty() ? "(blank)" : header.text(key), why));
}

bool counts_adu(const std::string& bunit) {
  constexpr std::array<std::string_view, 9> kNames{"",       "adu", "adus", "dn",          "count",
                                                   "counts", "ct",  "cts",  "data numbers"};
  return std::find(kNames.begin(), kNames.end(), lower(bunit)) != kNames.end();
}

// The first of `keys` that is there; where its value is not `usable`, a note and nothing.
template <class Usable>
std::optional<double> first_of(const FitsHeader& header,
                               std::initializer_list<std::string_view> keys,
                               FrameInfo& info,
                               std::string_view rule,
                               Usable usable) {
  for (const std::string_view key : keys) {
    if (!header.has(key)) continue;
    const std::optional<double> value = header.number(key);
    if (value && usable(*value)) return value;
    note_ignored(info, header, key, rule);
  }
  return std::nullopt;
}

bool positive(double v) { return v > 0; }

void set_exposure(const FitsHeader& header, FrameInfo& info) {
  for (const char* key : {"EXPTIME", "EXPOSURE"}) {
    if (!header.has(key)) continue;
    const std::optional<double> value = header.number(key);
    if (!value || *value < 0) {
      note_ignored(info, header, key, "not a time in seconds");
      continue;
    }
    const std::string unit = header.unit(key);
    const double seconds = unit == "d" ? 86400 : unit == "h" ? 3600 : unit == "min" ? 60 : unit == "ms" ? 1e-3 : 1;
    info.exposure_s = *value * seconds;
    if (seconds != 1) info.notes.push_back(fmt::format("{} is in {}", key, unit));
    return;
  }
}

std::optional<UtcTime> start_of_exposure(const FitsHeader& header) {
  const std::string date = header.text("DATE-OBS");
  if (const auto time = parse_time(date)) return time;
  if (const auto time = parse_time(date + "T" + header.text("TIME-OBS"))) return time;
  if (const auto mjd = header.number("MJD-OBS")) return time_of_mjd(*mjd);
  return std::nullopt;
}

void set_time(const FitsHeader& header, FrameInfo& info) {
  const std::string scale = header.text("TIMESYS");
  const bool dated = header.has("DATE-OBS") || header.has("MJD-OBS") || header.has("DATE-AVG");
  if (!dated) return;
  if (!scale.empty() && lower(scale) != "utc" && lower(scale) != "ut") {
    info.notes.push_back("time of the exposure left out: TIMESYS is " + scale + ", not UTC");
    return;
  }
  if (const auto middle = parse_time(header.text("DATE-AVG"))) {
    info.t_mid = to_iso(*middle);
    return;
  }
  const auto start = start_of_exposure(header);
  constexpr double kLongest_s = 1e9;
  if (!start) {
    info.notes.push_back(
        fmt::format("time of the exposure left out: DATE-OBS = '{}' has no time of day", header.text("DATE-OBS")));
  } else if (!(info.exposure_s <= kLongest_s)) {
    info.notes.emplace_back("middle of the exposure left out: the header has its start but no EXPTIME");
  } else {
    info.t_mid = to_iso(*start + std::chrono::milliseconds(std::llround(500 * info.exposure_s)));
  }
}

void set_gain(const FitsHeader& header, FrameInfo& info) {
  const std::string bunit = header.text("BUNIT");
  std::optional<double> gain = first_of(header, {"EGAIN"}, info, "a gain is above 0", positive);
  if (gain && !counts_adu(bunit)) {
    info.notes.push_back("gain from EGAIN although BUNIT is " + bunit + "; option gain overrides it");
  }
  if (!gain && header.has("GAIN")) {
    if (counts_adu(bunit)) {
      gain = first_of(header, {"GAIN"}, info, "a gain is above 0", positive);
    } else {
      note_ignored(info, header, "GAIN", "BUNIT is " + bunit + ", not ADU; option gain overrides it");
    }
  }
  if (gain) info.gain = {*gain, Origin::metadata};
}

void set_detector(const FitsHeader& header, FrameInfo& info) {
  set_gain(header, info);
  const auto noise = first_of(header, {"RDNOISE", "READNOIS", "ENOISE"}, info, "a read noise is 0 or more",
                              [](double v) { return v >= 0; });
  if (noise) info.read_noise = {*noise, Origin::metadata};
  const auto level = first_of(header, {"SATURATE", "SATLEVEL"}, info, "a saturation level is above 0", positive);
  if (level) info.saturation = {*level, Origin::metadata};
}

void set_mosaic(const FitsHeader& header, FrameInfo& info) {
  for (const char* key : {"BAYERPAT", "COLORTYP"}) {
    if (!header.has(key)) continue;
    std::string p = header.text(key);
    std::ranges::transform(p, p.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    constexpr std::array<std::string_view, 4> kPatterns{"RGGB", "BGGR", "GRBG", "GBRG"};
    if (std::find(kPatterns.begin(), kPatterns.end(), p) == kPatterns.end()) {
      note_ignored(info, header, key, "not one of RGGB, BGGR, GRBG, GBRG");
      continue;
    }
    const auto odd = [&](const char* offset) { return std::fmod(std::abs(header.number(offset).value_or(0)), 2) == 1; };
    // The pattern is the sensor's, from its top: a file whose first row is the last one of an even number starts with
    // the other row. Source: the ROWORDER proposal of Siril and CCDciel, free-astro.org, Siril:FITS orientation.
    const double rows = header.number("ZNAXIS2").value_or(header.number("NAXIS2").value_or(1));
    const bool turned = header.text("ROWORDER") == "BOTTOM-UP" && std::fmod(rows, 2) == 0;
    info.mosaic = mosaic_from(p, odd("XBAYROFF") ? 1 : 0, (odd("YBAYROFF") ? 1 : 0) + (turned ? 1 : 0));
    return;
  }
}

void set_geometry(const FitsHeader& header, FrameInfo& info) {
  constexpr double kMax = 1e6;
  const auto whole = [&](std::string_view key, double minimum, int otherwise) {
    if (!header.has(key)) return otherwise;
    const auto v = header.number(key);
    if (v && *v >= minimum && *v <= kMax && *v == std::floor(*v)) return static_cast<int>(*v);
    note_ignored(info, header, key, fmt::format("not a whole number from {} to {}", minimum, kMax));
    return otherwise;
  };
  info.binning_x = whole("XBINNING", 1, 1);
  info.binning_y = whole("YBINNING", 1, info.binning_x);
  constexpr int kRange = 2'000'000'000;
  const auto sensor = [&](int binned, int binning) { return binned > kRange / binning ? 0 : binned * binning; };
  // The SBIG header convention counts the origin of a subframe in binned pixels.
  info.roi_x = sensor(whole("XORGSUBF", 0, 0), info.binning_x);
  info.roi_y = sensor(whole("YORGSUBF", 0, 0), info.binning_y);
}

}  // namespace

void FitsHeader::add(std::string_view key, std::string_view value, std::string_view comment) {
  cards_.try_emplace(std::string(key), Card{std::string(value), std::string(comment)});
}

std::string FitsHeader::text(std::string_view key) const {
  const auto it = cards_.find(key);
  if (it == cards_.end()) return {};
  std::string_view v = trim(it->second.value);
  if (v.size() < 2 || v.front() != '\'') return std::string(v);
  v = trim(v.substr(1, v.size() - 2));
  std::string out;
  for (std::size_t i = 0; i < v.size(); ++i) {
    out += v[i];
    if (v[i] == '\'' && i + 1 < v.size() && v[i + 1] == '\'') ++i;
  }
  return out;
}

std::optional<double> FitsHeader::number(std::string_view key) const {
  std::string v = text(key);
  std::replace(v.begin(), v.end(), 'D', 'E');  // Fortran's exponent
  const char* begin = v.data() + (v.starts_with('+') ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, v.data() + v.size(), value);
  if (v.empty() || error != std::errc() || end != v.data() + v.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string FitsHeader::unit(std::string_view key) const {
  const auto it = cards_.find(key);
  if (it == cards_.end()) return {};
  const std::string_view comment = trim(it->second.comment);
  const auto end = comment.find(']');
  return comment.starts_with('[') && end != std::string_view::npos ? lower(trim(comment.substr(1, end - 1)))
                                                                   : std::string();
}

void apply_keywords(const FitsHeader& header, FrameInfo& info) {
  const std::string bunit = header.text("BUNIT");
  if (!bunit.empty()) info.unit = bunit;
  set_exposure(header, info);
  set_time(header, info);
  set_detector(header, info);
  set_mosaic(header, info);
  set_geometry(header, info);
}

}  // namespace starflow
