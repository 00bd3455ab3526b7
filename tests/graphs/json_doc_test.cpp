// SPDX-License-Identifier: MIT
#include <starflow/graph/json_doc.hpp>

#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>

namespace starflow::graph {
namespace {

using namespace std::string_literals;

std::string problems(const std::string& text) {
  std::string all;
  const auto doc = JsonDoc::parse(text, "a.json");
  for (const auto& d : doc.problems()) all += to_string(d);
  return all;
}

std::string place(const JsonDoc& doc, std::size_t offset) {
  const Diagnostic d = doc.place(offset);
  return std::to_string(d.line) + ":" + std::to_string(d.column);
}

TEST(JsonDoc, KnowsWhereEveryKeyAndValueStands) {
  const auto doc = JsonDoc::parse(
      "{\n  // a \"comment\": {\n  \"a\" : [ 1, -2.5e3,\n    \"x\\\"]y\" ], /* , */ \"b\":{\"c\" :null}\n}\n",
      "a.json");
  ASSERT_TRUE(doc.ok());
  ASSERT_TRUE(doc.problems().empty());
  const JsonMember* a = doc.root().find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(place(doc, a->begin), "3:3");
  EXPECT_EQ(place(doc, a->value.begin), "3:9");
  const auto& list = *a->value.as<JsonValue::List>();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(place(doc, list[0].begin), "3:11");
  EXPECT_EQ(place(doc, list[1].begin), "3:14");
  EXPECT_EQ(place(doc, list[2].begin), "4:5");
  EXPECT_EQ(*list[1].as<double>(), -2500.0);
  EXPECT_EQ(*list[2].as<std::string>(), "x\"]y");
  const JsonMember* b = doc.root().find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(place(doc, b->begin), "4:24");
  EXPECT_EQ(place(doc, b->value.find("c")->value.begin), "4:34");
  EXPECT_TRUE(b->value.find("c")->value.is_null());
  EXPECT_EQ(doc.text().substr(b->value.begin, b->value.end - b->value.begin), "{\"c\" :null}");
}

TEST(JsonDoc, KeepsIntegersApartFromNumbers) {
  const auto doc = JsonDoc::parse("[3, 3.0, 9223372036854775807, 18446744073709551615]", "a.json");
  const auto& list = *doc.root().as<JsonValue::List>();
  EXPECT_EQ(*list[0].as<std::int64_t>(), 3);
  EXPECT_EQ(*list[1].as<double>(), 3.0);
  EXPECT_EQ(*list[2].as<std::int64_t>(), 9223372036854775807);
  EXPECT_EQ(*list[3].as<double>(), 18446744073709551615.0);
}

TEST(JsonDoc, CountsColumnsInCharacters) {
  const auto doc = JsonDoc::parse("{\"é\": 1, \"b\": 2}", "a.json");
  EXPECT_EQ(place(doc, doc.root().find("b")->begin), "1:10");
}

TEST(JsonDoc, SkipsAByteOrderMark) {
  const auto doc = JsonDoc::parse("\xEF\xBB\xBF{\"a\": 1}", "a.json");
  ASSERT_TRUE(doc.ok());
  EXPECT_EQ(place(doc, doc.root().find("a")->begin), "1:2");
}

TEST(JsonDoc, ReadsWindowsLineEnds) {
  EXPECT_EQ(problems("{\r\n  \"a\": 1,\r\n  \"a\": 2\r\n}\r\n"),
            "a.json:3:3: error: a: the key \"a\" is there already, in 2:3; remove one of the two\n"
            "    3 |   \"a\": 2\n"
            "      |   ^\n");
}

TEST(JsonDoc, ReportsEveryDuplicateKeyAndKeepsTheFirst) {
  const auto doc = JsonDoc::parse(R"({"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 1}]})", "a.json");
  ASSERT_EQ(doc.problems().size(), 2U);
  EXPECT_EQ(doc.problems()[0].path, "a.b");
  EXPECT_EQ(doc.problems()[1].path, "c[0].d");
  EXPECT_TRUE(doc.ok());
  EXPECT_EQ(*doc.root().find("a")->value.find("b")->value.as<std::int64_t>(), 1);
}

