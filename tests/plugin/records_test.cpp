// SPDX-License-Identifier: MIT
#include "plugin/star_list_fixture.hpp"
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "record_writer.hpp"
#include "register.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <sstream>
#include <string>
#include <vector>

namespace {
std::atomic<std::size_t> allocations{0};
}
// noinline: g++ 12 else sees malloc on one side and free on the other (-Wmismatched-new-delete).
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace starflow {
namespace {

using nlohmann::json;

const RunIdentity kRun{"0123456789abcdef", "1.2.3"};

FrameInfo example_info() {
  FrameInfo info;
  info.frame_id = 41;
  info.source = "a/b.fits";
  info.width = 640;
  info.height = 480;
  info.gain = {1.5, Origin::metadata};
  return info;
}

std::vector<json> parse_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

json frame_record(const FrameInfo& info,
                  const StarList* stars,
                  Outcome outcome = Outcome::ok,
                  std::vector<NodeError> errors = {}) {
  std::string text;
  append_frame_record(text, info, stars, outcome, errors, {}, kRun);
  EXPECT_EQ(text.back(), '\n');
  return json::parse(text);
}

std::vector<json> star_records(const StarTable& stars,
                               const FrameInfo& info = example_info(),
                               const RecordStyle& style = {}) {
  std::string text;
  append_star_records(text, info, stars, style);
  return parse_lines(text);
}

TEST(StarRecords, HoldEveryColumnBitForBit) {
  const StarTable stars = test::distinct_stars(20);
  const auto records = star_records(stars);
  ASSERT_EQ(records.size(), 20U);
  for (std::size_t row = 0; row < 20; ++row) {
    const json& r = records[row];
    EXPECT_EQ(r.at("type"), "star");
    EXPECT_EQ(r.at("frame_id"), 41);
    for_each_column(stars, [&](auto name, auto, auto, const auto& column) {
      using Cell = typename std::remove_cvref_t<decltype(column)>::value_type;
      if constexpr (std::is_same_v<Cell, double>) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(r.at(name).template get<double>()),
                  std::bit_cast<std::uint64_t>(column[row]))
            << name;
      } else if constexpr (std::is_integral_v<Cell>) {
        EXPECT_EQ(r.at(name).template get<Cell>(), column[row]) << name;
      }
    });
  }
}

TEST(StarRecords, KeepTheOrderOfTheColumns) {
  std::string text;
  append_star_records(text, example_info(), test::distinct_stars(1), {});
  EXPECT_EQ(text.rfind(R"({"type":"star","frame_id":41,"id":2,"x":)", 0), 0U) << text;
  EXPECT_NE(text.find(R"("flags":0,"flag_names":[]})"), std::string::npos) << text;
}

TEST(StarRecords, ReadBackExtremeNumbers) {
  StarTable stars = test::distinct_stars(5);
  stars.flux = {0.0, -0.0, std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max(), 1.0 / 3};
  const auto records = star_records(stars);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(records[i].at("flux").get<double>()),
              std::bit_cast<std::uint64_t>(stars.flux[i]));
  }
}

TEST(StarRecords, WriteNullForWhatIsNotDefined) {
  StarTable stars = test::distinct_stars(1);
  stars.x_err[0] = std::numeric_limits<double>::quiet_NaN();
  stars.chi2[0] = std::numeric_limits<double>::infinity();
  const auto records = star_records(stars);
  EXPECT_TRUE(records[0].at("x_err").is_null());
  EXPECT_TRUE(records[0].at("chi2").is_null());
}

TEST(StarRecords, NameFlagsMethodsAndTerminations) {
  StarTable stars = test::distinct_stars(1);
  stars.flags[0] = flag::saturated | flag::edge | flag::nonlinear_range;
  stars.method[0] = Method::gaussian;
  stars.method_used[0] = Method::windowed;
  stars.termination[0] = Termination::too_few_pixels;
  const json r = star_records(stars)[0];
  EXPECT_EQ(r.at("flags"), (1U << 0) + (1U << 4) + (1U << 29));
  EXPECT_EQ(r.at("flag_names"), (json{"saturated", "edge", "nonlinear_range"}));
  EXPECT_EQ(r.at("method"), "gaussian");
  EXPECT_EQ(r.at("method_used"), "windowed");
  EXPECT_EQ(r.at("termination"), "too_few_pixels");
}

