// SPDX-License-Identifier: MIT
/// \file
/// The schema against an outside validator: it must accept and refuse the graphs that we accept and refuse.

#include <starflow/graph/schema.hpp>

#include "graphs/config_types.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow::graph {
namespace {

constexpr int kNoValidator = 77;  // of check_schema.py

/// The fit node holds every form of option; `det` has an input that may be written as a bare text.
std::string graph(const std::string& fit_options, const std::string& det = "", const std::string& top = "") {
  return R"({"format": "starflow.graph/1", "$schema": "x",)" + top +
         R"("parameters": {"r": {"type": ["integer", "number"], "default": 3}, "w": {"type": "string", "default": "given"}},
"nodes": [{"id": "src", "type": "source", "options": {"paths": "a"}},
{"id": "det", "type": "detect", "in": "src.frame")" +
         det + R"(}, {"id": "fit", "type": "fit", "in": {"frame": "src", "dots": "det"}, "options": )" + fit_options +
         "}]}";
}

const std::vector<std::string> kGraphs = {
    graph("{}"),
    graph(
        R"({"radius": 3, "keep": false, "method": "moffat", "window": {"from": "given", "sigma_px": 2.5}, "weights": [1, 2.5]})"),
    graph(R"({"radius": "${r}", "window": {"from": "${w}"}, "keep": null})"),
    graph(R"({"radius": 3.0})"),
    graph(R"({"radius": 3.9})"),
    graph(R"({"radius": 40})"),
    graph(R"({"radius": "3"})"),
    graph(R"({"radios": 3})"),
    graph(R"({"method": "moffatt"})"),
    graph(R"({"window": {"sigma": 2}})"),
    graph(R"({"window": 2})"),
    graph(R"({"window": {"sigma_px": 0.1}})"),
    graph(R"({"weights": [1, "x"]})"),
    graph(R"({"weights": 1})"),
    graph(R"({"keep": 1})"),
    graph("{}", R"(, "options": {"fwhm": "auto"})"),
    graph("{}", R"(, "options": {"fwhm": 3})"),
    graph("{}", R"(, "options": {"fwhm": "wide"})"),
    graph("{}", R"(, "inn": 3)"),
    graph("{}", R"(, "doc": 3)"),
    graph("{}",
          "",
          R"("run": {"threads": 0, "errors": {"max_failed_fraction": 0.5}, "admission": {"when_full": "block"}},)"),
    graph("{}", "", R"("run": {"threads": -1},)"),
    graph("{}", "", R"("run": {"errors": {"max_failed_fraction": 2}},)"),
    graph("{}", "", R"("run": {"admission": {"when_full": "drop"}},)"),
    graph("{}", "", R"("name": 3,)"),
    graph("{}", "", R"("nam": "x",)"),
    R"({"format": "starflow.graph/1", "nodes": []})",
    R"({"format": "starflow.graph/2", "nodes": [{"id": "src", "type": "source", "options": {"paths": ["a", "b"]}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"id": "src", "type": "source", "options": {"paths": ["a", "b"]}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"id": "src", "type": "source", "options": {"paths": ["a", 3]}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"id": "src", "type": "source", "options": {"paths": "a", "gain": 0}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"id": "a.b", "type": "source", "options": {"paths": "a"}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"id": "a", "type": "sorce", "options": {"paths": "a"}}]})",
    R"({"format": "starflow.graph/1", "nodes": [{"type": "source", "options": {"paths": "a"}}]})",
    R"({"nodes": [{"id": "src", "type": "source", "options": {"paths": "a"}}]})",
};

/// "accepted" or "refused" for each graph, by python3-jsonschema; nothing where that is not installed.
std::vector<std::string> outside_verdicts(const std::vector<std::string>& graphs) {
  const test::TempDir dir;
  const Registry registry = test::test_registry();
  std::string command =
      "python3 '" STARFLOW_TEST_SOURCES "/check_schema.py' '" + dir.write("schema.json", schema_json(registry)) + "'";
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    command += " '" + dir.write(std::to_string(i) + ".json", graphs[i]) + "'";
  }
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string output;
  for (char block[256]; std::fgets(block, sizeof block, pipe) != nullptr;) output += block;
  const int status = pclose(pipe);
  if (WIFEXITED(status) && (WEXITSTATUS(status) == kNoValidator || WEXITSTATUS(status) == 127)) return {};
  if (status != 0) throw std::runtime_error("check_schema.py failed: " + output);
  std::istringstream lines(output);
  std::vector<std::string> verdicts;
  for (std::string line; std::getline(lines, line);) verdicts.push_back(line);
  return verdicts;
}

/// Expects the verdicts of the reader. \return how many graphs both accept
std::size_t compare(const std::vector<std::string>& graphs, const std::vector<std::string>& verdicts) {
  std::size_t accepted = 0;
  EXPECT_EQ(verdicts.size(), graphs.size());
  for (std::size_t i = 0; i < std::min(graphs.size(), verdicts.size()); ++i) {
    const std::string problems = test::problems_of(graphs[i]);
    EXPECT_EQ(verdicts[i], problems.empty() ? "accepted" : "refused") << graphs[i] << "\n" << problems;
    if (problems.empty()) ++accepted;
  }
  return accepted;
}

TEST(Schema, AcceptsAndRefusesWhatTheReaderDoes) {
  const auto verdicts = outside_verdicts(kGraphs);
  if (verdicts.empty()) GTEST_SKIP() << "needs python3-jsonschema";
  EXPECT_EQ(compare(kGraphs, verdicts), 8U);
}

/// A graph with up to three members that are drawn, each from names and values that are right or nearly so.
class DrawnGraph {
 public:
  explicit DrawnGraph(std::uint64_t seed) : random_(seed) {}

