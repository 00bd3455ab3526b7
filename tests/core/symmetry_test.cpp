// SPDX-License-Identifier: MIT
/// \file
/// A mirrored, transposed or turned frame gives mirrored, transposed or turned stars.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

using test::field;
using test::kFieldSide;
using test::MeasureCase;
using test::Scene;
using test::Star;

/// A move of the plane that leaves the square frame in place: x and y exchanged first, then mirrored.
struct Move {
  const char* name;
  bool exchange, mirror_x, mirror_y;

  [[nodiscard]] Star operator()(Star s) const {
    if (exchange) std::swap(s.x, s.y);
    return {mirror_x ? kFieldSide - 1 - s.x : s.x, mirror_y ? kFieldSide - 1 - s.y : s.y};
  }
  [[nodiscard]] double sign() const { return mirror_x != mirror_y ? -1 : 1; }
  /// The angle of an axis at \p theta, in (-90, 90].
  [[nodiscard]] double angle(double theta) const {
    const double moved = sign() * (exchange ? 90 - theta : theta);
    return moved > 90 ? moved - 180 : moved <= -90 ? moved + 180 : moved;
  }
};

constexpr Move kMoves[] = {{"mirrored in x", false, true, false},     {"mirrored in y", false, false, true},
                           {"turned by 180", false, true, true},      {"transposed", true, false, false},
                           {"turned by 90", true, true, false},       {"turned by -90", true, false, true},
                           {"transposed otherwise", true, true, true}};

/// What is done to the field before it is moved.
struct Field {
  double ceiling = 1e30;  ///< ADU, where pixels are cut off
  bool halfway = false;   ///< the list is on the corners of pixels
};

Scene<float> moved_frame(const Move& move, double ceiling) {
  Scene<float> scene(kFieldSide, kFieldSide, 0);
  for (int y = 0; y < kFieldSide; ++y) {
    for (int x = 0; x < kFieldSide; ++x) {
      const Star to = move({static_cast<double>(x), static_cast<double>(y)});
      const auto from = static_cast<std::size_t>(y * kFieldSide + x);
      scene.at(static_cast<int>(to.x), static_cast<int>(to.y)) =
          static_cast<float>(std::min(field().scene.pixels[from], ceiling));
    }
  }
  return scene;
}

StarTable run(const Move& move, const MeasureOptions& options, const Field& made = {}) {
  const Scene<float> scene = moved_frame(move, made.ceiling);
  std::vector<Star> starts;
  for (Star s : field().starts) {
    if (made.halfway) s = {std::floor(s.x) + 0.5, std::floor(s.y) + 0.5};
    starts.push_back(move(s));
  }
  MeasureWorkspace workspace;
  StarTable stars;
  measure(scene.view(), estimate_background(scene.view(), {}, serial_for), {2, 6, 1e30}, test::forced(starts), options,
          serial_for, workspace, stars);
  return stars;
}