TEST(JsonDoc, PointsAtATrailingComma) {
  EXPECT_EQ(problems("{\n  \"a\": [1, 2,\n  ]\n}"),
            "a.json:2:13: error: a: a comma before the closing bracket; remove the comma\n"
            "    2 |   \"a\": [1, 2,\n"
            "      |             ^\n");
}

TEST(JsonDoc, PointsBehindACommaThatIsMissing) {
  const std::string in_object = problems("{\n  \"a\": [1]\n  \"b\": 2\n}");
  EXPECT_EQ(in_object,
            "a.json:3:3: error: a comma is missing before this\n"
            "    3 |   \"b\": 2\n"
            "      |   ^\n");
  EXPECT_EQ(problems("{\"a\": [{} {}]}").rfind("a.json:1:11: error: a: a comma is missing before this\n", 0), 0U)
      << problems("{\"a\": [{} {}]}");
  EXPECT_EQ(problems("{\"a\" 1}").rfind("a.json:1:6: error: a colon is missing before this\n", 0), 0U)
      << problems("{\"a\" 1}");
}

TEST(JsonDoc, PointsAtTextAfterTheEnd) {
  EXPECT_EQ(problems("{\"a\": 1}\n{}"),
            "a.json:2:1: error: text after the end of the JSON value; keep one object in the file\n"
            "    2 | {}\n"
            "      | ^\n");
}

TEST(JsonDoc, NamesNotANumberAndInfinity) {
  EXPECT_EQ(problems("{\"a\": NaN}"),
            "a.json:1:7: error: a: \"NaN\" is not JSON; leave the key out, or write a number\n"
            "    1 | {\"a\": NaN}\n"
            "      |       ^\n");
  EXPECT_NE(problems("{\"a\": [1, -Infinity]}").find("a.json:1:11: error: a[1]: \"-Infinity\" is not JSON"),
            std::string::npos);
}

TEST(JsonDoc, RefusesANumberThatNoDoubleHolds) {
  EXPECT_NE(problems("{\"a\": 1e999}").find("a.json:1:7: error: a: the number 1e999 is too large"), std::string::npos);
}

TEST(JsonDoc, ReadsOnBehindErrorsThatItKnowsToMend) {
  const auto doc =
      JsonDoc::parse(R"({"a": [1, 2,], "b": -Infinity, "c" 3, "d": {"e": 1 "e": 2,}, "f": 1e999, "a": 0})", "a.json");
  std::vector<std::string> got;
  for (const Diagnostic& d : doc.problems()) got.push_back(std::to_string(d.column) + " " + d.path + ": " + d.text);
  EXPECT_EQ(got,
            (std::vector<std::string>{"12 a: a comma before the closing bracket", "21 b: \"-Infinity\" is not JSON",
                                      "36 : a colon is missing before this", "52 d: a comma is missing before this",
                                      "58 d: a comma before the closing bracket", "67 f: the number 1e999 is too large",
                                      "52 d.e: the key \"e\" is there already, in 1:45",
                                      "74 a: the key \"a\" is there already, in 1:2"}));
  EXPECT_TRUE(doc.ok());
}

TEST(JsonDoc, PutsNoCommaIntoAComment) {
  EXPECT_EQ(problems("{\"a\": 1 // one\n\"b\": 2}").rfind("a.json:2:1: error: a comma is missing before this\n", 0),
            0U);
}

