// SPDX-License-Identifier: MIT
/// \file
/// No heap allocation per star and none per frame once the memory is warm.

#include "support/allocation_counter.hpp"

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

TEST(AllocationCounter, SeesAnAllocation) {
  const test::AllocationCounter counter;
  const std::vector<int> v(10);
  EXPECT_EQ(counter.count(), 1U) << v.size();
}

TEST(Measure, AllocatesNothingOnceWarm) {
  test::Scene<std::uint16_t> scene(256, 256, 100);
  for (int i = 0; i < 100; ++i) test::add_star(scene, 10 + (i * 37) % 235, 10 + (i * 71) % 235, 3000, 1.3, 1.3);
  test::add_noise(scene, 5, 1);
  const FrameView view = scene.view();
  const Background background = estimate_background(view, {}, serial_for);
  const Detections found = detect(view, background, {}, {}, serial_for);
  ASSERT_GT(found.size(), 80U);
  MeasureWorkspace workspace;
  StarTable stars;
  for (const Method method : {Method::windowed, Method::gaussian}) {
    for (const WindowFrom window : {WindowFrom::fwhm, WindowFrom::half_light}) {
      MeasureOptions options;
      options.method = method;
      options.window = window;
      measure(view, background, {1, 0, 65535}, found, options, serial_for, workspace, stars);
      const test::AllocationCounter counter;
      measure(view, background, {1, 0, 65535}, found, options, serial_for, workspace, stars);
      EXPECT_EQ(counter.count(), 0U);
    }
  }
}

}  // namespace
}  // namespace starflow
