// SPDX-License-Identifier: MIT
/// \file
/// `starflow report`: from records to a page, and the pictures of sink.overlay on the way.

#include "night.hpp"

#include <cstddef>

namespace starflow::test {
namespace {

/// Frames into records and pictures.
constexpr const char* kGraph = R"({"format": "starflow.graph/1", "name": "look", "nodes": [
  {"id": "src", "type": "source.files", "options": {"paths": "f*.fits"}},
  {"id": "det", "type": "detect", "in": {"frame": "src"}},
  {"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
  {"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "stars.jsonl"}},
  {"id": "look", "type": "sink.overlay", "in": {"frame": "src", "stars": "stars"}}]})";

class Report : public Night {
 protected:
  void SetUp() override {
    Night::SetUp();
    dir_.write("f3.fits", star_frame(3).substr(0, 5000));
    dir_.write("look.json", kGraph);
    run_ = starflow({"run", "look.json"});
  }
  ProgramResult report(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"report", "stars.jsonl"});
    return starflow(std::move(more));
  }
  static std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  }

  ProgramResult run_;
};

TEST_F(Report, FollowsARunThatDrawsItsMeasuredFrames) {
  EXPECT_EQ(run_.code, 1) << run_.err;
  for (const char* name : {"f0", "f1", "f2"}) EXPECT_TRUE(exists("overlays/" + std::string(name) + ".png")) << name;
  EXPECT_FALSE(exists("overlays/f3.png"));
  EXPECT_NE(run_.err.find("pictures                 3"), std::string::npos) << run_.err;
}

TEST_F(Report, FollowsRunsInPartsThatDrawTheirFrames) {
  std::filesystem::remove_all(dir_ / "overlays");
  std::filesystem::remove(dir_ / "stars.jsonl");
  for (const char* shard : {"0", "1"}) {
    const ProgramResult got = starflow({"run", "look.json", "-q", "--resume", "--shard", std::string(shard) + "/2",
                                        "--set", "nodes.out.options.path=part" + std::string(shard) + ".jsonl"});
    EXPECT_LE(got.code, 1) << got.err;
  }
  for (const char* name : {"f0", "f1", "f2"}) EXPECT_TRUE(exists("overlays/" + std::string(name) + ".png")) << name;
  EXPECT_EQ(starflow({"merge", "part0.jsonl", "part1.jsonl", "-o", "stars.jsonl", "-q"}).err, "");
  EXPECT_EQ(report().err, "report.html: 4 frames, 15 stars\n");
}

TEST_F(Report, IsWrittenUnderItsNameAndSaysSo) {
  const ProgramResult got = report({"-o", "night.html", "--title", "a <night>"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(got.err, "night.html: 4 frames, 15 stars\n");
  const std::string page = file_text(dir_ / "night.html");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_NE(page.find("<h1>a &lt;night&gt;</h1>"), std::string::npos);
  EXPECT_NE(page.find("fits.truncated"), std::string::npos);
  EXPECT_FALSE(exists("night.html.part"));
}

TEST_F(Report, IsCalledReportHtmlUnlessSaid) {
  EXPECT_EQ(report({"-q"}).err, "");
  EXPECT_TRUE(exists("report.html"));
}

TEST_F(Report, GoesToStandardOutput) {
  const ProgramResult got = report({"-o", "-"});
  EXPECT_TRUE(got.out.ends_with("</html>\n"));
  EXPECT_EQ(got.err, "");
}

TEST_F(Report, KeepsAnExistingPageWithoutForce) {
  dir_.write("report.html", "mine");
  const ProgramResult got = report();
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("report.html exists; choose another name or allow it to be replaced (--force)"),
            std::string::npos)
      << got.err;
  EXPECT_EQ(file_text(dir_ / "report.html"), "mine");
  EXPECT_EQ(report({"--force"}).code, 0);
  EXPECT_NE(file_text(dir_ / "report.html"), "mine");
}

TEST_F(Report, NeverReplacesTheResultsItIsMadeOf) {
  const std::string before = file_text(dir_ / "stars.jsonl");
  const ProgramResult got = report({"-o", "./stars.jsonl", "--force"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("is one of the results"), std::string::npos) << got.err;
  EXPECT_EQ(file_text(dir_ / "stars.jsonl"), before);
}

TEST_F(Report, ShowsPicturesOfTheFramesFromTheirFolder) {
  const ProgramResult got = report({"--overlays", "overlays"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(count_of(file_text(dir_ / "report.html"), "<img src=\"data:image/jpeg;base64,"), 3U);
}

TEST_F(Report, ShowsPicturesByThePatternOfTheirSink) {
  EXPECT_EQ(report({"--overlays", "overlays/{stem}.png"}).code, 0);
  EXPECT_EQ(count_of(file_text(dir_ / "report.html"), "<img src=\"data:image/jpeg;base64,"), 3U);
  const ProgramResult got = report({"--overlays", "overlays/{star}.png", "--force"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("{star} stands for nothing"), std::string::npos) << got.err;
}

TEST_F(Report, LeavesADamagedPictureOut) {
  dir_.write("overlays/f1.png", file_text(dir_ / "overlays/f1.png").substr(0, 3000));
  const ProgramResult got = report({"--overlays", "overlays"});
  EXPECT_EQ(got.code, 0);
  EXPECT_NE(got.err.find("warning: a picture is left out: overlays/f1.png: "), std::string::npos) << got.err;
  EXPECT_EQ(count_of(file_text(dir_ / "report.html"), "<img src=\"data:image/jpeg;base64,"), 2U);
}

TEST_F(Report, SurvivesResultsThatAreCut) {
  const std::string whole = file_text(dir_ / "stars.jsonl");
  dir_.write("stars.jsonl", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(report().code, 0);
  EXPECT_NE(file_text(dir_ / "report.html").find("its last line is cut"), std::string::npos);
}

TEST_F(Report, RefusesWhatIsNoResultAndLeavesNothingBehind) {
  for (const char* name : {"f0.fits", "nothing.jsonl", "overlays", "overlays/f0.png", "look.json"}) {
    const ProgramResult got = starflow({"report", name});
    EXPECT_EQ(got.code, 2) << name;
    EXPECT_NE(got.err.find(name), std::string::npos) << got.err;
  }
  EXPECT_FALSE(exists("report.html"));
  EXPECT_FALSE(exists("report.html.part"));
}

TEST_F(Report, AddsSeveralFilesUp) {
  const ProgramResult got = report({"stars.jsonl"});
  EXPECT_EQ(got.err, "report.html: 8 frames, 30 stars\n");
}

}  // namespace
}  // namespace starflow::test