TEST(JsonDoc, TellsASignThatCanNotStandThereOnce) {
  const auto only = [](const std::string& text) {
    const auto doc = JsonDoc::parse(text, "a.json");
    if (doc.problems().size() != 1) return std::to_string(doc.problems().size()) + " problems";
    const Diagnostic& d = doc.problems()[0];
    return std::to_string(d.column) + " " + d.path + ": " + d.text;
  };
  EXPECT_EQ(only(R"({"nodes": [ {"in": {"x": 1}}, "options": {"y": 2} ] })"),
            "40 nodes: a colon stands only behind the key of an object");
  EXPECT_EQ(only(R"(["a": 1])"), "5 : a colon stands only behind the key of an object");
  EXPECT_EQ(only(R"({"a": 1: 2})"), "8 : a colon stands only behind the key of an object");
  EXPECT_EQ(only("[1,,2]"), "4 [1]: something is missing before this comma");
  EXPECT_EQ(only(R"({"a": , "b": 1})"), "7 a: something is missing before this comma");
  EXPECT_EQ(only(R"({"a": 08, "b": 2})").substr(0, 3), "8 :");
  EXPECT_EQ(only(R"({"a": truefalse, "b": 2})").substr(0, 3), "15 ");
  EXPECT_EQ(only(R"({"a": "x"NaN})").substr(0, 4), "10 :");
  EXPECT_EQ(only("[1], 2"), "4 : text after the end of the JSON value");
  EXPECT_EQ(only(R"({NaN: 1})").substr(0, 3), "2 :");
  EXPECT_EQ(only(R"({"a": 1 {}})").substr(0, 3), "9 :");
}

TEST(JsonDoc, TellsNoProblemTwiceWhateverByteIsWrong) {
  const std::string good =
      "{ \"format\": \"starflow.graph/1\", // a comment, with: signs\n"
      "  \"parameters\": {\"n\": {\"type\": \"integer\", \"default\": 20, \"minimum\": -1.5e3}},\n"
      "  \"nodes\": [ {\"id\": \"sky\", \"type\": \"source.sky\", \"options\": {\"frames\": 2, \"on\": true} },\n"
      "    {\"id\": \"det\", \"in\": {\"frame\": \"sky\"}, \"list\": [1, 2 , [3], null], /* , */ \"path\": \"${n}\"} ] "
      "}\n";
  ASSERT_TRUE(JsonDoc::parse(good, "a.json").problems().empty());
  std::mt19937 random(20261123);
  const std::string bytes = ",:{}[]\"'/*\\ \n0819-+.eENnIitf_$";
  for (int n = 0; n < 20'000; ++n) {
    std::string text = good;
    for (int edits = 1 + n % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      const char byte = bytes[random() % bytes.size()];
      switch (random() % 3) {
        case 0: text[at] = byte; break;
        case 1: text.insert(at, 1, byte); break;
        default: text.erase(at, 1);
      }
    }
    const auto doc = JsonDoc::parse(text, "a.json");
    std::set<std::string> told;
    for (const Diagnostic& d : doc.problems()) ASSERT_TRUE(told.insert(to_string(d)).second) << to_string(d) << text;
    ASSERT_TRUE(doc.ok() || !told.empty()) << text;
  }
}

TEST(JsonDoc, StopsAfterFiftyErrorsThatItMends) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "NaN, ";
  EXPECT_EQ(JsonDoc::parse(text + "0]", "a.json").problems().size(), 50U);
}

TEST(JsonDoc, SaysWhatATruncatedFileLeftOpen) {
  EXPECT_EQ(
      problems("{\n  \"nodes\": [ {\"id\": \"a\"},"),
      "a.json:2:26: error: nodes: the file ends inside the list that begins in 2:12; is the file cut off, or a closing "
      "bracket missing?\n"
      "    2 |   \"nodes\": [ {\"id\": \"a\"},\n"
      "      |                          ^\n");
}

TEST(JsonDoc, SaysThatAFileIsEmpty) {
  EXPECT_NE(problems("").find("a.json:1:1: error: the file is empty"), std::string::npos);
  EXPECT_NE(problems(" // nothing\n").find("the file is empty"), std::string::npos);
}

TEST(JsonDoc, PointsAtABadEscapeInsideAText) {
  EXPECT_NE(problems(R"({"path": "C:\data"})").find("a.json:1:14: error: path: "), std::string::npos)
      << problems(R"({"path": "C:\data"})");
}

