// SPDX-License-Identifier: MIT
#include "support/temp_dir.hpp"

#include "position_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace starflow {
namespace {

std::vector<FramePositions> lists(const std::string& text, const PositionFormat& format = {}) {
  const test::TempDir dir;
  return read_positions(dir.write("list.csv", text), format);
}

Positions positions(const std::string& text, const PositionFormat& format = {}) {
  return lists(text, format).at(0).positions;
}

/// What is wrong, without the folder of the file; empty = nothing.
std::string refusal(const std::string& text, const PositionFormat& format = {}) {
  try {
    (void)lists(text, format);
  } catch (const TableError& e) {
    const std::string what = e.what();
    return what.substr(std::min(what.find("list.csv"), what.size()));
  }
  return "";
}

TEST(PositionFile, ReadsIdsAndPositions) {
  const Positions p = positions("id,x,y\n7,1.5,2.25\n-3,1e2,.5\n");
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{7, -3}));
  EXPECT_EQ(p.x, (std::vector<double>{1.5, 100}));
  EXPECT_EQ(p.y, (std::vector<double>{2.25, 0.5}));
}

TEST(PositionFile, TakesColumnsInAnyOrderAndPassesOthersOver) {
  const Positions p = positions("name,y,mag,x,id\n\"a, b\",2,10.5,1,9\n");
  EXPECT_EQ(p.id.at(0), 9);
  EXPECT_EQ(p.x.at(0), 1);
  EXPECT_EQ(p.y.at(0), 2);
}

TEST(PositionFile, TakesWhatOtherProgramsWrite) {
  const Positions p = positions("\xEF\xBB\xBF# a list\r\n \"id\" , x ,\ty\r\n\r\n1 , +2.5,\t3\r\n# end\r\n2,3,4");
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(p.x, (std::vector<double>{2.5, 3}));
}

TEST(PositionFile, NamesTheLineOfABadNumber) {
  EXPECT_EQ(refusal("# c\nid,x,y\n1,2,3\n2,abc,3\n"), "list.csv:4: x is \"abc\", not a number");
  EXPECT_EQ(refusal("id,x,y\n1.5,2,3\n"), "list.csv:2: id is \"1.5\", not an integer");
  EXPECT_EQ(refusal("id,x,y\n1,2,3px\n"), "list.csv:2: y is \"3px\", not a number");
  EXPECT_EQ(refusal("id,x,y\n1,2,\n"), "list.csv:2: y is \"\", not a number");
}

TEST(PositionFile, RefusesPositionsThatAreNotFinite) {
  EXPECT_EQ(refusal("id,x,y\n1,nan,3\n"), "list.csv:2: x is not finite");
  EXPECT_EQ(refusal("id,x,y\n1,2,inf\n"), "list.csv:2: y is not finite");
}

TEST(PositionFile, RefusesALineThatIsTooShort) {
  EXPECT_EQ(refusal("id,x,y\n1,2\n"), "list.csv:2: has 2 values; y is the 3. column");
}

TEST(PositionFile, RefusesAnIdThatIsThereTwice) {
  EXPECT_EQ(refusal("id,x,y\n1,2,3\n4,5,6\n1,7,8\n"), "list.csv:4: the id 1 is that of line 2");
}

TEST(PositionFile, SaysWhichColumnIsMissing) {
  EXPECT_EQ(refusal("id;x;y\n"),
            "list.csv:1: has no columns of positions (x/y, xcentroid/ycentroid, x_centroid/y_centroid, x_fit/y_fit, "
            "XWIN_IMAGE/YWIN_IMAGE, XPSF_IMAGE/YPSF_IMAGE, X_IMAGE/Y_IMAGE, XCENTER/YCENTER); name them by the options "
            "x_column and y_column; its columns are: id;x;y; commas part columns");
  EXPECT_NE(refusal("id,x,Y\n").find("has no columns of positions"), std::string::npos);
  EXPECT_EQ(refusal("id,x,y,x\n"), "list.csv:1: has two columns \"x\"");
  EXPECT_EQ(refusal("id,x,y\n", {.x = "u", .y = "y"}), "list.csv:1: has no column \"u\"; its columns are: id, x, y");
  EXPECT_EQ(refusal("x,y\n", {.id = "star"}), "list.csv:1: has no column \"star\"; its columns are: x, y");
}

