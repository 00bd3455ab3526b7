// SPDX-License-Identifier: MIT
/// \file
/// What must not change a measurement: the unit of the pixels, a pedestal, the order and number of the stars, threads,
/// the instruction set; and what must change it in step: mirrored and turned frames.

#include <starflow/core/measure.hpp>
#include <starflow/core/simd.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"
#include "support/two_threads.hpp"

namespace starflow {
namespace {

using test::field;
using test::forced;
using test::kFieldFwhm;
using test::kFieldSide;
using test::MeasureCase;
using test::rows_by_id;
using test::Scene;
using test::Star;

constexpr double kGain = 2;       // e-/ADU
constexpr double kReadNoise = 6;  // e-

StarTable run(const FrameView& view,
              const Detections& found,
              const MeasureOptions& options,
              const Detector& detector = {kGain, kReadNoise, 1e30},
              ParallelFor parallel = serial_for) {
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), detector, found, options, parallel, workspace, stars);
  return stars;
}

/// Every cell of \p a and \p b is the same, bit for bit.
void expect_identical(const StarTable& a, const StarTable& b) {
  ASSERT_EQ(a.size(), b.size());
  zip_columns(
      [](std::string_view name, auto, auto, const auto& p, const auto& q) {
        using Cell = typename std::remove_cvref_t<decltype(p)>::value_type;
        for (std::size_t i = 0; i < p.size(); ++i) {
          if constexpr (std::is_floating_point_v<Cell>) {
            EXPECT_TRUE(p[i] == q[i] || (std::isnan(p[i]) && std::isnan(q[i])))
                << name << ' ' << i << ": " << p[i] << ' ' << q[i];
          } else {
            EXPECT_EQ(p[i], q[i]) << name << ' ' << i;
          }
        }
      },
      a, b);
}

/// A part of a value, or px.
struct Tolerance {
  double value = 1e-5;
  double error = 1e-5;  ///< of error bars, and of a fitted beta
};

/// How much a column may change: the angle and the eccentricity of a star that is nearly round hang on small
/// differences of its moments.
double slack(std::string_view name, double value, double ellipticity, Tolerance t) {
  if (name == "theta") return t.value * 60 / std::max(ellipticity, 1e-3);
  if (name == "eccentricity") return t.value / std::max(value, 1e-2);
  if (name.find("err") != std::string_view::npos || name == "beta") return t.error * std::abs(value);
  // Residuals of nine pixels that move by d of their noise each move a chi2 by up to 2 d sqrt(9 chi2).
  if (name == "chi2") return t.value * std::max(value, 6 * std::sqrt(value));
  // Positions, moments and covariances may be near 0 by chance; what is positive counts relative to itself.
  const bool positive = name.starts_with("flux") || name.starts_with("fwhm") || name == "noise" || name == "snr";
  return t.value * (positive ? std::abs(value) : std::max(1.0, std::abs(value)));
}

/// \p other is \p plain with light times \p scale on a pedestal of that many ADU.
void expect_equivalent(
    const StarTable& plain, const StarTable& other, double scale, double pedestal, Tolerance tolerance) {
  ASSERT_EQ(plain.size(), other.size());
  const auto p_rows = rows_by_id(plain), o_rows = rows_by_id(other);
  zip_columns(
      [&](std::string_view name, std::string_view unit, auto, const auto& a, const auto& b) {
        using Cell = typename std::remove_cvref_t<decltype(a)>::value_type;
        for (std::size_t id = 0; id < a.size(); ++id) {
          const Cell p = a[p_rows[id]], o = b[o_rows[id]];
          if constexpr (std::is_floating_point_v<Cell>) {
            ASSERT_EQ(std::isnan(p), std::isnan(o)) << name << ' ' << id;
            if (std::isnan(p)) continue;
            const double back = unit == "ADU" ? (o - (name == "background" ? pedestal : 0)) / scale : o;
            EXPECT_NEAR(back, p, slack(name, p, plain.ellipticity[p_rows[id]], tolerance)) << name << ' ' << id;
          } else if (name != "iterations") {
            EXPECT_EQ(p, o) << name << ' ' << id;
          }
        }
      },
      plain, other);
}

template <class T>
Scene<T> converted(double scale, double pedestal) {
  Scene<T> scene(kFieldSide, kFieldSide, 0);
  std::ranges::transform(field().scene.pixels, scene.pixels.begin(),
                         [&](double v) { return static_cast<T>(v * scale + pedestal); });
  return scene;
}