TEST(JsonDoc, SaysThatATextIsNotClosed) {
  EXPECT_NE(problems("{\"a\": \"b\n}").find("a.json:1:9: error: a: "), std::string::npos) << problems("{\"a\": \"b\n}");
}

TEST(JsonDoc, RefusesBytesThatAreNotUtf8) {
  EXPECT_NE(
      problems("{\"a\": \"\xC3(\"}").find("a.json:1:8: error: the byte 0xC3 is not UTF-8 text; save the file as UTF-8"),
      std::string::npos);
  EXPECT_NE(problems("// \xFF\n{}").find("a.json:1:4: error: the byte 0xFF"), std::string::npos);
  EXPECT_NE(problems("\xFF\xFE{\0}\0"s).find("a.json:1:1: error: the byte 0xFF"), std::string::npos);
}

TEST(JsonDoc, RefusesTextBehindANulByte) {
  EXPECT_NE(problems("{}\0 rest"s).find("a.json:1:3: error: the byte 0x00 is not UTF-8 text"), std::string::npos);
}

TEST(JsonDoc, RefusesDeepNestingWithoutUsingTheStack) {
  const std::string deep = std::string(1'000'000, '[');
  EXPECT_NE(problems(deep).find("a.json:1:65: error: lists and objects are nested deeper than 64 levels"),
            std::string::npos);
  EXPECT_EQ(problems(std::string(64, '[') + std::string(64, ']')), "");
}

TEST(JsonDoc, KeepsControlCharactersOutOfMessages) {
  const std::string text = problems("{\"a\": 1, \x1b[31m}");
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_NE(text.find("a.json:1:10: error"), std::string::npos) << text;
}

TEST(JsonDoc, CutsALongLineAroundThePlace) {
  const std::string text = problems("{\"a\": [" + std::string(10'000, ' ') + "x" + std::string(10'000, ' ') + "]}");
  EXPECT_LT(text.size(), 500U);
  EXPECT_NE(text.find("a.json:1:10008: error"), std::string::npos) << text;
}

TEST(JsonDoc, StopsAfterFiftyProblems) {
  std::string text = "{\"a\": 0";
  for (int i = 0; i < 1000; ++i) text += ", \"a\": 0";
  EXPECT_EQ(JsonDoc::parse(text + "}", "a.json").problems().size(), 50U);
}

TEST(JsonDoc, ReportsAMissingFile) {
  const auto doc = JsonDoc::load("/nonexistent/graph.json");
  EXPECT_FALSE(doc.ok());
  ASSERT_EQ(doc.problems().size(), 1U);
  EXPECT_EQ(to_string(doc.problems()[0]), "/nonexistent/graph.json: error: can't be read: No such file or directory\n");
}

TEST(JsonDoc, ReportsAFolder) {
  const test::TempDir dir;
  const auto doc = JsonDoc::load(dir.path().string());
  ASSERT_EQ(doc.problems().size(), 1U);
  EXPECT_EQ(doc.problems()[0].text, "is a folder: a JSON file is wanted");
}

TEST(JsonDoc, ReadsNoMoreThanItsLimitOfADeviceWithoutEnd) {
  const auto doc = JsonDoc::load("/dev/zero");
  ASSERT_EQ(doc.problems().size(), 1U);
  EXPECT_EQ(doc.problems()[0].text, "is larger than 64 MiB: no configuration is");
}

TEST(JsonDoc, TakesAnArgumentAsJsonOrAsText) {
  EXPECT_EQ(*JsonDoc::argument("3", "--set a").root().as<std::int64_t>(), 3);
  EXPECT_EQ(*JsonDoc::argument("auto", "--set a").root().as<std::string>(), "auto");
  EXPECT_EQ(*JsonDoc::argument("[ab]*.fits", "--set a").root().as<std::string>(), "[ab]*.fits");
  EXPECT_EQ(*JsonDoc::argument("", "--set a").root().as<std::string>(), "");
  EXPECT_EQ(JsonDoc::argument("3", "--set a").place(0).line, 0);
}

}  // namespace
}  // namespace starflow::graph
