// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "frames.hpp"

namespace starflow::bench {
namespace {

struct Comparison {
  const char* ours;
  const char* peer;
  double goal = 0;  ///< set for stamps of 15x15 px, f32
};

constexpr int kGoalStamp = 15;

constexpr Comparison kComparisons[] = {
    {"windowed", "sep_winpos", 15},
    {"adaptive", "sep_winpos", 15},
    {"moments", "sep_winpos"},
    {"quadratic", "sep_winpos"},
    {"gaussian_ls", "tinysolver_gaussian", 12},
    {"gaussian_ls", "gsl_gaussian"},
    {"gaussian", "tinysolver_gaussian", 10},
    {"gaussian", "gsl_gaussian"},
    {"gaussian_circular", "tinysolver_gaussian"},
    {"gaussian_rotated", "tinysolver_gaussian_rotated", 3},
    {"moffat", "tinysolver_moffat_rotated"},
    {"moffat_rotated", "tinysolver_moffat_rotated", 3},
    {"moffat_free", "tinysolver_moffat_rotated"},
    {"compute_centroid_single", "sep_winpos"},
    {"compute_centroid_batch_100", "sep_winpos"},
    {"gaussian_fit_single", "tinysolver_gaussian"},
    {"detection", "sep_detection"},
    {"background", "sep_background"},
    {"background_rows", "sep_background_rows"},
    {"frame_windowed", "sep_frame"},
    {"frame_gaussian", "sep_frame"},
    {"frame_moffat", "sep_frame"},
};

const Case* find(const std::vector<Case>& cases, const std::string& name, int stamp, const std::string& type) {
  for (const Case& c : cases) {
    if (c.name == name && c.stamp == stamp && (type.empty() || c.type == type) && !c.us.empty()) return &c;
  }
  return nullptr;
}

std::string number(double v) {
  if (!std::isfinite(v)) return "null";
  std::ostringstream text;
  text.precision(6);
  text << v;
  return text.str();
}

std::string quoted(const std::string& s) { return s.empty() ? "null" : '"' + s + '"'; }

std::string json_of(const Row& r) {
  const Case& c = *r.ours;
  std::ostringstream out;
  out << "{\"name\": " << quoted(c.name);
  if (c.stamp == 0) {
    out << ", \"size\": " << kFrameSide << ", \"type\": " << quoted(c.type) << ", \"stars\": " << c.stars
        << ", \"ns_per_px\": " << number(ns_per_px(r.time.median)) << ", \"cpu_s\": " << number(r.time.median / 1e6)
        << ", \"peer\": " << quoted(r.peer) << ", \"peer_cpu_s\": " << number(r.peer_us / 1e6)
        << ", \"ratio\": " << number(r.ratio) << ", \"memcpy_ratio\": " << number(r.memcpy_ratio)
        << ", \"peak_mib\": " << number(r.peak_mib);
  } else {
    out << ", \"stamp\": " << c.stamp << ", \"type\": " << quoted(c.type)
        << ", \"us_per_star\": " << number(r.time.median) << ", \"peer\": " << quoted(r.peer)
        << ", \"peer_us\": " << number(r.peer_us) << ", \"ratio\": " << number(r.ratio)
        << ", \"rms_over_crlb\": " << number(c.quality.rms_over_crlb)
        << ", \"allocs_per_star\": " << number(c.quality.allocs_per_star)
        << ", \"iterations\": " << number(c.quality.iterations) << ", \"failed\": " << number(c.quality.failed);
  }
  out << ", \"spread\": " << number(r.time.spread);
  if (r.goal > 0) out << ", \"goal\": " << number(r.goal);
  out << '}';
  return out.str();
}

}  // namespace

Timing timing_of(const Case& c) {
  if (c.us.empty()) return {};
  std::vector<double> us = c.us;
  std::ranges::sort(us);
  const auto at = [&us](double part) {
    const double place = part * static_cast<double>(us.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, us.size() - 1);
    return us[below] + (place - static_cast<double>(below)) * (us[above] - us[below]);
  };
  return {at(0.5), (at(0.75) - at(0.25)) / at(0.5)};
}

double ns_per_px(double frame_us) { return 1e3 * frame_us / (static_cast<double>(kFrameSide) * kFrameSide); }

std::vector<Row> make_rows(const std::vector<Case>& cases) {
  std::vector<Row> rows;
  for (const Case& c : cases) {
    if (c.us.empty()) continue;
    Row row;
    row.ours = &c;
    row.time = timing_of(c);
    if (c.stamp == 0) {
      row.peak_mib = c.peak_mib;
      if (const Case* copy = find(cases, "memcpy", 0, c.type))
        row.memcpy_ratio = row.time.median / timing_of(*copy).median;
    }
    const std::size_t before = rows.size();
    for (const Comparison& with : kComparisons) {
      if (c.name != with.ours) continue;
      const Case* peer = find(cases, with.peer, c.stamp, "");
      if (peer == nullptr) continue;
      Row compared = row;
      compared.peer = peer->name;
      compared.peer_us = timing_of(*peer).median;
      compared.ratio = compared.peer_us / row.time.median;
      compared.goal = c.stamp == kGoalStamp && c.type == "f32" ? with.goal : 0;
      rows.push_back(compared);
    }
    if (rows.size() == before) rows.push_back(row);
  }
  return rows;
}

bool write_json(const std::vector<Row>& rows, const std::string& path) {
  std::ofstream out(path);
  out << "[\n";
  for (std::size_t k = 0; k < rows.size(); ++k) out << json_of(rows[k]) << (k + 1 < rows.size() ? ",\n" : "\n");
  out << "]\n";
  out.close();
  return !out.fail();
}

}  // namespace starflow::bench
