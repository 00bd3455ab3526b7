// SPDX-License-Identifier: MIT
/// \file
/// The schema against an outside validator: it must accept and refuse the graphs that we accept and refuse.

#include <starflow/graph/schema.hpp>

#include "graphs/config_types.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdio>
#include <sstream>
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

TEST(Schema, AcceptsAndRefusesWhatTheReaderDoes) {
  const test::TempDir dir;
  const Registry registry = test::test_registry();
  std::string command =
      "python3 '" STARFLOW_TEST_SOURCES "/check_schema.py' '" + dir.write("schema.json", schema_json(registry)) + "'";
  for (std::size_t i = 0; i < kGraphs.size(); ++i) {
    command += " '" + dir.write(std::to_string(i) + ".json", kGraphs[i]) + "'";
  }
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  for (char block[256]; std::fgets(block, sizeof block, pipe) != nullptr;) output += block;
  const int status = pclose(pipe);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoValidator || WEXITSTATUS(status) == 127) GTEST_SKIP() << "needs python3-jsonschema";
  ASSERT_EQ(WEXITSTATUS(status), 0) << output;
  std::istringstream verdicts(output);
  std::size_t accepted = 0;
  for (const auto& text : kGraphs) {
    std::string verdict;
    ASSERT_TRUE(std::getline(verdicts, verdict));
    const std::string problems = test::problems_of(text);
    EXPECT_EQ(verdict, problems.empty() ? "accepted" : "refused") << text << "\n" << problems;
    if (problems.empty()) ++accepted;
  }
  EXPECT_EQ(accepted, 8U);
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
