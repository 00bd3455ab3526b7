// SPDX-License-Identifier: MIT
/// \file
/// Results do not depend on what memory held before: the kernels' tables live on the stack.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"

namespace starflow {
namespace {

/// Leaves \p byte in the next 4 MB of the stack.
[[gnu::noinline]] void scribble(unsigned char byte) {
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  unsigned char stack[kBytes];
  std::memset(stack, byte, kBytes);
  asm volatile("" : : "r"(stack) : "memory");  // NOLINT(hicpp-no-assembler): the only way to keep the writes
}

class FreshMemory : public testing::TestWithParam<test::MeasureCase> {};
INSTANTIATE_TEST_SUITE_P(Methods, FreshMemory, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

// Stars, hot pixels (whose minor axis ends on its bound) and empty places.
TEST_P(FreshMemory, ChangesNoBit) {
  test::Scene<float> scene(400, 400, 100);
  Detections places;
  places.resize(225);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double x = 20.3 + 25 * static_cast<double>(i % 15), y = 19.6 + 25 * static_cast<double>(i / 15);
    places.x[i] = x;
    places.y[i] = y;
    places.id[i] = static_cast<std::int64_t>(i);
    if (i % 3 == 0) test::add_star(scene, x + 0.2, y - 0.3, 200.0 + 40 * static_cast<double>(i), 1.3, 1.1);
    if (i % 3 == 1) scene.at(static_cast<int>(x), static_cast<int>(y)) += 900;
  }
  test::add_noise(scene, 5, 3);
  const FrameView view = scene.view();
  const Background background = estimate_background(view, {}, serial_for);
  MeasureOptions options = GetParam().options;
  options.fwhm_px = 2.9;
  StarTable first, second;
  MeasureWorkspace workspace;
  scribble(0);
  measure(view, background, {1.5, 5, 1e9}, places, options, serial_for, workspace, first);
  scribble(0xff);
  measure(view, background, {1.5, 5, 1e9}, places, options, serial_for, workspace, second);
  zip_columns(
      [](std::string_view name, auto, auto, const auto& a, const auto& b) {
        using Cell = typename std::remove_cvref_t<decltype(a)>::value_type;
        EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Cell)), 0) << name;
      },
      first, second);
}

}  // namespace
}  // namespace starflow
