// SPDX-License-Identifier: MIT
/// \file
/// Stars beside each other: ignored, masked, and fitted together.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "support/crowd.hpp"
#include "support/measure_cases.hpp"
#include "support/two_threads.hpp"

namespace starflow {
namespace {

MeasureOptions with(Neighbours neighbours, MeasureOptions options = {}) {
  options.neighbours = neighbours;
  return options;
}

/// Every cell of a row as text.
template <class Table>
std::vector<std::uint64_t> bits_of(const Table& table, std::size_t row) {
  std::vector<std::uint64_t> out;
  for_each_column(table, [&](auto, auto, auto, const auto& column) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &column[row], sizeof(column[row]));
    out.push_back(bits);
  });
  return out;
}

/// 30 triples, each star 1.4 FWHM from the next.
const test::CrowdFrame& triples() {
  static const test::CrowdFrame frame({.separation = 1.4, .brightness = {1, 0.5, 0.7}, .count = 30, .seed = 3});
  return frame;
}

class EveryMethod : public testing::TestWithParam<test::MeasureCase> {};

TEST_P(EveryMethod, GivesTheSameBytesForAnyOrderOfTheList) {
  const Detections& list = triples().list();
  for (const Neighbours neighbours : {Neighbours::mask, Neighbours::group}) {
    const MeasureOptions options = with(neighbours, GetParam().options);
    const StarTable expected = triples().measured(options);
    std::vector<std::size_t> order(list.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::shuffle(order, std::mt19937_64(5));
    Detections shuffled = list;
    for (std::size_t k = 0; k < order.size(); ++k) {
      shuffled.x[k] = list.x[order[k]];
      shuffled.y[k] = list.y[order[k]];
      shuffled.peak[k] = list.peak[order[k]];
      shuffled.flux[k] = list.flux[order[k]];
      shuffled.id[k] = list.id[order[k]];
    }
    const StarTable got = triples().measured(options, shuffled, serial_for);
    for (std::size_t k = 0; k < list.size(); ++k) ASSERT_EQ(bits_of(got, k), bits_of(expected, k)) << k;
  }
}

TEST_P(EveryMethod, GivesTheSameBytesForAnyNumberOfThreads) {
  test::TwoThreads threads;
  for (const Neighbours neighbours : {Neighbours::mask, Neighbours::group}) {
    const MeasureOptions options = with(neighbours, GetParam().options);
    const StarTable expected = triples().measured(options);
    const StarTable got = triples().measured(options, triples().list(), threads);
    for (std::size_t k = 0; k < got.size(); ++k) ASSERT_EQ(bits_of(got, k), bits_of(expected, k)) << k;
  }
}

TEST_P(EveryMethod, SaysWhatBecameOfTheNeighbours) {
  const bool fits = test::fits_profile(GetParam().options.method);
  const StarTable masked = triples().measured(with(Neighbours::mask, GetParam().options));
  const StarTable grouped = triples().measured(with(Neighbours::group, GetParam().options));
  std::size_t together = 0;
  for (std::size_t k = 0; k < masked.size(); ++k) {
    EXPECT_NE(masked.flags[k] & flag::neighbour_masked, 0U) << k;
    EXPECT_NE(masked.flags[k] & flag::blended, 0U) << k;
    EXPECT_EQ(masked.flags[k] & flag::group_fit, 0U) << k;
    EXPECT_EQ((grouped.flags[k] & flag::neighbour_masked) != 0, !fits) << k;
    together += (grouped.flags[k] & flag::group_fit) != 0 ? 1U : 0U;
  }
  EXPECT_EQ(together, fits ? masked.size() : 0U);
}

INSTANTIATE_TEST_SUITE_P(Presets, EveryMethod, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

TEST(Blends, LeaveLoneStarsAlone) {
  const test::CrowdFrame frame({.separation = 5, .count = 60, .seed = 4});
  for (const test::MeasureCase& one : test::preset_cases()) {
    const StarTable expected = frame.measured(one.options);
    for (const Neighbours neighbours : {Neighbours::mask, Neighbours::group}) {
      const StarTable got = frame.measured(with(neighbours, one.options));
      for (std::size_t k = 0; k < got.size(); ++k) ASSERT_EQ(bits_of(got, k), bits_of(expected, k)) << one.name;
    }
  }
}

TEST(Blends, AreMeasuredAloneWhereOneHasNoLight) {
  const test::CrowdFrame frame({.separation = 1.5, .brightness = {1, 1e-9}, .snr = 200, .count = 200, .seed = 6});
  const StarTable t = frame.measured(with(Neighbours::group));
  const StarTable alone = frame.measured(with(Neighbours::ignore));
  std::size_t without = 0;
  for (std::size_t k = 0; k < t.size(); k += 2) {
    ASSERT_EQ(t.termination[k], Termination::converged);
    EXPECT_LT(std::hypot(t.x[k] - frame.stars()[k].x, t.y[k] - frame.stars()[k].y),
              5 * std::hypot(t.x_err[k], t.y_err[k]));
    if ((t.flags[k] & flag::group_fit) != 0) continue;
    ++without;
    EXPECT_NEAR(t.x[k], alone.x[k], 0.02);
    EXPECT_NE(t.flags[k + 1] & flag::fallback_method, 0U);
    EXPECT_NE(t.termination[k + 1], Termination::converged);
  }
  EXPECT_GT(without, 60U);  // noise is as often below the sky as above
}

TEST(Blends, BesideASaturatedStarAreMeasured) {
  // The bright star's core is cut at 30,000: its wings hold the model that is taken out of its neighbour's pixels.
  const test::Crowd crowd{
      .separation = 2, .brightness = {8, 1}, .snr = 100, .saturation = 30000, .count = 400, .seed = 8};
  const test::CrowdFrame frame(crowd);
  const StarTable grouped = frame.measured(with(Neighbours::group));
  std::size_t saturated = 0;
  for (std::size_t k = 0; k < grouped.size(); k += 2) saturated += (grouped.flags[k] & flag::saturated) != 0 ? 1U : 0U;
  EXPECT_EQ(saturated, crowd.count);
  const test::CrowdScore faint = test::score(frame, grouped, 1, FreeWidths::two);
  EXPECT_EQ(faint.failed, 0U);
  const double slack = 4 / std::sqrt(2.0 * static_cast<double>(crowd.count));  // of a mean of two per star
  EXPECT_NEAR(faint.mean_pull, 0, 4 / std::sqrt(static_cast<double>(crowd.count)));
  EXPECT_NEAR(faint.pull, 1, slack);
  const StarTable ignored = frame.measured(with(Neighbours::ignore));
  EXPECT_GT(test::score(frame, ignored, 1, FreeWidths::two).failed, crowd.count / 4);
}

/// Stars of \p t that no fit converged for and that name a fit as their method, or are saturated.
std::size_t count_untold(const StarTable& t) {
  std::size_t n = 0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    if (t.termination[k] == Termination::converged) continue;
    if (!test::fits_profile(t.method_used[k]) && (t.flags[k] & flag::saturated) == 0) continue;
    ++n;
    EXPECT_NE(t.flags[k] & flag::no_covariance, 0U) << k;
    EXPECT_TRUE(std::isnan(t.x_err[k]) && std::isnan(t.y_err[k]) && std::isnan(t.xy_cov[k])) << k;
    EXPECT_TRUE(std::isnan(t.flux_err[k])) << k;
  }
  return n;
}

TEST(Blends, ThatTheirGroupIsFittedWithoutHaveNoErrors) {
  for (const double saturation : {2000.0, 1e12}) {  // at the first, most pixels of both cores are gone
    const test::CrowdFrame frame({.separation = 0.8,
                                  .brightness = {1, 0.6, 1e-9},
                                  .snr = 300,
                                  .start_error = 0.3,
                                  .saturation = saturation,
                                  .count = 200,
                                  .seed = 9});
    for (const Method method : {Method::gaussian, Method::moffat}) {
      EXPECT_GT(count_untold(frame.measured(with(Neighbours::group, test::options_of(method)))), 40U)
          << test::method_name(method) << ", saturation " << saturation;
    }
  }
}

}  // namespace
}  // namespace starflow
