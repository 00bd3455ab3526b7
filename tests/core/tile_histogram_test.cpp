// SPDX-License-Identifier: MIT
/// \file
/// Counting into bins, against the definition, on every instruction set.

#include "tile_histogram.hpp"

#include <starflow/core/simd.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace starflow {
namespace {

constexpr int kBins = TileHistogram::kBins;
using Counts = std::array<int, kBins>;

Counts counts_of(const TileHistogram& h) {
  Counts out{};
  std::ranges::copy(h.counts(), out.begin());
  return out;
}

/// Each test runs once for each instruction set that the CPU has.
class TileCounts : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(pin_simd(GetParam())); }
  void TearDown() override { ASSERT_TRUE(pin_simd(simd_names().front())); }
};

struct WholeCase {
  int low, shift;
};

TEST_P(TileCounts, OfWholeNumbersFollowTheDefinition) {
  std::mt19937 bits(1);
  std::vector<std::uint16_t> values(1003);  // no multiple of any vector
  for (auto& v : values) v = static_cast<std::uint16_t>(bits());
  values[0] = 0;
  values[1] = 65535;
  for (const WholeCase c : {WholeCase{0, 0}, {-512, 0}, {30000, 0}, {20000, 4}, {-3000, 5}, {-64, 6}, {-128, 7}}) {
    Counts wanted{};
    for (const std::uint16_t v : values) {
      // Values whose distance to `low` needs more than 16 bits count in the last bin that 16 bits reach.
      const int above = std::clamp(std::min<int>(v - c.low, 65535 - std::max(0, c.low)), 0, 65535);
      ++wanted[static_cast<std::size_t>(std::min(above >> c.shift, kBins - 1))];
    }
    TileHistogram h;
    count_whole(values, c.low, c.shift, h);
    EXPECT_EQ(counts_of(h), wanted) << c.low << ", " << c.shift;
  }
}

TEST_P(TileCounts, OfRealNumbersFollowTheDefinition) {
  std::mt19937 bits(2);
  std::vector<float> values(1003);
  for (auto& v : values) v = static_cast<float>(bits() % 20000) * 0.013F - 50;
  values[0] = std::numeric_limits<float>::max();
  values[1] = -std::numeric_limits<float>::max();
  constexpr float kLow = -10.1F, kPerWidth = 7.3F;
  Counts wanted{};
  for (const float v : values) {
    const float place = (v - kLow) * kPerWidth;
    ++wanted[static_cast<std::size_t>(std::clamp(place, 0.0F, static_cast<float>(kBins - 1)))];
  }
  TileHistogram h;
  count_real(values, kLow, kPerWidth, h);
  EXPECT_EQ(counts_of(h), wanted);
}

TEST_P(TileCounts, HoldTheLargestTile) {
  const std::vector<std::uint16_t> values(TileHistogram::kMostPixels, 7);
  TileHistogram h;
  count_whole(values, 0, 0, h);
  EXPECT_EQ(h.counts()[7], TileHistogram::kMostPixels);
}

TEST_P(TileCounts, AreCopiedFromAPatchOfAFrame) {
  constexpr int kPitch = 50, kWidth = 37, kHeight = 3;
  std::vector<std::uint16_t> frame(kPitch * kHeight);
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint16_t>(8 * i);
  std::vector<std::uint16_t> out(kWidth * kHeight);
  EXPECT_EQ(copy_whole({frame.data() + 5, kPitch * sizeof(std::uint16_t), kWidth, kHeight}, out.data()) % 8, 0);
  EXPECT_EQ(out[0], frame[5]);
  EXPECT_EQ(out[kWidth - 1], frame[5 + kWidth - 1]);
  EXPECT_EQ(out.back(), frame[2 * kPitch + 5 + kWidth - 1]);
}

TEST_P(TileCounts, TellWhetherAPatchIsFinite) {
  std::vector<float> frame(41, 12.0F), out(41);
  const auto finite = [&] { return copy_real({frame.data(), 41 * sizeof(float), 41, 1}, 10, out.data()); };
  EXPECT_TRUE(finite());
  EXPECT_EQ(out[40], 2);
  for (const std::size_t place : {std::size_t{3}, std::size_t{40}}) {  // in a vector, and behind the last
    frame[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(finite());
    frame[place] = -std::numeric_limits<float>::infinity();
    EXPECT_FALSE(finite());
    frame[place] = 12;
  }
}

template <class T>
void expect_levelled() {
  constexpr int kPitch = 50, kWidth = 37, kHeight = 3;
  std::vector<T> frame(kPitch * kHeight);
  std::vector<float> levels(frame.size()), out(kWidth * kHeight);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] = static_cast<T>(1000 + 8 * i);
    levels[i] = 0.25F * static_cast<float>(i);
  }
  const Patch<T> from{frame.data() + 5, kPitch * sizeof(T), kWidth, kHeight};
  const Patch<float> below{levels.data() + 5, kPitch * sizeof(float), kWidth, kHeight};
  EXPECT_TRUE(copy_levelled(from, below, 900, 2, out.data()));
  for (std::size_t y = 0, k = 0; y < kHeight; ++y) {
    for (std::size_t x = 0; x < kWidth; ++x, ++k) {
      const std::size_t i = kPitch * y + 5 + x;
      const float plain = 100 + 8 * static_cast<float>(i) - levels[i];
      EXPECT_EQ(out[k], plain + 2 * even_spread(static_cast<std::uint32_t>(k))) << k;
    }
  }
  levels[kPitch + 5 + 36] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(copy_levelled(from, below, 900, 2, out.data()));
}

TEST_P(TileCounts, AreCopiedLessASurface) {
  expect_levelled<std::uint16_t>();
  expect_levelled<float>();
}

TEST(EvenSpread, HasTheMeanAndTheVarianceOfAnEvenDistribution) {
  double sum = 0, squares = 0;
  constexpr std::uint32_t kN = 4096;
  for (std::uint32_t i = 0; i < kN; ++i) {
    const auto v = static_cast<double>(even_spread(i));
    EXPECT_TRUE(v >= -0.5 && v < 0.5);
    sum += v;
    squares += v * v;
  }
  EXPECT_NEAR(sum / kN, 0, 2.0 / kN);  // a part of a step that was left over
  EXPECT_NEAR(squares / kN, 1.0 / 12, 2.0 / kN);
}

INSTANTIATE_TEST_SUITE_P(Simd, TileCounts, ::testing::ValuesIn(simd_names()), [](const auto& with) {
  return with.param;
});

}  // namespace
}  // namespace starflow