  std::string text() {
    std::string det, fit, top;
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      switch (below(6)) {
        case 0: det = R"(, "options": {)" + member(kDetect) + "}"; break;
        case 1: det = R"(, "on_error": )" + of(kWords); break;
        case 2: top = R"("run": {)" + member(kRun) + "},"; break;
        case 3: fit = R"("window": {)" + member(kWindow) + "}"; break;
        default: fit = member(kFit);
      }
    }
    return graph("{" + fit + "}", det, top);
  }

 private:
  using Words = std::vector<std::string>;
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  const std::string& of(const Words& words) { return words[below(words.size())]; }
  /// Half of the members whose name is right have a value that is.
  std::string member(const Words& names) {
    const std::string& name = of(names);
    const auto good = kGood.find(name);
    return '"' + name + "\": " + (good != kGood.end() && below(2) == 0 ? good->second : of(kValues));
  }

  const std::map<std::string, std::string> kGood = {{"threshold_sigma", "4.5"},
                                                    {"min_pixels", "3"},
                                                    {"fwhm", R"("auto")"},
                                                    {"method", R"("moffat")"},
                                                    {"radius", "15"},
                                                    {"weights", "[1, 2.5]"},
                                                    {"keep", "false"},
                                                    {"window", R"({"from": "given"})"},
                                                    {"from", R"("fwhm")"},
                                                    {"sigma_px", "0.2"},
                                                    {"threads", "2"},
                                                    {"max_in_flight", "1"},
                                                    {"errors", "{}"},
                                                    {"watchdog", R"({"stall_ms": 5})"},
                                                    {"admission", R"({"queue": 0})"}};
  const Words kDetect = {"threshold_sigma", "min_pixels", "fwhm", "fwmh"};
  const Words kFit = {"method", "radius", "weights", "keep", "window", "raduis"};
  const Words kWindow = {"from", "sigma_px", "sigma"};
  const Words kRun = {"threads", "max_in_flight", "max_bytes_in_flight", "admission", "errors", "watchdog", "thread"};
  const Words kWords = {R"("abort")", R"("skip_output")", R"("fail_frame")", R"("fail")", "3", "null"};
  const Words kValues = {"3",
                         "3.0",
                         "3.9",
                         "-1",
                         "0",
                         "1",
                         "0.2",
                         "15",
                         "15.5",
                         "1e3",
                         "1000000",
                         "-0.0",
                         "true",
                         "false",
                         "null",
                         R"("auto")",
                         R"("moffat")",
                         R"("given")",
                         R"("")",
                         "[1, 2.5]",
                         R"(["a"])",
                         R"([1, "x"])",
                         "{}",
                         R"({"stall_ms": 20})",
                         R"({"stall_ms": -1})",
                         R"({"max_failed_fraction": 0.5})",
                         R"({"when_full": "block", "queue": 2})",
                         R"({"queue": 2.5})"};
  std::mt19937_64 random_;
};

TEST(Schema, AgreesWithTheReaderOnTwoHundredDrawnGraphs) {
  std::vector<std::string> graphs;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) graphs.push_back(DrawnGraph(seed).text());
  const auto verdicts = outside_verdicts(graphs);
  if (verdicts.empty()) GTEST_SKIP() << "needs python3-jsonschema";
  const std::size_t accepted = compare(graphs, verdicts);
  EXPECT_GT(accepted, 30U) << "else the draw is too bad to show anything";
  EXPECT_LT(accepted, 170U) << "else too good";
}

TEST(Schema, DescribesAnOptionWithUnitDefaultAndRange) {
  const Registry registry = test::test_registry();
  const std::string text = schema_json(registry);
  const auto at = text.find("\"radius\": {");
  ASSERT_NE(at, std::string::npos);
  const std::string part = text.substr(at, 400);
  EXPECT_NE(part.find("[px]"), std::string::npos) << part;
  EXPECT_NE(part.find("\"default\": 7"), std::string::npos) << part;
  EXPECT_NE(part.find("\"maximum\": 15"), std::string::npos) << part;
}

}  // namespace
}  // namespace starflow::graph
