// SPDX-License-Identifier: MIT
#include "support/fits_writer.hpp"
#include "support/temp_dir.hpp"

#include "position_file.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using test::big_endian;
using test::card;
using test::TempDir;

/// A column of a binary table: name, TFORM, and the bytes of its cells.
struct Column {
  std::string name, form;
  std::vector<std::string> cells;
};

template <class T>
std::vector<std::string> cells(const std::vector<T>& values) {
  std::vector<std::string> out;
  for (const T v : values) out.push_back(big_endian<T>({v}));
  return out;
}

std::string table(const std::vector<Column>& columns, const std::string& name, const std::string& more = {}) {
  std::string data;
  const std::size_t rows = columns.at(0).cells.size();
  for (std::size_t row = 0; row < rows; ++row) {
    for (const Column& c : columns) data += c.cells.at(row);
  }
  std::string cards = card("PCOUNT", "0") + card("GCOUNT", "1") + card("TFIELDS", std::to_string(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string n = std::to_string(i + 1);
    cards += card("TTYPE" + n, "'" + columns[i].name + "'") + card("TFORM" + n, "'" + columns[i].form + "'");
  }
  cards += card("EXTNAME", "'" + name + "'") + more;
  const long long width = rows == 0 ? 8 : static_cast<long long>(data.size() / rows);
  const test::FitsImage shape{8, {width, static_cast<long long>(rows)}, {}, {}};
  return test::fits_header(card("XTENSION", "'BINTABLE'"), shape, cards) + test::padded(data, '\0');
}

Column doubles(std::string name, const std::vector<double>& values) { return {std::move(name), "1D", cells(values)}; }
Column longs(std::string name, const std::vector<std::int32_t>& values) {
  return {std::move(name), "1J", cells(values)};
}

Positions read(const std::string& bytes, const PositionFormat& format = {}) {
  const TempDir dir;
  return read_positions(dir.write("t.fits", bytes), format).at(0).positions;
}

std::string refusal(const std::string& bytes, const PositionFormat& format = {}) {
  try {
    (void)read(bytes, format);
  } catch (const TableError& e) {
    const std::string what = e.what();
    return what.substr(what.find("t.fits"));
  }
  return "";
}

std::string gzipped(const std::string& bytes) {
  const TempDir dir;
  const std::string path = dir / "packed.gz";
  gzFile out = gzopen(path.c_str(), "wb");
  EXPECT_EQ(gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  gzclose(out);
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(PositionTable, ReadsTheListOfAstrometryNetWithItsOrigin) {
  const Positions p = read(test::fits_primary() + test::fits_star_table({11, 21, 1.5F, 2.5F}));
  EXPECT_EQ(p.x, (std::vector<double>{10, 0.5}));
  EXPECT_EQ(p.y, (std::vector<double>{20, 1.5}));
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{0, 1}));
}

TEST(PositionTable, PassesTheHeaderTableOfSExtractorOver) {
  const std::string imhead = table({{"Field Header Card", "4A", {"SIMP"}}}, "LDAC_IMHEAD");
  const std::string objects =
      table({longs("NUMBER", {3, 9}), doubles("X_IMAGE", {5, 6}), doubles("Y_IMAGE", {7, 8})}, "LDAC_OBJECTS");
  const Positions p = read(test::fits_primary() + imhead + objects);
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{3, 9}));
  EXPECT_EQ(p.x, (std::vector<double>{4, 5}));
}

TEST(PositionTable, TakesTheTableThatIsNamed) {
  const std::string two = test::fits_primary() + table({doubles("x", {1}), doubles("y", {2})}, "A") +
                          table({doubles("x", {3}), doubles("y", {4})}, "B");
  EXPECT_EQ(read(two).x.at(0), 1);
  EXPECT_EQ(read(two, {.hdu = "B"}).x.at(0), 3);
  EXPECT_EQ(read(two, {.hdu = "2"}).x.at(0), 3);
  EXPECT_EQ(refusal(two, {.hdu = "C"}),
            "t.fits has no HDU named 'C' (HDU 0: no data; HDU 1 'A': table, 1 rows; HDU 2 'B': table, 1 rows)");
  EXPECT_EQ(refusal(two, {.hdu = "0"}), "t.fits has no table in HDU 0");
}

TEST(PositionTable, ReadsMoreRowsThanAreInMemoryAtOnce) {
  constexpr int kRows = 9001;
  std::vector<double> x, y;
  for (int i = 0; i < kRows; ++i) {
    x.push_back(i + 0.25);
    y.push_back(-i);
  }
  const Positions p = read(test::fits_primary() + table({doubles("x", x), doubles("y", y)}, "A"));
  EXPECT_EQ(p.x, x);
  EXPECT_EQ(p.y, y);
}

TEST(PositionTable, CountsRowsWithoutAPosition) {
  const Positions p = read(test::fits_primary() +
                           table({longs("id", {1, 2}), doubles("x", {1, std::nan("")}), doubles("y", {2, 2})}, "A"));
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(p.without, 1U);
}