TEST(PositionFile, SaysThatAFileIsEmpty) {
  EXPECT_EQ(refusal(""), "list.csv:1: is empty; the first line names the columns");
}

TEST(PositionFile, TakesAHeaderAloneForAListOfNoPositions) { EXPECT_TRUE(positions("id,x,y\n").x.empty()); }

TEST(PositionFile, NumbersRowsWhereNoColumnHoldsIds) {
  EXPECT_EQ(positions("x,y\n1,2\n3,4\n").id, (std::vector<std::int64_t>{0, 1}));
}

TEST(PositionFile, TakesWholeNumbersWithAPointForIds) {
  EXPECT_EQ(positions("id,x,y\n7.0,2,3\n").id.at(0), 7);
  EXPECT_EQ(refusal("id,x,y\n1e300,2,3\n"), "list.csv:2: id is \"1e+300\", not an integer");
}

TEST(PositionFile, KeepsIdsOf64Bits) {
  EXPECT_EQ(positions("source_id,x,y\n5853498713190525696,2,3\n").id.at(0), 5853498713190525696);
}

// Where the first pixel is

TEST(PositionFile, CountsPixelsAsTheProgramDoesThatNamesColumnsSo) {
  EXPECT_EQ(positions("x,y\n11,21\n").x.at(0), 11);
  EXPECT_EQ(positions("xcentroid,ycentroid\n11,21\n").y.at(0), 21) << "photutils";
  EXPECT_EQ(positions("NUMBER,X_IMAGE,Y_IMAGE\n4,11,21\n").x.at(0), 10) << "SExtractor";
  EXPECT_EQ(positions("NUMBER,X_IMAGE,Y_IMAGE\n4,11,21\n").id.at(0), 4);
  EXPECT_EQ(positions("XCENTER,YCENTER\n11,21\n").y.at(0), 20) << "IRAF";
}

TEST(PositionFile, PrefersWindowedPositionsOfSExtractor) {
  EXPECT_EQ(positions("X_IMAGE,Y_IMAGE,XWIN_IMAGE,YWIN_IMAGE\n1,2,31,41\n").x.at(0), 30);
}

TEST(PositionFile, KnowsTheOriginOfColumnsThatAreNamedByOptions) {
  EXPECT_EQ(positions("x,y,X_IMAGE,Y_IMAGE\n1,2,31,41\n", {.x = "X_IMAGE", .y = "Y_IMAGE"}).x.at(0), 30);
  EXPECT_EQ(positions("col,row\n31,41\n", {.x = "col", .y = "row"}).x.at(0), 31);
}

TEST(PositionFile, FollowsAGivenOriginBeforeTheNames) {
  EXPECT_EQ(positions("X_IMAGE,Y_IMAGE\n31,41\n", {.origin = PixelOrigin::center0}).x.at(0), 31);
  EXPECT_EQ(positions("x,y\n31,41\n", {.origin = PixelOrigin::corner05}).x.at(0), 30.5);
}

TEST(PositionFile, DoesNotGuessColumnsOfCsvThatFitsTablesAlonePlace) {
  EXPECT_NE(refusal("X,Y\n1,2\n").find("has no columns of positions"), std::string::npos);
}

// JSON Lines

TEST(PositionFile, ReadsJsonLinesOfAnyProgram) {
  const Positions p = positions(
      "\n{\"label\": 3, \"x\": 1.5, \"more\": {\"x\": 9, \"a\": [1]}, \"y\": 2}\n"
      "{\"y\": -4, \"x\": 1e2, \"label\": 8}\n");
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{3, 8}));
  EXPECT_EQ(p.x, (std::vector<double>{1.5, 100}));
  EXPECT_EQ(p.y, (std::vector<double>{2, -4}));
}