class Invariance : public testing::TestWithParam<MeasureCase> {
 protected:
  [[nodiscard]] static const MeasureOptions& options() { return GetParam().options; }
  /// The stars are Gaussians: they leave a free beta open, and a fit ends where its step is 0.001 sigma.
  [[nodiscard]] static Tolerance tolerance() { return options().free_beta ? Tolerance{1e-5, 1e-3} : Tolerance{}; }
};
INSTANTIATE_TEST_SUITE_P(Methods, Invariance, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

// Float pixels of another unit are rounded anew, by 3e-8 of 400 ADU: a millionth of the noise of a pixel. 1e-5 of the
// value, and of 1 px, is ten times what that can do to a star of S/N 20.
TEST_P(Invariance, HoldsForEveryUnitOfThePixels) {
  const StarTable plain = run(converted<float>(1, 0).view(), forced(field().starts), options());
  for (const double scale : {1e-5, 1e-2, 1e5}) {
    SCOPED_TRACE(scale);
    const StarTable scaled = run(converted<float>(scale, 0).view(), forced(field().starts), options(),
                                 {kGain / scale, kReadNoise, 1e30 * scale});
    expect_equivalent(plain, scaled, scale, 0, tolerance());
  }
}

// Whole and real pixels apart: the mesh's clipping knows the step between whole values.
TEST_P(Invariance, HoldsForAPedestalThatWholePixelsHoldExactly) {
  const StarTable plain = run(converted<std::uint16_t>(1, 0).view(), forced(field().starts), options());
  const auto raised = [&]<class T>(T pedestal) {
    return run(converted<T>(1, pedestal).view(), forced(field().starts), options());
  };
  expect_equivalent(plain, raised(std::uint16_t{30000}), 1, 30000, tolerance());
  expect_equivalent(plain, raised(std::int16_t{-20000}), 1, -20000, tolerance());
  expect_equivalent(plain, raised(std::int32_t{1'000'000'000}), 1, 1e9, tolerance());
}

TEST_P(Invariance, HoldsForAPedestalThatRealPixelsHoldExactly) {
  const StarTable plain = run(converted<float>(1, 0).view(), forced(field().starts), options());
  expect_equivalent(plain, run(converted<float>(1, 65536).view(), forced(field().starts), options()), 1, 65536,
                    tolerance());
  expect_equivalent(plain, run(converted<double>(1, 1e9).view(), forced(field().starts), options()), 1, 1e9,
                    tolerance());
}

TEST_P(Invariance, HoldsForTheNoiseModelWhoseUnitAndPedestalFollow) {
  const auto model = [](double pedestal_adu) {
    MeasureOptions o = options();
    o.noise = NoiseFrom::model;
    o.pedestal_adu = pedestal_adu;
    return o;
  };
  const StarTable plain = run(converted<float>(1, 0).view(), forced(field().starts), model(100));
  const StarTable scaled =
      run(converted<float>(1e-5, 0).view(), forced(field().starts), model(100e-5), {kGain / 1e-5, kReadNoise, 1e30});
  expect_equivalent(plain, scaled, 1e-5, 0, tolerance());
  const StarTable raised = run(converted<double>(1, 1e9).view(), forced(field().starts), model(100 + 1e9));
  expect_equivalent(plain, raised, 1, 1e9, tolerance());
}

TEST_P(Invariance, IsExactForEveryOrderOfTheStars) {
  const Scene<float> scene = converted<float>(1, 0);
  const Detections found = forced(field().starts);
  Detections shuffled;
  shuffled.resize(found.size());
  shuffled.fwhm_px = kFieldFwhm;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t from = (i * 23 + 5) % found.size();  // 23 and 49 share no factor
    shuffled.x[i] = found.x[from];
    shuffled.y[i] = found.y[from];
    shuffled.id[i] = found.id[from];
    shuffled.flags[i] = found.flags[from];
  }
  expect_identical(run(scene.view(), found, options()), run(scene.view(), shuffled, options()));
}

TEST_P(Invariance, IsExactForEveryNumberOfStarsAtOnce) {
  const Scene<float> scene = converted<float>(1, 0);
  const StarTable together = run(scene.view(), forced(field().starts), options());
  const auto rows = rows_by_id(together);
  for (std::size_t id = 0; id < rows.size(); id += 6) {
    const StarTable alone = run(scene.view(), forced({field().starts[id]}), options());
    EXPECT_EQ(alone.x[0], together.x[rows[id]]) << id;
    EXPECT_EQ(alone.y[0], together.y[rows[id]]) << id;
    EXPECT_EQ(alone.x_err[0], together.x_err[rows[id]]) << id;
    EXPECT_EQ(alone.flux[0], together.flux[rows[id]]) << id;
    EXPECT_EQ(alone.flags[0], together.flags[rows[id]]) << id;
  }
}

TEST_P(Invariance, IsExactForEveryNumberOfThreads) {
  const Scene<float> scene = converted<float>(1, 0);
  std::vector<Star> many;
  for (int k = 0; k < 4; ++k) {
    for (const Star& s : field().starts) many.push_back({s.x + 0.05 * k, s.y});
  }
  test::TwoThreads threads;
  expect_identical(run(scene.view(), forced(many), options()),
                   run(scene.view(), forced(many), options(), {kGain, kReadNoise, 1e30}, threads));
}

// 1e-5 px is the promise; a star whose last step falls on the other side of the stopping rule moves by 0.001 sigma.
TEST_P(Invariance, HoldsAcrossInstructionSets) {
  const Scene<float> scene = converted<float>(1, 0);
  const StarTable best = run(scene.view(), forced(field().starts), options());
  const auto b = rows_by_id(best);
  for (const std::string& name : simd_names()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(pin_simd(name));
    const StarTable stars = run(scene.view(), forced(field().starts), options());
    const auto r = rows_by_id(stars);
    for (std::size_t id = 0; id < r.size(); ++id) {
      EXPECT_NEAR(stars.x[r[id]], best.x[b[id]], 1e-5) << id;
      EXPECT_NEAR(stars.y[r[id]], best.y[b[id]], 1e-5) << id;
      EXPECT_EQ(stars.flags[r[id]], best.flags[b[id]]) << id;
    }
  }
  ASSERT_TRUE(pin_simd(simd_names().front()));
}

}  // namespace
}  // namespace starflow
