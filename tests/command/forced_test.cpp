// SPDX-License-Identifier: MIT
/// \file
/// Positions that are given: lists for all frames and for single ones, a run's own output, grids; and bad pixels.

#include "night.hpp"

#include <cmath>

namespace starflow::test {
namespace {

class Forced : public Night {
 protected:
  /// `starflow run forced.json` over \p inputs.
  ProgramResult forced(const std::vector<std::string>& inputs,
                       const std::string& positions,
                       const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"run", graph("forced"), "--output",
                                   "-",   "--set",         "parameters.positions=" + positions};
    for (const std::string& input : inputs) words.insert(words.end(), {"--input", input});
    for (const std::string& set : more) words.insert(words.end(), {"--set", set});
    return starflow(std::move(words));
  }
};

/// Star records of each file by id.
std::map<std::string, std::map<int, json>> stars_by_source(const std::string& text) {
  std::map<std::string, std::map<int, json>> out;
  std::string source;
  for (const json& record : records_of(text)) {
    if (record["type"] == "frame") source = record["source"];
    if (record["type"] == "star") out[source][record["id"]] = record;
  }
  return out;
}

TEST_F(Forced, ARunIsMeasuredAgainFromItsOwnRecords) {
  const ProgramResult first = batch({"f*.fits"});
  ASSERT_EQ(first.code, 0) << first.err;
  dir_.write("run.jsonl", first.out);
  // Other files, in other places: the name finds the stars.
  const ProgramResult again = forced({"f2.fits", "f0.fits"}, "run.jsonl", {"parameters.frames=by_source"});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto before = stars_by_source(first.out), after = stars_by_source(again.out);
  ASSERT_EQ(after.size(), 2U);
  for (const auto& [source, stars] : after) {
    ASSERT_EQ(stars.size(), before.at(source).size()) << source;
    ASSERT_GE(stars.size(), 4U) << source;
    for (const auto& [id, star] : stars) {
      const json& was = before.at(source).at(id);
      // The same pixels and the same fit from another start: what the end of the iterations leaves open.
      EXPECT_NEAR(star["x"].get<double>(), was["x"].get<double>(), 0.1 * was["x_err"].get<double>()) << source << id;
      EXPECT_NEAR(star["y"].get<double>(), was["y"].get<double>(), 0.1 * was["y_err"].get<double>()) << source << id;
      EXPECT_NE(star["flags"].get<unsigned>() & (1U << 24), 0U) << "forced_position";
    }
  }
}

TEST_F(Forced, ARunOfSeveralFramesIsRefusedWithoutAChoice) {
  dir_.write("run.jsonl", batch({"f*.fits"}).out);
  const ProgramResult got = forced({"f0.fits"}, "run.jsonl");
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("run.jsonl holds the stars of 3 frames; set option frames to by_id or by_source"),
            std::string::npos)
      << got.err;
}

TEST_F(Forced, EveryFileHasItsOwnListOrFailsWithTheReason) {
  dir_.write("f0.cat.fits", fits_primary() + fits_star_table({10.3F, 13.1F, 21.5F, 33.3F}));  // counts from 1
  dir_.write("f2.cat.fits", fits_primary() + fits_star_table({10.6F, 13.4F}));
  const ProgramResult got = forced({"f?.fits"}, "{stem}.cat.fits");
  EXPECT_EQ(got.code, 1);
  const auto frames = of_type(records_of(got.out), "frame");
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0]["n_stars"], 2);
  EXPECT_EQ(frames[1]["outcome"], "failed");
  EXPECT_EQ(frames[1]["errors"][0]["code"], "positions.missing");
  EXPECT_EQ(frames[1]["errors"][0]["text"], "has no list of positions: f1.cat.fits does not exist");
  EXPECT_EQ(frames[2]["n_stars"], 1);
  // The star of f0 was drawn at (9.3, 12.1); an origin that is wrong would be 1 px off in the start alone.
  const json star = stars_by_source(got.out).at("f0.fits").at(0);
  EXPECT_NEAR(star["x"].get<double>(), 9.3, 5 * star["x_err"].get<double>());
}

TEST_F(Forced, AListThatIsNoneIsRefusedWithItsLine) {
  dir_.write("list.jsonl", "{\"x\": 3, \"y\": 4}\n{\"x\": 3, \"y\": \"four\"}\n");
  const ProgramResult got = forced({"f0.fits"}, "list.jsonl");
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("list.jsonl:2: y is \"four\", not a number"), std::string::npos) << got.err;
}

TEST_F(Forced, AGridLeavesARowForEachOfItsPoints) {
  dir_.write("g.json", R"({"format": "starflow.graph/1", "nodes": [
    {"id": "src", "type": "source.files", "options": {"paths": "f0.fits"}},
    {"id": "det", "type": "detections.grid", "in": {"frame": "src"}, "options": {"columns": 4, "rows": 3, "fwhm": 3}},
    {"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
    {"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "-"}}]})");
  const ProgramResult got = starflow({"run", "g.json"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(stars_by_source(got.out).at("f0.fits").size(), 12U);
}

TEST_F(Forced, BadPixelsOfAListAreFlaggedWhoeverPutsThemOn) {
  dir_.write("bad.csv", "x,y\n10,12\n");
  const ProgramResult source = batch({"f0.fits"}, {"--set", "nodes.src.options.bad_pixels=bad.csv"});
  ASSERT_EQ(source.code, 0) << source.err;
  dir_.write("g.json", R"({"format": "starflow.graph/1", "nodes": [
    {"id": "src", "type": "source.files", "options": {"paths": "f0.fits"}},
    {"id": "good", "type": "mask", "in": {"frame": "src"}, "options": {"bad_pixels": "bad.csv"}},
    {"id": "det", "type": "detect", "in": {"frame": "good"}},
    {"id": "stars", "type": "centroid", "in": {"frame": "good", "detections": "det"}, "options": {"method": "gaussian"}},
    {"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "-"}}]})");
  const ProgramResult node = starflow({"run", "g.json"});
  ASSERT_EQ(node.code, 0) << node.err;
  EXPECT_EQ(of_type(records_of(source.out), "star").size(), of_type(records_of(node.out), "star").size());
  for (const ProgramResult* got : {&source, &node}) {
    int flagged = 0;
    for (const json& star : of_type(records_of(got->out), "star")) {
      const bool hit = std::hypot(star["x"].get<double>() - 9.3, star["y"].get<double>() - 12.1) < 1;
      const bool bad = (star["flags"].get<unsigned>() & (1U << 2)) != 0;  // bad_pixel
      EXPECT_EQ(hit, bad) << star;
      flagged += bad ? 1 : 0;
    }
    EXPECT_EQ(flagged, 1);
  }
}

}  // namespace
}  // namespace starflow::test
