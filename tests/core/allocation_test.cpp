// SPDX-License-Identifier: MIT
/// \file
/// No heap allocation per star and none per frame once the memory is warm, for every way to measure.

#include "support/allocation_counter.hpp"

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/two_threads.hpp"

namespace starflow {
namespace {

constexpr Detector kDetector{1.5, 5, 20000};

TEST(AllocationCounter, SeesAnAllocation) {
  const test::AllocationCounter counter;
  const std::vector<int> v(10);
  EXPECT_EQ(counter.count(), 1U) << v.size();
}

TEST(AllocationCounter, SeesAnAllocationOfAnotherThread) {
  test::TwoThreads threads;
  const test::AllocationCounter counter;
  threads(64, 1, [](std::size_t, std::size_t) {
    const std::vector<int> v(10);
    std::this_thread::yield();
    ASSERT_EQ(v.size(), 10U);
  });
  EXPECT_EQ(counter.count(), 64U);
}

/// 64 stars, easy and hard ones: bright and lost in the noise, saturated, beside bad pixels, at the edge, blended, on
/// no star at all.
template <class T>
struct Field {
  test::Scene<T> scene{256, 256, 100};
  Detections found;
  std::vector<float> variance;  // ADU^2, of view(); empty = not given
  Mosaic mosaic = Mosaic::none;
  Background background;

  Field() {
    for (int i = 0; i < 64; ++i) {
      const int column = i % 8, row = i / 8;
      const double x = 2 + 32 * column + 0.37 * (i % 5), y = 3 + 32 * row + 0.21 * (i % 7);
      found.resize(found.size() + 1);
      found.x.back() = x;
      found.y.back() = y;
      found.id.back() = i;
      found.xx.back() = found.yy.back() = i % 3 == 0 ? 0 : 1.8;
      if (i % 9 == 8) continue;
      draw(x, y, 200 * std::pow(1.12, i));
      if (i % 7 == 3) draw(x + 4, y + 1, 300 * std::pow(1.12, i));
    }
    test::add_noise(scene, 10, 1);
    for (T& pixel : scene.pixels) pixel = std::min(pixel, static_cast<T>(20000));
    if constexpr (std::is_floating_point_v<T>) {
      for (int i = 0; i < 256; i += 11) scene.at(i, 255 - i) = std::numeric_limits<T>::quiet_NaN();
    }
    found.fwhm_px = 3;
    look();
  }

  [[nodiscard]] FrameView view() const {
    FrameView frame = scene.view();
    frame.mosaic = mosaic;
    if (!variance.empty()) frame.variance = {variance.data(), scene.width * static_cast<std::ptrdiff_t>(sizeof(float))};
    return frame;
  }

  void look() { background = estimate_background(view(), {}, serial_for); }

  void draw(double x, double y, double flux) {
    for (int j = std::max(0, static_cast<int>(y) - 8); j < std::min(256, static_cast<int>(y) + 9); ++j) {
      for (int i = std::max(0, static_cast<int>(x) - 8); i < std::min(256, static_cast<int>(x) + 9); ++i) {
        const double r2 = (i - x) * (i - x) + (j - y) * (j - y);
        scene.at(i, j) = static_cast<T>(static_cast<double>(scene.at(i, j)) + flux / 10.2 * std::exp(-r2 / 3.25));
      }
    }
  }

