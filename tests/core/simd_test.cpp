// SPDX-License-Identifier: MIT
/// \file
/// Which instruction set runs, and that it can be pinned.

#include <starflow/core/simd.hpp>

#include "star_block.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace starflow {
namespace {

class Simd : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(pin_simd(simd_names().front())); }
};

TEST_F(Simd, NamesTheBestFirstAndScalarLast) {
  const std::vector<std::string> names = simd_names();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "scalar");
  EXPECT_EQ(names.front(), simd_in_use());
  EXPECT_EQ(std::ranges::count(names, "other"), 0);
}

TEST_F(Simd, RunsWhatIsPinned) {
  const std::vector<std::string> names = simd_names();
  for (const std::string& name : names) {
    ASSERT_TRUE(pin_simd(name)) << name;
    EXPECT_EQ(simd_in_use(), name);
    EXPECT_EQ(simd_names(), names);  // a pin can be taken back
  }
  EXPECT_EQ(simd_lanes(), 1U);  // of "scalar", the last: kernels in other files obey too
  ASSERT_TRUE(pin_simd(names.front()));
  EXPECT_EQ(simd_in_use(), names.front());
}

TEST_F(Simd, KeepsWhatRunsWhenANameIsUnknown) {
  ASSERT_TRUE(pin_simd("scalar"));
  for (const char* name : {"avx9", "", "AVX2", "other"}) EXPECT_FALSE(pin_simd(name)) << name;
  EXPECT_EQ(simd_in_use(), "scalar");
}

}  // namespace
}  // namespace starflow