TEST(StarRecords, CountPixelsAsAsked) {
  StarTable stars = test::distinct_stars(1);
  stars.x[0] = 10.25;
  stars.y[0] = 20.5;
  EXPECT_EQ(star_records(stars, example_info(), {Coords::frame, PixelOrigin::fits1})[0].at("x"), 11.25);
  EXPECT_EQ(star_records(stars, example_info(), {Coords::frame, PixelOrigin::corner05})[0].at("y"), 21.0);
}

// A 2x3-binned frame from sensor pixel (100, 200): its first pixel is centred at sensor (100.5, 201).
TEST(StarRecords, ApplyRegionAndBinningForSensorPixels) {
  FrameInfo info = example_info();
  info.roi_x = 100;
  info.roi_y = 200;
  info.binning_x = 2;
  info.binning_y = 3;
  StarTable stars = test::distinct_stars(2);
  stars.x = {0, 1};
  stars.y = {0, 1};
  stars.x_err = {0.5, 0.5};
  stars.xy_cov = {0.25, 0.25};
  const auto records = star_records(stars, info, {Coords::sensor, PixelOrigin::center0});
  EXPECT_EQ(records[0].at("x"), 100.5);
  EXPECT_EQ(records[0].at("y"), 201);
  EXPECT_EQ(records[1].at("x"), 102.5);
  EXPECT_EQ(records[1].at("y"), 204);
  EXPECT_EQ(records[0].at("x_err"), 1.0);
  EXPECT_EQ(records[0].at("xy_cov"), 1.5);
}

TEST(RejectedRecords, AreThoseOfAStarWithItsReason) {
  const StarTable stars = test::distinct_stars(2);
  const RecordStyle style{Coords::frame, PixelOrigin::fits1};
  std::string text;
  append_rejected_records(text, example_info(), {stars, {"snr", "a \"quoted\" one"}}, style);
  auto rejected = parse_lines(text);
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_EQ(rejected[0].at("reason"), "snr");
  EXPECT_EQ(rejected[1].at("reason"), "a \"quoted\" one");
  for (json& r : rejected) {
    EXPECT_EQ(r.at("type"), "rejected");
    r["type"] = "star";
    r.erase("reason");
  }
  EXPECT_EQ(rejected, star_records(stars, example_info(), style));
}

TEST(StarRecords, NeverAllocateIntoABufferThatIsLargeEnough) {
  const StarTable stars = test::distinct_stars(50);
  const FrameInfo info = example_info();
  std::string text;
  append_star_records(text, info, stars, {});
  text.clear();
  const std::size_t before = allocations;
  append_star_records(text, info, stars, {});
  EXPECT_EQ(allocations, before);
  EXPECT_FALSE(text.empty());
}

TEST(AllocationCounter, SeesAnAllocation) {
  const std::size_t before = allocations;
  std::string fresh;
  append_star_records(fresh, example_info(), test::distinct_stars(1), {});
  EXPECT_GT(allocations, before);
}

TEST(FrameRecord, TellsAnEmptySkyFromAFailure) {
  const StarList empty = test::star_list({}, example_info());
  const json ok = frame_record(example_info(), &empty);
  EXPECT_EQ(ok.at("outcome"), "ok");
  EXPECT_EQ(ok.at("n_stars"), 0);
  EXPECT_TRUE(ok.at("errors").empty());
  EXPECT_EQ(ok.at("background"), 101.25);
  const json failed =
      frame_record(example_info(), nullptr, Outcome::failed, {{"src", "fits.truncated", "a/b.fits ends early"}});
  EXPECT_EQ(failed.at("outcome"), "failed");
  EXPECT_TRUE(failed.at("n_stars").is_null());
  EXPECT_TRUE(failed.at("background").is_null());
  EXPECT_EQ(failed.at("errors"),
            (json::array({{{"node", "src"}, {"code", "fits.truncated"}, {"text", "a/b.fits ends early"}}})));
}