TEST(PositionFile, NamesTheLineAndKeyOfBadJson) {
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2}\n{\"x\":1,\"y\":}\n"), "list.csv:2: is no JSON object (at character 12)");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2}\n\n{\"x\":\"far\",\"y\":2}\n"), "list.csv:3: x is \"far\", not a number");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2}\n{\"x\":1}\n"), "list.csv:2: y is missing, not a number");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":[2]}\n"), "list.csv:1: y is \"an array\", not a number");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2,\"x\":3}\n"), "list.csv:1: has \"x\" twice");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2} {\"x\":1}\n"), "list.csv:1: is no JSON object (at character 15)");
  EXPECT_EQ(refusal("{\"x\":1,\"y\":2}\n3\n"), "list.csv:2: is no JSON object; JSON Lines has one on each line");
  EXPECT_EQ(refusal("[{\"x\":1,\"y\":2}]\n"), "list.csv:1: is one JSON array; JSON Lines has an object on each line");
}

TEST(PositionFile, CountsRowsWhosePositionIsNull) {
  const Positions p = positions("{\"id\":1,\"x\":1,\"y\":2}\n{\"id\":2,\"x\":null,\"y\":2}\n");
  EXPECT_EQ(p.id.size(), 1U);
  EXPECT_EQ(p.without, 1U);
}

std::string frame_record(int id, const std::string& more) {
  return "{\"type\":\"frame\",\"frame_id\":" + std::to_string(id) + more + "}\n";
}

std::string star_record(int frame, int id, double x) {
  return "{\"type\":\"star\",\"frame_id\":" + std::to_string(frame) + ",\"id\":" + std::to_string(id) +
         ",\"x\":" + std::to_string(x) + ",\"y\":2}\n";
}

TEST(PositionFile, KeepsTheStarsOfEachFrameOfOurRecordsApart) {
  const auto all = lists(frame_record(4, R"(,"source":"a.fits","outcome":"ok")") + star_record(4, 0, 10) +
                         star_record(4, 1, 11) + frame_record(5, R"(,"source":"b.fits","outcome":"failed")") +
                         frame_record(6, R"(,"source":"c.fits","plane":2)") + star_record(6, 0, 12) +
                         "{\"type\":\"rejected\",\"frame_id\":6,\"x\":1,\"y\":1}\n{\"type\":\"run\",\"frames\":3}\n");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].positions.x, (std::vector<double>{10, 11}));
  EXPECT_EQ(all[0].frame.value().source, "a.fits");
  EXPECT_TRUE(all[1].positions.x.empty());
  EXPECT_FALSE(all[1].frame.value().measured);
  EXPECT_EQ(all[2].positions.x, (std::vector<double>{12}));
  EXPECT_EQ(all[2].frame.value().plane, 2);
}

TEST(PositionFile, FollowsTheOriginThatAFrameRecordStates) {
  const std::string text = frame_record(0, R"(,"origin":"fits1")") + star_record(0, 0, 10);
  EXPECT_EQ(positions(text).x.at(0), 9);
  EXPECT_EQ(refusal(text, {.origin = PixelOrigin::center0}),
            "list.csv:2: follows a frame record of origin fits1, which option origin contradicts; leave that on auto");
}

TEST(PositionFile, RefusesRecordsThatItCannotPlace) {
  EXPECT_EQ(refusal(frame_record(0, R"(,"coords":"sensor")") + star_record(0, 0, 10)),
            "list.csv:2: follows a frame record whose positions are in pixels of the sensor; write the list with "
            "coords = frame");
  EXPECT_EQ(refusal(frame_record(0, "") + star_record(1, 0, 10)),
            "list.csv:2: frame_id is \"1\", of which no frame record stands before");
  EXPECT_EQ(refusal(frame_record(0, "") + star_record(0, 3, 10) + star_record(0, 3, 11)),
            "list.csv:3: the id 3 is that of line 2");
}

}  // namespace
}  // namespace starflow
