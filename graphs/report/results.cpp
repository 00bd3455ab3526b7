// SPDX-License-Identifier: MIT
#include "results.hpp"

#include "record_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace starflow::report {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostGroups = 500, kMostNames = 20, kFramesNamed = 5, kMostReasons = 200;

/// Flags with which a shape is another thing than one whole star's.
constexpr Flags kNoShape = flag::saturated | flag::bad_pixel_center | flag::edge | flag::blended |
                           flag::no_convergence | flag::at_bound | flag::fallback_method | flag::too_few_pixels |
                           flag::moved_from_seed | flag::cosmic_ray | flag::hot_pixel | flag::trailed | flag::extended |
                           flag::low_snr | flag::duplicate | flag::poor_fit;
constexpr Flags kNoFault = flag::forced_position | flag::cfa_fit;

Flags flags_of(const Record& r) {
  const double value = r[Field::flags];
  return value >= 0 && value <= 4294967295.0 ? static_cast<Flags>(value) : 0;
}

double or_else(double value, double otherwise) { return std::isfinite(value) ? value : otherwise; }

std::int64_t whole(double value) { return std::abs(value) < 9e15 ? static_cast<std::int64_t>(value) : -1; }

void insert_bounded(std::set<std::string>& names, const std::string& name) {
  if (!name.empty() && names.size() < kMostNames) names.insert(name);
}

}  // namespace

double seconds_of(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute, &second) != 6)
    return kNone;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || !std::isfinite(second)) return kNone;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return 86400.0 * static_cast<double>(days) + 3600.0 * hour + 60.0 * minute + second;
}

std::string time_text(double seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(std::floor(seconds)))};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

void Results::begin_file(std::string path) {
  files.emplace_back();
  files.back().path = std::move(path);
  place_ = {};
}

void Results::add_damaged(std::uint64_t line, bool unfinished) {
  FileState& file = files.back();
  if (unfinished) {
    file.unfinished_line = true;
    return;
  }
  if (file.damaged_lines++ == 0) file.first_damaged = line;
}

void Results::add(const Record& r) {
  const std::string& type = r[Text::type];
  if (type == "star") return add_star(r);
  if (type == "frame") return add_frame(r);
  if (type == "match") return add_match(r);
  if (type != "run") return;
  FileState& file = files.back();
  file.has_run = true;
  file.complete = r.complete;
  file.reason = r[Text::reason];
  file.run_frames = or_else(r[Field::frames], -1);
}

void Results::add_frame(const Record& r) {
  end_frame();
  ++frames;
  ++files.back().frames;
  const auto outcome =
      static_cast<std::size_t>(std::ranges::find(kOutcomeNames, r[Text::outcome]) - std::begin(kOutcomeNames));
  FrameRow row;
  row.id = whole(r[Field::frame_id]);
  row.file = files.size() - 1;
  row.source = r[Text::source];
  row.outcome = outcome < kOutcomes ? outcome : static_cast<std::size_t>(Outcome::failed);
  ++outcomes[row.outcome];
  row.stars = r[Field::n_stars];
  row.left_out = 0;
  for (const auto& [reason, count] : r.rejected) {
    row.left_out += count;
    if (rejected.size() < kMostReasons || rejected.contains(reason)) rejected[reason] += count;
  }
  row.background = r[Field::background];
  row.noise = r[Field::noise];
  row.fwhm = r[Field::fwhm];
  row.time_s = seconds_of(r[Text::t_mid]);
  exposure_s += or_else(r[Field::exposure_s], 0);
  if (unit.empty()) unit = r[Text::unit];
  insert_bounded(versions, r[Text::version]);
  insert_bounded(hashes, r[Text::config_hash]);
  for (const NodeFailure& e : r.errors) {
    const std::pair<std::string, std::string> key{e.node, e.code};
    if (errors.size() >= kMostGroups && !errors.contains(key)) {
      ++errors_beyond;
      continue;
    }
    ErrorGroup& group = errors[key];
    if (group.count++ == 0) {
      group.text = e.text;
      group.source = row.source;
    }
    if (group.frames.size() < kFramesNamed) group.frames.push_back(row.id);
  }
  if (!r.errors.empty()) row.error = r.errors.front().code;

  const bool on_sensor = r[Text::coords] == "sensor";
  place_.id = r[Field::frame_id];
  place_.x0 = on_sensor ? or_else(r[Field::roi_x], 0) : 0;
  place_.y0 = on_sensor ? or_else(r[Field::roi_y], 0) : 0;
  place_.width = r[Field::width] * (on_sensor ? or_else(r[Field::binning_x], 1) : 1);
  place_.height = r[Field::height] * (on_sensor ? or_else(r[Field::binning_y], 1) : 1);
  if (std::isfinite(place_.width) && std::isfinite(place_.height)) field.set_frame(place_.width, place_.height);
  if (rows.size() < kMostRows) rows.push_back(std::move(row));
}

void Results::end_frame() {
  if (ellipticity_.count() > 0 && frames == rows.size() && !rows.empty())
    rows.back().ellipticity = ellipticity_.median();
  ellipticity_.clear();
}

void Results::end_file() { end_frame(); }

void Results::add_star(const Record& r) {
  ++stars;
  const Flags bits = flags_of(r);
  for (std::size_t bit = 0; bit < flags.size(); ++bit) flags[bit] += bits >> bit & 1U;
  clean_stars += (bits & ~kNoFault) == 0 ? 1 : 0;
  const double snr = r[Field::snr];
  if ((bits & ~kNoFault) == 0) {
    const double x_err = r[Field::x_err], y_err = r[Field::y_err];
    error_counts.add(snr, std::sqrt(0.5 * (x_err * x_err + y_err * y_err)));
  }
  if ((bits & kNoShape) != 0 || snr < kShapeSnr || r[Field::frame_id] != place_.id) return;
  if (std::isfinite(r[Field::ellipticity])) ellipticity_.add(r[Field::ellipticity]);
  const double u = (r[Field::x] + 0.5 - place_.x0) / place_.width, v = (r[Field::y] + 0.5 - place_.y0) / place_.height;
  field.add(u, v, r[Field::fwhm], r[Field::ellipticity], r[Field::theta]);
}

void Results::add_match(const Record& r) {
  const bool found = std::isfinite(r[Field::id]), flagged = (flags_of(r) & ~kNoFault) != 0;
  truth.add_star(r[Field::snr_true], found, flagged);
  if (!found || flagged) return;
  truth.add_error(r[Field::snr], r[Field::dx], r[Field::dy]);
  truth.add_pull(r[Field::dx] / r[Field::x_err]);
  truth.add_pull(r[Field::dy] / r[Field::y_err]);
}

Results read_results(const std::vector<std::string>& paths) {
  Results results;
  Record record;
  for (const std::string& path : paths) {
    RecordFile file(path);
    results.begin_file(path);
    bool any = false;
    for (std::string_view line; file.next(line);) {
      if (parse_record(line, record)) {
        any = true;
        results.add(record);
      } else if (!any) {
        throw InputError(fmt::format(
            "{}:{}: is no record; the report reads the JSON Lines of sink.jsonl and sink.score", path, file.number()));
      } else {
        results.add_damaged(file.number(), file.unfinished());
      }
    }
    results.end_file();
    if (!any) throw InputError(path + " is empty");
  }
  if (results.frames == 0) throw InputError("no record of a frame in " + fmt::format("{}", fmt::join(paths, ", ")));
  return results;
}

}  // namespace starflow::report