TEST(FrameRecord, SaysWhereTheConstantsCameFrom) {
  const json r = frame_record(example_info(), nullptr);
  EXPECT_EQ(r.at("gain"), 1.5);
  EXPECT_EQ(r.at("gain_origin"), "metadata");
  EXPECT_TRUE(r.at("read_noise").is_null());
  EXPECT_EQ(r.at("read_noise_origin"), "assumed");
  EXPECT_EQ(r.at("config_hash"), "0123456789abcdef");
  EXPECT_EQ(r.at("version"), "1.2.3");
  EXPECT_EQ(r.at("origin"), "center0");
}

TEST(FrameRecord, GivesTheMedianWidthOfStarsWithoutAFlag) {
  StarTable stars = test::distinct_stars(5);
  stars.fwhm = {3, 9, 2, 4, 100};
  stars.flags = {0, flag::forced_position, 0, 0, flag::saturated};
  const StarList list = test::star_list(std::move(stars), example_info());
  EXPECT_EQ(frame_record(example_info(), &list).at("fwhm"), 3.5);
}

TEST(FrameRecord, GivesTheWidthOfWholeStarsWhereEachHasSomeFlag) {
  StarTable stars = test::distinct_stars(5);
  stars.fwhm = {3, 9, 2, 4, 100};
  stars.flags = {flag::bad_pixel, flag::blended, flag::hot_pixel, flag::bad_pixel | flag::poor_fit, flag::saturated};
  const StarList list = test::star_list(std::move(stars), example_info());
  EXPECT_EQ(frame_record(example_info(), &list).at("fwhm"), 4);
}

TEST(FrameRecord, StatesTheShapeThatFaintStarsWereGiven) {
  StarList list = test::star_list({}, example_info());
  EXPECT_TRUE(frame_record(example_info(), &list).at("field_shape").is_null());
  std::vector<ShapeSample> samples(3, {10, 10, {1.25, 0.5, -0.25, 0}});
  list.field_shape.fit(samples, 100, 100);
  const auto shape = frame_record(example_info(), &list).at("field_shape");
  EXPECT_EQ(shape.at("stars"), 3);
  EXPECT_EQ(shape.at("order"), 0);
  EXPECT_EQ(shape.at("ln_fwhm"), (std::vector<double>{1.25, 0, 0, 0, 0, 0}));
  EXPECT_EQ(shape.at("e2"), (std::vector<double>{-0.25, 0, 0, 0, 0, 0}));
}

TEST(FrameRecord, CountsWhatWasRejected) {
  StarList list = test::star_list({}, example_info());
  list.rejected = {{"hot_pixel", 3}, {"duplicate", 1}};
  EXPECT_EQ(frame_record(example_info(), &list).at("rejected"), (json{{"hot_pixel", 3}, {"duplicate", 1}}));
}

TEST(FrameRecord, EscapesWhatAFileNameMayHold) {
  FrameInfo info = example_info();
  info.source = "q\"b\\s\tn\n\x01 \xC3\xA9 \xE2\x98\x85 \xF0\x9F\x8C\x9F";
  EXPECT_EQ(frame_record(info, nullptr).at("source"), info.source);
}

TEST(FrameRecord, ReplacesBytesThatAreNotText) {
  FrameInfo info = example_info();
  info.source =
      "a\xFF"
      "b\xC3";  // a lone byte; a sequence that is cut off
  EXPECT_EQ(frame_record(info, nullptr).at("source"), "a\uFFFDb\uFFFD");
  info.source = "\xC0\xAF";  // an overlong '/'
  EXPECT_EQ(frame_record(info, nullptr).at("source"), "\uFFFD\uFFFD");
  info.source = "\xED\xA0\x80";  // a surrogate
  EXPECT_EQ(frame_record(info, nullptr).at("source"), "\uFFFD\uFFFD\uFFFD");
}

