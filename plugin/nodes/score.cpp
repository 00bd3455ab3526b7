// SPDX-License-Identifier: MIT
#include "score.hpp"

#include "json_text.hpp"
#include "point_grid.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>

namespace starflow {
namespace {

constexpr double kOutlier = 6;  // bounds; a Gaussian error is there once in 5e8

/// The true star and what was measured of it, as one bin of its own.
ScoreBin judge(const Truth& truth, std::size_t n, const StarTable& stars, std::size_t row) {
  ScoreBin one;
  one.n = 1;
  if (row == kNoMatch) return one;
  one.found = 1;
  if ((stars.flags[row] & ~flag::forced_position) != 0) {
    one.flagged = 1;
    return one;
  }
  const double dx = stars.x[row] - truth.x[n], dy = stars.y[row] - truth.y[n];
  const double cx = dx / truth.x_crlb[n], cy = dy / truth.y_crlb[n];
  one.clean = 1;
  one.outliers = std::max(std::abs(cx), std::abs(cy)) > kOutlier ? 1 : 0;
  one.dx2 = dx * dx;
  one.dy2 = dy * dy;
  one.crlb_x2 = cx * cx;
  one.crlb_y2 = cy * cy;
  const double px = dx / stars.x_err[row], py = dy / stars.y_err[row];
  if (std::isfinite(px) && std::isfinite(py)) {
    one.pulls = 1;
    one.pull_x2 = px * px;
    one.pull_y2 = py * py;
  }
  return one;
}

double root_mean(double sum, std::uint64_t n) {
  return n == 0 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(sum / static_cast<double>(n));
}

double fraction(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(part) / static_cast<double>(whole);
}

void append_bin(std::string& out, const ScoreBin& b) {
  using json::append_member;
  append_member(out, "n_isolated", b.n);
  append_member(out, "found", b.found);
  append_member(out, "completeness", fraction(b.found, b.n));
  append_member(out, "failures", b.n - b.found + b.flagged);
  append_member(out, "flagged_fraction", fraction(b.flagged, b.found));
  append_member(out, "outliers", b.outliers);
  append_member(out, "rms_x", root_mean(b.dx2, b.clean));
  append_member(out, "rms_y", root_mean(b.dy2, b.clean));
  append_member(out, "rms_over_crlb", root_mean(b.crlb_x2 + b.crlb_y2, 2 * b.clean));
  append_member(out, "rms_over_crlb_x", root_mean(b.crlb_x2, b.clean));
  append_member(out, "rms_over_crlb_y", root_mean(b.crlb_y2, b.clean));
  append_member(out, "pull_rms_x", root_mean(b.pull_x2, b.pulls));
  append_member(out, "pull_rms_y", root_mean(b.pull_y2, b.pulls));
}

}  // namespace

void ScoreBin::add(const ScoreBin& other) {
  n += other.n;
  found += other.found;
  flagged += other.flagged;
  outliers += other.outliers;
  clean += other.clean;
  dx2 += other.dx2;
  dy2 += other.dy2;
  crlb_x2 += other.crlb_x2;
  crlb_y2 += other.crlb_y2;
  pull_x2 += other.pull_x2;
  pull_y2 += other.pull_y2;
  pulls += other.pulls;
}

std::vector<std::size_t> match_stars(const Truth& truth, const StarTable& stars, double radius_px) {
  struct Pair {
    double distance2;
    std::size_t row, star;
  };
  const auto extent = [](const std::vector<double>& v) {
    return v.empty() ? 1 : static_cast<int>(std::clamp(*std::max_element(v.begin(), v.end()) + 1, 1.0, 1e5));
  };
  // Cells well above the radius: a small radius must not ask for a cell a pixel.
  PointGrid grid(extent(truth.x), extent(truth.y), std::max(radius_px, 16.0));
  for (std::size_t n = 0; n < truth.x.size(); ++n) grid.add(truth.x[n], truth.y[n]);
  std::vector<Pair> pairs;
  for (std::size_t row = 0; row < stars.size(); ++row) {
    if (!std::isfinite(stars.x[row]) || !std::isfinite(stars.y[row])) continue;
    grid.for_each_within(stars.x[row], stars.y[row], radius_px, [&](std::size_t n, double distance2) {
      pairs.push_back({distance2, row, n});
    });
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tie(a.distance2, a.row, a.star) < std::tie(b.distance2, b.row, b.star);
  });
  std::vector<std::size_t> match(truth.x.size(), kNoMatch);
  std::vector<bool> used(stars.size());
  for (const Pair& p : pairs) {
    if (match[p.star] != kNoMatch || used[p.row]) continue;
    match[p.star] = p.row;
    used[p.row] = true;
  }
  return match;
}

void Score::add(const Truth& truth, const StarTable& stars, double radius_px) {
  if (!stars.consistent()) throw std::invalid_argument("a star table came with columns of different lengths");
  ++frames_;
  truths_ += truth.x.size();
  measured_ += stars.size();
  const auto match = match_stars(truth, stars, radius_px);
  const auto unmatched = std::count(match.begin(), match.end(), kNoMatch);
  false_detections_ += stars.size() - (match.size() - static_cast<std::size_t>(unmatched));
  for (std::size_t n = 0; n < match.size(); ++n) {
    if (!truth.isolated[n] || !std::isfinite(truth.snr[n])) continue;
    const ScoreBin one = judge(truth, n, stars, match[n]);
    if (truth.snr[n] >= snr_min_) summary_.add(one);
    for (ScoreBin& bin : bins_) {
      if (truth.snr[n] >= bin.snr_min && truth.snr[n] < bin.snr_max) bin.add(one);
    }
  }
}

std::string Score::json() const {
  using json::append_member;
  std::string out = "{";
  append_member(out, "frames", frames_);
  append_member(out, "failed_frames", failed_frames_);
  append_member(out, "n_truth", truths_);
  append_member(out, "n_measured", measured_);
  append_member(out, "false_detections", false_detections_);
  append_member(out, "snr_min", snr_min_);
  append_bin(out, summary_);
  json::append_key(out, "by_snr");
  out += '[';
  for (const ScoreBin& bin : bins_) {
    if (out.back() != '[') out += ',';
    out += '{';
    append_member(out, "snr_min", bin.snr_min);
    append_member(out, "snr_max", bin.snr_max);
    append_bin(out, bin);
    out += '}';
  }
  out += "]}";
  return out;
}

}  // namespace starflow