class Symmetry : public testing::TestWithParam<MeasureCase> {};
INSTANTIATE_TEST_SUITE_P(Methods, Symmetry, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

/// An axis ratio that lies along x or y, and so changes sides with the frame.
std::vector<MeasureCase> held_shapes() {
  std::vector<MeasureCase> cases;
  for (const Method method : {Method::gaussian, Method::moffat}) {
    MeasureCase one{test::method_name(method), test::options_of(method)};
    one.options.outline = Outline::axis_aligned;
    one.options.held.ellipticity = 0.06;
    cases.push_back(std::move(one));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(HeldShapes, Symmetry, testing::ValuesIn(held_shapes()), [](const auto& one) {
  return one.param.name;
});

// Sums run in another order, in float: 1e-5 px, and 1e-5 of the rest.
TEST_P(Symmetry, OfTheFrameIsThatOfTheStars) {
  const StarTable plain = run({"as it is", false, false, false}, GetParam().options);
  const auto p_rows = test::rows_by_id(plain);
  for (const Move& move : kMoves) {
    SCOPED_TRACE(move.name);
    const StarTable moved = run(move, GetParam().options);
    const auto m_rows = test::rows_by_id(moved);
    for (std::size_t id = 0; id < p_rows.size(); ++id) {
      SCOPED_TRACE("star " + std::to_string(id));
      const std::size_t p = p_rows[id], m = m_rows[id];
      const auto cross = [&](const std::vector<double>& along, const std::vector<double>& across) {
        return move.exchange ? across[p] : along[p];
      };
      const Star expected = move({plain.x[p], plain.y[p]});
      EXPECT_NEAR(moved.x[m], expected.x, 1e-5);
      EXPECT_NEAR(moved.y[m], expected.y, 1e-5);
      EXPECT_NEAR(moved.x_err[m] / cross(plain.x_err, plain.y_err), 1, 1e-5);
      EXPECT_NEAR(moved.y_err[m] / cross(plain.y_err, plain.x_err), 1, 1e-5);
      EXPECT_NEAR(moved.xy_cov[m], move.sign() * plain.xy_cov[p], 1e-5 * plain.x_err[p] * plain.y_err[p]);
      EXPECT_NEAR(moved.flux[m] / plain.flux[p], 1, 1e-5);
      EXPECT_NEAR(moved.fwhm_major[m], plain.fwhm_major[p], 1e-4);
      EXPECT_NEAR(moved.fwhm_minor[m], plain.fwhm_minor[p], 1e-4);
      EXPECT_NEAR(moved.xx[m], cross(plain.xx, plain.yy), 1e-4);
      EXPECT_NEAR(moved.yy[m], cross(plain.yy, plain.xx), 1e-4);
      EXPECT_NEAR(moved.xy[m], move.sign() * plain.xy[p], 1e-4);
      EXPECT_NEAR(moved.sharpness[m], plain.sharpness[p], 1e-4);
      EXPECT_NEAR(moved.roundness2[m], (move.exchange ? -1 : 1) * plain.roundness2[p], 1e-4);
      EXPECT_NEAR(moved.hfr[m], plain.hfr[p], 1e-4);
      EXPECT_EQ(moved.flags[m], plain.flags[p]);
      if (plain.ellipticity[p] > 0.05) {  // the angle of a rounder star hangs on the last digits
        EXPECT_NEAR(std::remainder(moved.theta[m] - move.angle(plain.theta[p]), 180), 0, 0.1);
      }
    }
  }
}

/// Whether the places that \p options find in the moved field are the moved places.
void expect_moved_places(const MeasureOptions& options, const Field& made) {
  const StarTable plain = run({"as it is", false, false, false}, options, made);
  const auto p_rows = test::rows_by_id(plain);
  for (const Move& move : kMoves) {
    SCOPED_TRACE(move.name);
    const StarTable moved = run(move, options, made);
    const auto m_rows = test::rows_by_id(moved);
    for (std::size_t id = 0; id < p_rows.size(); ++id) {
      const std::size_t p = p_rows[id], m = m_rows[id];
      const Star expected = move({plain.x[p], plain.y[p]});
      EXPECT_NEAR(moved.x[m], expected.x, 1e-5) << "star " << id;
      EXPECT_NEAR(moved.y[m], expected.y, 1e-5) << "star " << id;
      EXPECT_EQ(moved.termination[m], plain.termination[p]) << "star " << id;
    }
  }
}

// A corner belongs to four pixels: which of them the stamp is about must not hang on the way the frame lies.
TEST_P(Symmetry, HoldsForPositionsOnTheCornersOfPixels) { expect_moved_places(GetParam().options, {.halfway = true}); }

// A plateau has no brightest pixel. The nine pixels of a parabola tell nothing there: the window stands in for it.
TEST(SymmetryOfPlateaus, IsThatOfTheStars) {
  const Field cut{.ceiling = 1000};
  for (const Method method : {Method::windowed, Method::adaptive, Method::quadratic, Method::gaussian}) {
    SCOPED_TRACE(test::method_name(method));
    expect_moved_places(test::options_of(method), cut);
    expect_moved_places(test::options_of(method), {.ceiling = 1000, .halfway = true});
  }
  const StarTable t = run({"as it is", false, false, false}, test::options_of(Method::quadratic), cut);
  std::size_t plateaus = 0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    if ((t.flags[k] & flag::saturated) == 0) continue;
    ++plateaus;
    EXPECT_EQ(t.termination[k], Termination::too_few_pixels);
    EXPECT_EQ(t.method_used[k], Method::windowed);
  }
  EXPECT_GT(plateaus, 20U);
}

}  // namespace
}  // namespace starflow