TEST(RunRecord, NamesEveryOutcome) {
  RunSummary summary;
  summary.frames = 3;
  summary.outcomes[0] = 2;
  summary.outcomes[2] = 1;
  summary.complete = true;
  std::string text;
  append_run_record(text, summary, 17, kRun);
  const json r = json::parse(text);
  EXPECT_EQ(r.at("type"), "run");
  EXPECT_EQ(r.at("outcomes"),
            (json{{"ok", 2}, {"partial", 0}, {"failed", 1}, {"cancelled", 0}, {"dropped", 0}, {"rejected", 0}}));
  EXPECT_EQ(r.at("stars"), 17);
  EXPECT_EQ(r.at("complete"), true);
  EXPECT_TRUE(r.at("reason").is_null());
}

TEST(RecordsNode, SendsAFrameAndItsStars) {
  const auto sent = test::run_node(records_type(), {{"origin", std::string("fits1")}}, example_info(),
                                   {{0, test::message(test::star_list(test::distinct_stars(3), example_info()))}});
  const auto* records = sent.at(0).as<Records>();
  ASSERT_NE(records, nullptr);
  const auto lines = parse_lines(records->text);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("n_stars"), 3);
  EXPECT_EQ(lines[0].at("origin"), "fits1");
  EXPECT_EQ(lines[0].at("version"), "0.0.0-test");
  EXPECT_EQ(lines[3].at("type"), "star");
}

TEST(RecordsNode, SendsTheListedStarsAfterTheOthers) {
  StarList list = test::star_list(test::distinct_stars(1), example_info());
  list.listed = {test::distinct_stars(2), {"snr", "region"}};
  const auto sent = test::run_node(records_type(), {}, example_info(), {{0, test::message(std::move(list))}});
  const auto lines = parse_lines(sent.at(0).as<Records>()->text);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("n_stars"), 1);
  EXPECT_EQ(lines[1].at("type"), "star");
  EXPECT_EQ(lines[3].at("reason"), "region");
}

// An outside reader judges the lines by the schema that is published for them.
TEST(Records, SatisfyTheirSchema) {
  if (std::system("python3 -c 'import jsonschema' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-jsonschema is not installed";
  StarTable stars = test::distinct_stars(3);
  stars.x_err[1] = std::numeric_limits<double>::quiet_NaN();
  stars.flags[1] = flag::no_covariance;
  StarList list = test::star_list(std::move(stars), example_info());
  std::vector<ShapeSample> samples(3, {10, 10, {1.25, 0.5, -0.25, 0}});
  list.field_shape.fit(samples, 100, 100);
  std::string text;
  append_frame_record(text, example_info(), &list, Outcome::ok, {}, {}, kRun);
  append_star_records(text, example_info(), list.stars, {});
  append_rejected_records(text, example_info(), {list.stars, {"snr", "hot_pixel", "region"}}, {});
  const std::vector<NodeError> errors{{"src", "io", "gone"}};
  append_frame_record(text, FrameInfo{}, nullptr, Outcome::failed, errors, {}, kRun);
  append_run_record(text, RunSummary{}, 3, kRun);
  const test::TempDir dir;
  const std::string good = dir.write("good.jsonl", text);
  const std::string bad = dir.write("bad.jsonl", "{\"type\":\"star\",\"x\":\"left\"}\n");
  const std::string script = dir.write("check.py",
                                       "import json, sys, jsonschema\n"
                                       "v = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))\n"
                                       "[v.validate(json.loads(line)) for line in open(sys.argv[2])]\n");
  const std::string run = "python3 " + script + " " STARFLOW_SOURCE_DIR "/configs/schema/record.schema.json ";
  EXPECT_EQ(std::system((run + good).c_str()), 0);
  EXPECT_NE(std::system((run + bad + " 2>/dev/null").c_str()), 0);
}

TEST(Records, RefuseATableWhoseColumnsDiffer) {
  StarTable stars;
  stars.resize(2);
  stars.flux.clear();
  std::string out;
  EXPECT_THROW(append_star_records(out, {}, stars, {}), std::invalid_argument);
  EXPECT_THROW(append_rejected_records(out, {}, {stars, {"snr", "snr"}}, {}), std::invalid_argument);
}

TEST(Records, RefuseRejectedStarsWithoutAReason) {
  std::string out;
  EXPECT_THROW(append_rejected_records(out, {}, {test::distinct_stars(2), {"snr"}}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace starflow
