// SPDX-License-Identifier: MIT
#include "summary.hpp"

#include "console.hpp"

#include <starflow/sdk/messages.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

namespace starflow::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kFailuresShown = 10;

std::string short_text(const Json& v) {
  if (v.is_null()) return "-";
  if (v.is_number_float()) return fmt::format("{:.4g}", v.get<double>());
  return v.is_string() ? v.get<std::string>() : v.dump();
}

/// A line for each key of the first object, a column for each object.
void print_table(const Json& rows) {
  for (const auto& [key, first] : rows.front().items()) {
    std::string line = fmt::format("    {:<22}", key);
    for (const auto& row : rows) line += fmt::format(" {:>9}", row.contains(key) ? short_text(row[key]) : "");
    print_error("{}\n", printable(line));
  }
}

bool has(const std::vector<PortSpec>& ports, std::string_view type) {
  return std::any_of(ports.begin(), ports.end(), [&](const PortSpec& p) { return p.type == type; });
}

}  // namespace

void FailureLines::add(const graph::FrameResult& r) {
  if (r.errors.empty() || ++count_ > kFailuresShown) return;
  for (const NodeError& e : r.errors) {
    const bool named = e.text.find(r.info.source) != std::string::npos;
    progress_.say(fmt::format("failed: {}{} ({}: {})", named ? "" : r.info.source + ": ", e.text, e.node, e.code));
  }
}

void FailureLines::finish() const {
  if (count_ > kFailuresShown) print_error("... and {} more failed, in the frame records\n", count_ - kFailuresShown);
}

void print_report(const std::string& node, const std::string& text, bool kept) {
  Json report = Json::parse(text, nullptr, false);
  if (!report.is_object()) return print_error("{}: {}\n", node, printable(text));
  if (const auto part = report.find("incomplete_output"); part != report.end()) {
    print_error("warning: {}: the output is not complete. What was measured stands in {}; the same command {}\n", node,
                printable(short_text(*part)),
                kept ? "with --resume (and without --force) goes on from there" : "starts over and replaces that file");
    report.erase(part);
  }
  if (report.empty()) return;
  print_error("{}:\n", node);
  for (const auto& [name, value] : report.items()) {
    if (value.is_array() && !value.empty() && value.front().is_object()) {
      print_error("  {}\n", printable(name));
      print_table(value);
    } else {
      print_error("  {}\n", printable(fmt::format("{:<24} {}", name, short_text(value))));
    }
  }
}

void print_counts(const RunSummary& s, std::uint64_t continued, double seconds) {
  std::string outcomes;
  for (std::size_t i = 0; i < std::size(s.outcomes); ++i) {
    if (s.outcomes[i] > 0)
      outcomes += fmt::format("{}{} {}", outcomes.empty() ? "" : ", ", s.outcomes[i], kOutcomeNames[i]);
  }
  const std::string before = continued > 0 ? fmt::format(" ({} by an earlier run)", continued) : "";
  print_error("{}{}: {}; {}; {:.2f} s, {:.1f} frames/s\n", counted(s.frames, "frame"), before,
              outcomes.empty() ? "none" : outcomes, counted(s.stars, "star"), seconds,
              static_cast<double>(s.frames - continued) / std::max(seconds, 1e-9));
}

void print_node_times(const graph::RunReport& report) {
  print_error("{:<14} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "node, ms", "calls", "errors", "p50", "p95",
              "p99", "max", "wait p50", "wait p99");
  for (const graph::NodeTime& t : report.times) {
    print_error("{:<14} {:>8} {:>7} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}\n", t.id, t.calls, t.errors,
                1e3 * t.body.p50, 1e3 * t.body.p95, 1e3 * t.body.p99, 1e3 * t.body.max, 1e3 * t.wait.p50,
                1e3 * t.wait.p99);
  }
  print_error("at most {} and {:.1f} MiB inside\n", counted(report.peak_in_flight, "frame"),
              static_cast<double>(report.peak_bytes) / (1 << 20));
}

StageTimes::StageTimes(const graph::GraphSpec& spec) {
  for (const graph::NodeSpec& node : spec.nodes) {
    const NodeType& type = *node.type;
    Stage stage = Stage::other;
    if (type.make.index() == 0) {
      stage = Stage::read;
    } else if (type.make.index() == 2) {
      stage = Stage::write;
    } else if (has(type.outputs, message_type<DetectionList>)) {
      stage = Stage::detect;
    } else if (has(type.outputs, message_type<StarList>) && !has(type.inputs, message_type<StarList>)) {
      stage = Stage::centroid;
    }
    stages_.push_back(stage);
  }
}

std::string StageTimes::json(const graph::RunReport& report, double total_seconds) const {
  double seconds[static_cast<std::size_t>(Stage::other) + 1] = {};
  for (std::size_t i = 0; i < report.times.size(); ++i) {
    seconds[static_cast<std::size_t>(stages_[i])] += report.times[i].seconds;
  }
  const auto of = [&](Stage stage) { return seconds[static_cast<std::size_t>(stage)]; };
  return fmt::format(
      R"({{"total_s":{:.6f},"read_s":{:.6f},"background_s":null,"detect_s":{:.6f},"centroid_s":{:.6f},"write_s":{:.6f},"n":{}}})",
      total_seconds, of(Stage::read), of(Stage::detect), of(Stage::centroid), of(Stage::write), report.summary.stars);
}

}  // namespace starflow::tool
