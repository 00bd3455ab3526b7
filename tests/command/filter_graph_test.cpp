// SPDX-License-Identifier: MIT
/// \file
/// A filter in a graph: what it takes is counted in the frame's record and listed on request; what it can't be told is
/// refused at its place.

#include "night.hpp"

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

/// The stars of a frame of Night, by x: 9.3 + 11 i + shift, y 12.1 or 32.1 in turn, fluxes rising with i.
class FilterGraph : public Night {
 protected:
  void write_graph(const std::string& options) {
    dir_.write("g.json", R"({"format": "starflow.graph/1",
"parameters": {"input": {"type": ["string", "strings"], "default": "f*.fits"}},
"nodes": [
{"id": "src", "type": "source.files", "options": {"paths": "${input}"}},
{"id": "det", "type": "detect", "in": {"frame": "src"}},
{"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}, "options": {"fixed": {"shape": "faint"}}},
{"id": "good", "type": "filter", "in": {"stars": "stars"}, "options": )" +
                             options + R"(},
{"id": "out", "type": "sink.jsonl", "in": {"stars": "good"}}]})");
  }
  std::string run(const std::string& options, std::vector<std::string> more = {}) {
    write_graph(options);
    more.insert(more.begin(), {"run", "g.json"});
    const ProgramResult got = starflow(more);
    EXPECT_EQ(got.code, 0) << got.err;
    return got.out;
  }
};

TEST_F(FilterGraph, WithoutOptionsChangesNothing) {
  const std::string with = run("{}");
  EXPECT_EQ(of_type(records_of(with), "star").size(), 15U);
  const auto only_hash = std::regex("\"config_hash\":\"[0-9a-f]*\"");
  EXPECT_EQ(std::regex_replace(with, only_hash, ""), std::regex_replace(batch({"f*.fits"}).out, only_hash, ""));
}

// Two of the five stars of each frame lie right of x = 36 px; of the three others the two brightest stay.
TEST_F(FilterGraph, CountsWhatGoesByReasonAndListsItOnRequest) {
  const std::string options = R"({"region": {"box_px": [0, 0, 36, 47]}, "brightest": 2)";
  const std::string counted = run(options + "}");
  const std::string listed = run(options + R"(, "list_rejected": true})");
  EXPECT_EQ(of_type(records_of(counted), "star").size(), 6U);
  EXPECT_TRUE(of_type(records_of(counted), "rejected").empty());
  const auto records = records_of(listed);
  EXPECT_EQ(of_type(records, "star"), of_type(records_of(counted), "star"));
  for (const json& frame : of_type(records, "frame")) {
    EXPECT_EQ(frame.at("rejected"), (json{{"region", 2}, {"beyond_brightest", 1}}));
    EXPECT_EQ(frame.at("n_stars"), 2);
  }
  const auto rejected = of_type(records, "rejected");
  ASSERT_EQ(rejected.size(), 9U);
  for (const json& r : rejected) EXPECT_EQ(r.at("reason") == "region", r.at("x").get<double>() > 36) << r;
  EXPECT_EQ(records.back().at("stars"), 6);

  // Every star that is measured is there once, as it was measured.
  std::vector<std::string> measured, left;
  const auto plain = [](json record) {
    record["type"] = "star";
    record.erase("reason");
    return record.dump();
  };
  for (const json& r : of_type(records_of(batch({"f*.fits"}).out), "star")) measured.push_back(plain(r));
  for (const char* type : {"star", "rejected"}) {
    for (const json& r : of_type(records, type)) left.push_back(plain(r));
  }
  std::sort(measured.begin(), measured.end());
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, measured);
}

TEST_F(FilterGraph, GivesTheSameBytesForAnyThreads) {
  const std::string options =
      R"({"duplicate_radius": 0.5, "neighbour_radius": 3, "fwhm_outlier": {"sigma": 2}, "snr_min": 20, "brightest": 40,
          "list_rejected": true})";
  dir_.write("g1.fits", star_frame(1, 640, 48, 57));
  const std::string one = run(options, {"--input", "*.fits", "--threads", "1"});
  EXPECT_GT(of_type(records_of(one), "rejected").size(), 10U);
  for (const char* threads : {"2", "8"}) {
    EXPECT_TRUE(run(options, {"--input", "*.fits", "--threads", threads, "--set", "run.max_in_flight=16"}) == one);
  }
}

TEST_F(FilterGraph, RefusesWrongOptionsAtTheirPlace) {
  const auto expect = [&](const std::string& options, const std::string& path, const std::string& why) {
    write_graph(options);
    const ProgramResult got = starflow({"run", "g.json"});
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find("g.json:7:"), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("nodes[3].options." + path + ": "), std::string::npos) << got.err;
    EXPECT_NE(got.err.find(why), std::string::npos) << got.err;
    EXPECT_EQ(got.out, "");
  };
  expect(R"({"flags": ["hot_pixel", "satrated"]})", "flags[1]", "did you mean \"saturated\"?");
  expect(R"({"snr_min": 0})", "snr_min", "a number above 0");
  expect(R"({"duplicate_radius": 11})", "duplicate_radius", "up to 10 FWHM");
  expect(R"({"brightest": 2.5})", "brightest", "an integer");
  expect(R"({"region": {"box_px": [0, 0, 5]}})", "region.box_px", "wants 4 numbers");
  expect(R"({"region": {"keep": "outside"}})", "region.keep", "there is no region");
  expect(R"({"roundness": 1})", "roundness", "unknown option");
}

}  // namespace
}  // namespace starflow::test