TEST(PositionTable, NamesTheRowAndColumnThatAreWrong) {
  const std::string primary = test::fits_primary();
  EXPECT_EQ(refusal(primary + table({doubles("x", {1, INFINITY}), doubles("y", {2, 2})}, "A")),
            "t.fits, HDU 1, row 2: x is not finite");
  EXPECT_EQ(refusal(primary + table({longs("id", {1, 2, 1}), doubles("x", {1, 1, 1}), doubles("y", {2, 2, 2})}, "A")),
            "t.fits, HDU 1, row 3: the id 1 is that of row 1");
  EXPECT_EQ(refusal(primary + table({{"id", "4A", {"abcd"}}, doubles("x", {1}), doubles("y", {2})}, "A")),
            "t.fits, HDU 1: column id holds text, not one number a row");
  EXPECT_EQ(refusal(primary + table({{"x", "2D", {big_endian<double>({1, 2})}}, doubles("y", {2})}, "A")),
            "t.fits, HDU 1: column x holds arrays, not one number a row");
  EXPECT_EQ(
      refusal(primary + table({longs("id", {1}), doubles("x", {1}), doubles("y", {2})}, "A", card("TNULL1", "1"))),
      "t.fits, HDU 1, row 1: id is null, not an integer");
}

TEST(PositionTable, SaysWhatAFileWithoutAListHolds) {
  EXPECT_EQ(refusal(test::fits_primary({8, {2, 1}, "ab", {}})), "t.fits holds no table (HDU 0: image 2x1)");
  EXPECT_NE(refusal(test::fits_primary() + table({doubles("ra", {1}), doubles("dec", {2})}, "A"))
                .find("t.fits, HDU 1: has no columns of positions"),
            std::string::npos);
}

TEST(PositionTable, RefusesATableThatIsCutShort) {
  const std::vector<double> many(1000, 1.0);
  std::string bytes = test::fits_primary() + table({doubles("x", many), doubles("y", many)}, "A");
  bytes.resize(bytes.size() - 3 * test::kFitsBlock);
  EXPECT_NE(refusal(bytes).find("is cut short"), std::string::npos) << refusal(bytes);
  std::string huge = test::fits_primary() + table({doubles("x", {1}), doubles("y", {2})}, "A");
  const std::string rows = card("NAXIS2", "1");
  huge.replace(huge.find(rows), rows.size(), card("NAXIS2", "900000000000000000"));
  EXPECT_NE(refusal(huge), "");
}

TEST(PositionTable, ReadsATableWhoseLastBlockIsNotFilled) {
  std::string bytes = test::fits_primary() + table({doubles("x", {1.5}), doubles("y", {2})}, "A");
  bytes.resize(bytes.size() - test::kFitsBlock + 16);
  EXPECT_EQ(read(bytes).x.at(0), 1.5);
}

TEST(PositionTable, ReadsGzippedListsOfAllFormats) {
  EXPECT_EQ(read(gzipped("id,x,y\n1,2,3\n")).x.at(0), 2);
  EXPECT_EQ(read(gzipped("{\"x\":4,\"y\":3}\n")).x.at(0), 4);
  EXPECT_EQ(read(gzipped(test::fits_primary() + table({doubles("x", {5}), doubles("y", {2})}, "A"))).x.at(0), 5);
  std::string cut = gzipped("id,x,y\n1,2,3\n");
  cut.resize(cut.size() - 9);
  EXPECT_NE(refusal(cut).find("t.fits is cut short"), std::string::npos) << refusal(cut);
}

TEST(PositionTable, RefusesATableOfMoreColumnsThanThereCanBe) {
  std::string bytes = test::fits_primary() + table({doubles("x", {1}), doubles("y", {2})}, "A");
  const std::string fields = card("TFIELDS", "2");
  bytes.replace(bytes.find(fields), fields.size(), card("TFIELDS", "60000000000000"));
  EXPECT_EQ(refusal(bytes),
            "t.fits is damaged: HDU 1: a table's card 8 is not TFIELDS with a whole number, for TFIELDS up to 999");
}

TEST(PositionTable, SurvivesDamagedHeaders) {
  const std::string good =
      test::fits_primary() + table({longs("id", {1, 2}), doubles("x", {1, 2}), doubles("y", {2, 3})}, "A",
                                   card("TNULL1", "9") + card("TSCAL2", "2"));
  std::mt19937 random(11);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string letters = "0123456789-+.EDJKAPQTNFI'()= /";
  int refused = 0;
  constexpr int kTrials = 3000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::string bytes = good;
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i)
      bytes[test::kFitsBlock + below(80 * 17)] = letters[below(letters.size())];
    refused += refusal(bytes).empty() ? 0 : 1;  // anything but a TableError ends the test
  }
  EXPECT_GT(refused, kTrials / 10) << "the damage does not reach what is read";
  EXPECT_LT(refused, kTrials);
}

}  // namespace
}  // namespace starflow
