// SPDX-License-Identifier: MIT
/// \file
/// The page of the report: one file that holds all it needs, and nothing that a record could smuggle in.

#include "support/temp_dir.hpp"

#include "html.hpp"
#include "page.hpp"
#include "svg.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::report {
namespace {

using nlohmann::json;

/// Two frames, one of them failed, whose names and texts are markup.
Results hostile_results() {
  const test::TempDir dir;
  std::string text =
      R"({"type":"frame","frame_id":0,"source":"</script><img src=x onerror=alert(1)>.fits","outcome":"ok","n_stars":40,)"
      R"("fwhm":3.1,"background":200,"noise":10,"width":900,"height":600,"unit":"<u>","t_mid":"2026-01-01T00:00:00"})"
      "\n";
  for (int i = 0; i < 40; ++i) {
    text += R"({"type":"star","frame_id":0,"x":)" + std::to_string(20 * i) + R"(,"y":300,"x_err":0.01,"y_err":0.02,)" +
            R"("snr":90,"fwhm":3,"ellipticity":0.1,"theta":10,"flags":0})"
            "\n";
  }
  text += R"({"type":"frame","frame_id":1,"source":"b.fits","outcome":"failed","n_stars":null,)"
          R"("errors":[{"node":"<i>","code":"\"><script>","text":"<!-- & 'x'"}],"rejected":{"<b>":2}})"
          "\n";
  return read_results({dir.write("r.jsonl", text)});
}

json data_of(const std::string& page) {
  const std::string_view begin = R"(<script type="application/json" id="data">)";
  const std::size_t from = page.find(begin) + begin.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(ReportPage, HoldsTheFramesAsColumns) {
  const json data = data_of(page(hostile_results(), {}, "t"));
  EXPECT_EQ(data.at("id"), json({0, 1}));
  EXPECT_EQ(data.at("source").at(0), "</script><img src=x onerror=alert(1)>.fits");
  EXPECT_EQ(data.at("outcome"), json({"ok", "failed"}));
  EXPECT_EQ(data.at("fwhm"), json({3.1, nullptr}));
  EXPECT_EQ(data.at("time").at(0), 1767225600.0);
  for (const auto& [name, column] : data.items()) {
    if (name == "unit") continue;
    EXPECT_EQ(column.size(), 2U) << name;
  }
}

TEST(ReportPage, EscapesWhatRecordsSay) {
  const std::string text = page(hostile_results(), {}, "<title>");
  EXPECT_EQ(text.find("<img"), std::string::npos);
  EXPECT_EQ(text.find("<!-- &"), std::string::npos);
  EXPECT_EQ(text.find("<u>"), std::string::npos);
  EXPECT_EQ(count_of(text, "</script>"), 3U) << "the data, uPlot, ours";
  EXPECT_NE(text.find("&lt;!-- &amp; &#39;x&#39;"), std::string::npos);
  EXPECT_NE(text.find("<title>&lt;title&gt;</title>"), std::string::npos);
}

TEST(ReportPage, LoadsNothing) {
  const std::string text = page(hostile_results(), {}, "t");
  for (const char* loader : {"<link", "@import", "url(", "src=\"http", "fetch(", "XMLHttpRequest", "WebSocket"})
    EXPECT_EQ(text.find(loader), std::string::npos) << loader;
  EXPECT_NE(text.find("default-src 'none'"), std::string::npos);
}

TEST(ReportPage, CarriesTheLicenceOfTheLibraryInIt) {
  const std::string text = page(hostile_results(), {}, "t");
  EXPECT_NE(text.find("The MIT License (MIT)"), std::string::npos);
  EXPECT_NE(text.find("Leon Sorokin"), std::string::npos);
}

TEST(ReportPage, IsTheSameForTheSameResults) {
  const Results results = hostile_results();
  EXPECT_TRUE(page(results, {}, "t") == page(results, {}, "t"));
}

TEST(ReportPage, SaysWhatIsMissing) {
  const std::string text = page(hostile_results(), {}, "t");
  EXPECT_NE(text.find("has no run record at its end"), std::string::npos);
}

TEST(ReportPage, ShowsPicturesOfFramesToLookAt) {
  Card card;
  card.frame.sigma = 5.5;
  card.frame.why = "FWHM 9";
  card.picture = "data:image/jpeg;base64,AAAA";
  const std::string text = page(hostile_results(), {card}, "t");
  EXPECT_NE(text.find(R"(<img src="data:image/jpeg;base64,AAAA")"), std::string::npos);
  EXPECT_NE(text.find("FWHM 9 (5.5 sigma)"), std::string::npos);
}

TEST(ReportPage, LeavesOutPartsWithoutData) {
  const test::TempDir dir;
  const Results bare = read_results({dir.write("r.jsonl", R"({"type":"frame","frame_id":0,"outcome":"ok"})")});
  const std::string text = page(bare, {}, "t");
  for (const char* id : {"field", "stars", "truth", "worst", "failures"})
    EXPECT_EQ(text.find("<section id=\"" + std::string(id) + '"'), std::string::npos) << id;
}

TEST(ReportHtml, EscapesMarkupControlsAndBytesThatAreNoText) {
  EXPECT_EQ(escaped("<a href='x' b=\"&\">"), "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;");
  EXPECT_EQ(escaped("a\x01"
                    "b\xFF"
                    "c\n"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c\n");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(123), "123");
}

TEST(ReportSvg, ChoosesRoundTicks) {
  EXPECT_EQ(ticks({0, 100, false, ""}, 5), (std::vector<double>{0, 20, 40, 60, 80, 100}));
  EXPECT_EQ(ticks({100, 0, false, ""}, 5), (std::vector<double>{0, 20, 40, 60, 80, 100})) << "an axis that points down";
  EXPECT_EQ(ticks({-1.5, 2.2, true, ""}, 5), (std::vector<double>{-1, 0, 1, 2}));
}

TEST(ReportSvg, PlacesValues) {
  const Chart chart(200, 100, {10, 20, false, ""}, {0, 4, false, ""});
  EXPECT_EQ(chart.x(15), 100);
  EXPECT_EQ(chart.y(0), 100);
  EXPECT_EQ(chart.y(3), 25);
}

TEST(ReportSvg, GivesColoursOfOneOrder) {
  EXPECT_EQ(colour_of(0), "#440154");
  EXPECT_EQ(colour_of(1), "#fde725");
  EXPECT_EQ(colour_of(-3), colour_of(0));
}

}  // namespace
}  // namespace starflow::report
