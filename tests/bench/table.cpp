// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdio>

#include "frames.hpp"
#include "rows.hpp"

namespace starflow::bench {
namespace {

std::string text(const char* form, double v) {
  if (!std::isfinite(v)) return "-";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, form, v);
  return buffer;
}

std::string verdict(const Row& r) {
  if (!r.judged()) return "";
  return (r.ratio >= r.goal ? "reaches " : "MISSES ") + text("%.0fx", r.goal);
}

void print_stars(const std::vector<Row>& rows) {
  std::printf("%-28s %5s %4s %9s %5s %5s %9s %7s %6s  %-28s %9s %7s  %s\n", "name", "stamp", "type", "us/star", "+-%",
              "iter", "RMS/CRLB", "allocs", "failed", "peer", "peer us", "ratio", "goal");
  for (const Row& r : rows) {
    const Case& c = *r.ours;
    if (c.stamp == 0) continue;
    std::printf("%-28s %5d %4s %9s %5s %5s %9s %7s %6s  %-28s %9s %7s  %s\n", c.name.c_str(), c.stamp, c.type.c_str(),
                text("%.3f", r.time.median).c_str(), text("%.0f", 100 * r.time.spread).c_str(),
                text("%.1f", c.quality.iterations).c_str(), text("%.3f", c.quality.rms_over_crlb).c_str(),
                text("%.4g", c.quality.allocs_per_star).c_str(), text("%.0f", c.quality.failed).c_str(),
                r.peer.empty() ? "-" : r.peer.c_str(), text("%.2f", r.peer_us).c_str(), text("%.1f", r.ratio).c_str(),
                verdict(r).c_str());
  }
}

void print_frames(const std::vector<Row>& rows) {
  bool first = true;
  for (const Row& r : rows) {
    const Case& c = *r.ours;
    if (c.stamp != 0) continue;
    if (first) {
      std::printf("\n%-28s %9s %4s %6s %9s %7s %5s  %-28s %9s %7s %9s %9s\n", "whole frame", "size", "type", "stars",
                  "cpu ms", "ns/px", "+-%", "peer", "peer ms", "ratio", "x memcpy", "peak MiB");
      first = false;
    }
    const std::string size = std::to_string(kFrameSide) + "^2";
    std::printf("%-28s %9s %4s %6zu %9s %7s %5s  %-28s %9s %7s %9s %9s\n", c.name.c_str(), size.c_str(), c.type.c_str(),
                c.stars, text("%.2f", r.time.median / 1e3).c_str(), text("%.2f", ns_per_px(r.time.median)).c_str(),
                text("%.0f", 100 * r.time.spread).c_str(), r.peer.empty() ? "-" : r.peer.c_str(),
                text("%.2f", r.peer_us / 1e3).c_str(), text("%.2f", r.ratio).c_str(),
                text("%.1f", r.memcpy_ratio).c_str(), text("%.0f", r.peak_mib).c_str());
  }
}

}  // namespace

void print_table(const std::vector<Row>& rows) {
  print_stars(rows);
  print_frames(rows);
  for (const Row& r : rows) {
    if (r.ours->name != "tinysolver_gaussian" || r.ours->stamp != 15) continue;
    const bool like = r.time.median >= 15 && r.time.median <= 20;
    std::printf("\ntinysolver_gaussian at 15x15: %.1f us, %s 15-20 us, what it takes on an EPYC-class core\n",
                r.time.median, like ? "within" : "OUTSIDE");
  }
}

void print_seed_allocations(const SeedAllocations& ours) {
  constexpr const char* kForm = "%-42s %10s %10s %10s\n";
  std::printf("\nheap allocations, beside those of the optimization plan that named these benchmarks:\n");
  std::printf(kForm, "", "before it", "after it", "here");
  std::printf(kForm, "single star, weighted moments", "~0", "~0", text("%.0f", ours.single_moments).c_str());
  std::printf(kForm, "single star, Gaussian fit", "~25", "~2", text("%.0f", ours.single_fit).c_str());
  std::printf(kForm, "1,000 stars, Gaussian fit", "~25,000", "~2,000", text("%.0f", ours.thousand_fits).c_str());
}

}  // namespace starflow::bench