  void measure_with(const MeasureOptions& options,
                    ParallelFor parallel,
                    MeasureWorkspace& workspace,
                    StarTable& stars) {
    measure(view(), background, kDetector, found, options, parallel, workspace, stars);
  }
};

constexpr int kIterations = 6;  // every path is taken; hopeless fits end soon

/// Measures with each of \p cases twice and counts what the second time allocates.
template <class T>
void expect_none(Field<T>& field, const std::vector<test::MeasureCase>& cases, ParallelFor parallel) {
  MeasureWorkspace workspace;
  StarTable stars;
  for (const test::MeasureCase& one : cases) {
    MeasureOptions options = one.options;
    options.max_iterations = kIterations;
    field.measure_with(options, parallel, workspace, stars);
    const test::AllocationCounter counter;
    field.measure_with(options, parallel, workspace, stars);
    EXPECT_EQ(counter.count(), 0U) << one.name;
    EXPECT_EQ(stars.size(), field.found.size());
  }
}

TEST(Measure, AllocatesNothingOnceWarm) {
  Field<std::uint16_t> whole;
  Field<float> real;
  expect_none(whole, test::every_case(), serial_for);
  expect_none(real, test::every_case(), serial_for);
}

TEST(Measure, AllocatesNothingOnceWarmOnTwoThreads) {
  Field<std::uint16_t> field;
  test::TwoThreads threads;
  expect_none(field, test::every_case(), threads);
  EXPECT_GT(threads.own_ranges(), 0U);
  EXPECT_GT(threads.other_ranges(), 0U);
}

TEST(Measure, AllocatesNothingForStarsNearEachOther) {
  Field<std::uint16_t> field;
  for (int i = 0; i < 64; ++i) {  // on the companions that were drawn, and on none
    if (i % 7 != 3 && i % 5 != 2) continue;
    const std::size_t k = field.found.size();
    field.found.resize(k + 1);
    field.found.x[k] = field.found.x[static_cast<std::size_t>(i)] + 4;
    field.found.y[k] = field.found.y[static_cast<std::size_t>(i)] + 1;
    field.found.id[k] = static_cast<std::int64_t>(k);
  }
  std::vector<test::MeasureCase> cases;
  for (const Neighbours neighbours : {Neighbours::mask, Neighbours::group}) {
    for (test::MeasureCase one : test::preset_cases()) {
      one.name += neighbours == Neighbours::mask ? " mask" : " group";
      one.options.neighbours = neighbours;
      cases.push_back(std::move(one));
    }
  }
  test::TwoThreads threads;
  expect_none(field, cases, serial_for);
  expect_none(field, cases, threads);
}

/// Each preset that fits with the shape of the field, and with values held.
std::vector<test::MeasureCase> held_cases() {
  std::vector<test::MeasureCase> cases;
  for (const test::MeasureCase& preset : test::preset_cases()) {
    if (!test::fits_profile(preset.options.method)) continue;
    const auto add = [&](const char* name, auto change) {
      cases.push_back({preset.name + " " + name, preset.options});
      change(cases.back().options);
    };
    add("field unclear", [](auto& o) { o.held.field = FieldFor::unclear; });
    add("field faint", [](auto& o) { o.held.field = FieldFor::faint; });
    add("field faint in groups", [](auto& o) {
      o.held.field = FieldFor::faint;
      o.neighbours = Neighbours::group;
    });
    add("fwhm", [](auto& o) { o.held.fwhm_px = 3.1; });
    add("ellipticity", [](auto& o) { o.held.ellipticity = 0.1; });
    if (preset.options.outline != Outline::rotated) continue;
    add("theta", [](auto& o) { o.held.theta_deg = 30; });
    add("all", [](auto& o) {
      o.held.fwhm_px = 3.1;
      o.held.ellipticity = 0.1;
      o.held.theta_deg = 30;
    });
  }
  return cases;
}

TEST(Measure, AllocatesNothingForShapesThatAreHeld) {
  Field<std::uint16_t> field;
  test::TwoThreads threads;
  expect_none(field, held_cases(), serial_for);
  expect_none(field, held_cases(), threads);
  MeasureWorkspace workspace;
  StarTable stars;
  MeasureOptions options = test::options_of(Method::gaussian);
  options.held.field = FieldFor::unclear;
  options.max_iterations = kIterations;
  field.measure_with(options, serial_for, workspace, stars);
  EXPECT_TRUE(workspace.field_shape().usable());  // else nothing was held above
}

TEST(Measure, AllocatesNothingWithAVarianceImageOrAMosaic) {
  for (const Mosaic mosaic : {Mosaic::none, Mosaic::rggb}) {
    for (const bool known : {false, true}) {
      if (mosaic == Mosaic::none && !known) continue;
      SCOPED_TRACE(std::string(kMosaicNames[static_cast<std::size_t>(mosaic)]) + (known ? " variance" : ""));
      Field<float> field;
      field.mosaic = mosaic;
      if (known) field.variance.assign(field.scene.pixels.size(), 100);
      field.look();
      test::TwoThreads threads;
      std::vector<test::MeasureCase> cases = test::preset_cases();
      for (test::MeasureCase one : held_cases()) cases.push_back(std::move(one));
      for (test::MeasureCase one : test::preset_cases()) {
        one.name += " green";
        one.options.mosaic = MosaicPixels::green;
        if (mosaic != Mosaic::none && test::fits_profile(one.options.method)) cases.push_back(std::move(one));
      }
      expect_none(field, cases, serial_for);
      expect_none(field, cases, threads);
    }
  }
}

TEST(Measure, AllocatesNothingForStarsOfAnySize) {
  Field<std::uint16_t> field;
  for (const double fwhm : {1.2, 8.0, 40.0}) {
    std::vector<test::MeasureCase> cases;
    for (std::size_t m = 0; m < std::size(kMethodNames); ++m) {
      cases.push_back({std::string(kMethodNames[m]), test::options_of(static_cast<Method>(m))});
      cases.back().options.fwhm_px = fwhm;
      cases.back().name += " FWHM " + std::to_string(fwhm);
    }
    expect_none(field, cases, serial_for);
  }
}

}  // namespace
}  // namespace starflow
