// SPDX-License-Identifier: MIT
/// \file
/// Which rows a filter takes, and the reason that it gives. Truth is counted by hand from the positions and numbers of
/// each table.

#include <starflow/core/star_filter.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "support/star_rows.hpp"

namespace starflow {
namespace {

using test::good_stars;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr FilterFrame kFrame{100, 80, 4};

using Reasons = std::vector<std::string_view>;

TEST(StarFilter, TakesNothingUnlessToldTo) {
  StarTable t = good_stars(4);
  t.x[0] = kNan;
  t.snr[1] = kNan;
  t.fwhm[1] = kNan;
  t.flags[2] = ~Flags{0};
  t.x[3] = t.x[2];  // equal positions
  EXPECT_EQ(filter_stars(t, {}, kFrame), Reasons(4));
  EXPECT_TRUE(filter_stars({}, {.duplicate_radius = 1, .neighbour_radius = 1, .fwhm_sigma = 3, .brightest = 1}, kFrame)
                  .empty());
}

TEST(StarFilter, NamesTheLowestFlagThatWasAskedFor) {
  StarTable t = good_stars(4);
  t.flags = {flag::saturated | flag::hot_pixel, flag::saturated, flag::cosmic_ray | flag::hot_pixel, 0};
  EXPECT_EQ(filter_stars(t, {.flags = flag::cosmic_ray | flag::hot_pixel}, kFrame),
            (Reasons{"hot_pixel", "", "cosmic_ray", ""}));
}

TEST(StarFilter, IgnoresBitsThatAreNoFlags) {
  StarTable t = good_stars(1);
  t.flags[0] = Flags{1} << 31;
  EXPECT_EQ(filter_stars(t, {.flags = ~Flags{0}}, kFrame), Reasons(1));
}

TEST(StarFilter, KeepsWhatLiesInABoxAndOnItsBorder) {
  StarTable t = good_stars(7);
  t.x = {30, 50, 29.999, 50.001, 40, 40, kNan};
  t.y = {40, 50, 45, 45, 39.999, 50.001, 45};
  const Box box{30, 40, 50, 50};
  const auto out = reason::region;
  EXPECT_EQ(filter_stars(t, {.box = box}, kFrame), (Reasons{"", "", out, out, out, out, out}));
  EXPECT_EQ(filter_stars(t, {.box = box, .region_side = Side::outside}, kFrame),
            (Reasons{out, out, "", "", "", "", out}));
}

TEST(StarFilter, KeepsWhatLiesInACircleAndOnItsRim) {
  StarTable t = good_stars(3);
  t.x = {13, 13.001, kNan};
  t.y = {14, 14, 14};
  const Circle circle{10, 10, 5};
  EXPECT_EQ(filter_stars(t, {.circle = circle}, kFrame), (Reasons{"", "region", "region"}));
  EXPECT_EQ(filter_stars(t, {.circle = circle, .region_side = Side::outside}, kFrame),
            (Reasons{"region", "", "region"}));
}

// The border of 100 x 80 px runs from (-0.5, -0.5) to (99.5, 79.5).
TEST(StarFilter, TakesWhatIsCloserToTheBorderThanAsked) {
  StarTable t = good_stars(6);
  t.x = {2.5, 2.499, 96.5, 96.501, 50, 50};
  t.y = {40, 40, 40, 40, 2.499, 76.501};
  const auto edge = reason::frame_edge;
  EXPECT_EQ(filter_stars(t, {.edge_px = 3}, kFrame), (Reasons{"", edge, "", edge, edge, edge}));
}

TEST(StarFilter, KeepsWhatIsAsFarFromAPlaceAsAsked) {
  StarTable t = good_stars(4);
  t.x = {53, 53.1, 50, kNan};
  t.y = {44, 44, 41, 44};
  const auto far = reason::position;
  EXPECT_EQ(filter_stars(t, {.position = Surroundings{50, 40, {2, 5}}}, kFrame), (Reasons{"", far, far, far}));
  EXPECT_EQ(filter_stars(t, {.position = Surroundings{50, 40, {.least = 2}}}, kFrame), (Reasons{"", "", far, far}));
  EXPECT_EQ(filter_stars(t, {.position = Surroundings{50, 40, {}}}, kFrame), (Reasons{"", "", "", far}));
}

TEST(StarFilter, TakesRowsOfTooLittleOrUnknownSignalToNoise) {
  StarTable t = good_stars(4);
  t.snr = {10, 9.999, kNan, -20};
  EXPECT_EQ(filter_stars(t, {.snr_min = 10}, kFrame), (Reasons{"", "snr", "snr", "snr"}));
}

/// Rows of S/N 2.9 in the flux and 2.9 in the width.
StarTable insignificant_stars(std::size_t n) {
  StarTable t = good_stars(n);
  for (std::size_t i = 0; i < n; ++i) {
    t.flux[i] = 29;
    t.flux_err[i] = 10;
    t.fwhm[i] = 2.9;
    t.fwhm_err[i] = 1;
  }
  return t;
}

TEST(StarFilter, TakesRowsOfWhichNeitherFluxNorWidthIsSignificant) {
  StarTable t = insignificant_stars(5);
  t.flux[1] = 30;
  t.fwhm[2] = 3;
  t.fwhm_err[3] = kNan;
  t.flux[4] = -1;
  const auto out = reason::insignificant;
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), (Reasons{out, "", "", out, out}));
  EXPECT_EQ(filter_stars(t, {}, kFrame), Reasons(5));
}

TEST(StarFilter, GoesByTheApertureWhereAParabolaGaveTheFlux) {
  StarTable t = insignificant_stars(3);
  t.method_used = {Method::quadratic, Method::quadratic, Method::gaussian};
  t.flux_aperture = {30, 29, 30};
  t.flux_aperture_err.assign(3, 10);
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), (Reasons{"", "insignificant", "insignificant"}));
}

TEST(StarFilter, KeepsSaturatedStarsAndThoseOfAGroupHoweverUncertain) {
  StarTable t = insignificant_stars(3);
  t.flags = {flag::saturated, flag::group_fit, flag::blended};
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), (Reasons{"", "", "insignificant"}));
}

TEST(StarFilter, TakesRowsWithoutAFluxWhereNothingConverged) {
  StarTable t = insignificant_stars(3);
  t.flux[0] = t.flux[1] = t.flux[2] = kNan;
  t.flags = {flag::no_convergence | flag::moved_from_seed, flag::moved_from_seed,
             flag::no_convergence | flag::saturated};
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), (Reasons{"insignificant", "", ""}));
}

// FWHM 4 px: 2.5 of them are 10 px, which is how far the rows are apart; wide is 6 px and more.
TEST(StarFilter, TakesWideCentroidsInTheWingsOfAStarTenTimesAsBright) {
  StarTable t = good_stars(4);
  t.flux_err.assign(4, 1);
  t.snr = {1001, 100, 1001, 100};
  t.flags = {0, flag::fallback_method, 0, 0};
  t.fwhm_major = {4, 6.1, 4, 6.1};
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), (Reasons{"", "insignificant", "", ""}));
  t.fwhm_major[1] = 5.9;
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), Reasons(4));
  t.fwhm_major[1] = 6.1;
  t.snr[0] = t.snr[2] = 999;
  EXPECT_EQ(filter_stars(t, {.significance_min = 3}, kFrame), Reasons(4));
}

TEST(StarFilter, AsksForMoreWhereTheWidthOfStarsWasGuessed) {
  StarTable t = insignificant_stars(2);
  t.flux = {49, 50};
  const FilterRules rules{.significance_min = 3, .significance_guessed = 5};
  EXPECT_EQ(filter_stars(t, rules, kFrame), Reasons(2));
  EXPECT_EQ(filter_stars(t, rules, {100, 80, 4, true}), (Reasons{"insignificant", ""}));
}

TEST(StarFilter, TakesRowsWhoseShapeIsOutOfBoundsOrUnknown) {
  StarTable t = good_stars(4);
  t.sharpness = {0.2, 0.19, 0.8, kNan};
  EXPECT_EQ(filter_stars(t, {.sharpness = {.least = 0.2}}, kFrame), (Reasons{"", "sharpness", "", "sharpness"}));
  EXPECT_EQ(filter_stars(t, {.sharpness = {0.2, 0.7}}, kFrame), (Reasons{"", "sharpness", "sharpness", "sharpness"}));
  t.roundness1 = {-0.6, 0, 0.5, 0};
  t.roundness2 = {0, 0.6, 0, kNan};
  const auto odd = reason::roundness;
  EXPECT_EQ(filter_stars(t, {.roundness1 = {-0.5, 0.5}}, kFrame), (Reasons{odd, "", "", ""}));
  EXPECT_EQ(filter_stars(t, {.roundness2 = {.most = 0.5}}, kFrame), (Reasons{"", odd, "", odd}));
}

/// Widths 3.7, 3.8, ... 4.3 and 4 once more; the median is 4 and the median distance from it, the upper one of the
/// eight {0, 0, .1, .1, .2, .2, .3, .3}, is 0.2, so sigma is 0.29652.
StarTable eight_widths() {
  StarTable t = good_stars(8);
  t.fwhm = {3.7, 3.8, 3.9, 4, 4.1, 4.2, 4.3, 4};
  return t;
}
constexpr double kSigma = 1.482602218505602 * 0.2;

/// One more row, of the given width, that is not among the good ones: the others' median is what judges it.
std::string_view judged(StarTable t, double width, const FilterRules& rules) {
  const std::size_t n = t.size();
  t.resize(n + 1);
  t.x[n] = t.y[n] = 50;
  t.fwhm[n] = width;
  t.flags[n] = flag::saturated;
  return filter_stars(t, rules, kFrame).back();
}

TEST(StarFilter, TakesWidthsThatLieTooManySigmaFromTheMedian) {
  const FilterRules rules{.fwhm_sigma = 5};
  EXPECT_EQ(judged(eight_widths(), 4 + 4.99 * kSigma, rules), "");
  EXPECT_EQ(judged(eight_widths(), 4 + 5.01 * kSigma, rules), "fwhm_outlier");
  EXPECT_EQ(judged(eight_widths(), 4 - 4.99 * kSigma, rules), "");
  EXPECT_EQ(judged(eight_widths(), 4 - 5.01 * kSigma, rules), "fwhm_outlier");
  EXPECT_EQ(judged(eight_widths(), kNan, rules), "") << "a width that is not known is no outlier";
}

TEST(StarFilter, AllowsAShareOfTheMedianWhereAllWidthsAgree) {
  const FilterRules rules{.fwhm_sigma = 5, .fwhm_floor = 0.01};  // sigma is 0.04 px then
  EXPECT_EQ(judged(good_stars(8), 4.199, rules), "");
  EXPECT_EQ(judged(good_stars(8), 4.201, rules), "fwhm_outlier");
}

TEST(StarFilter, TakesNoWidthWithoutEightGoodStars) {
  const FilterRules rules{.fwhm_sigma = 5};
  EXPECT_EQ(judged(good_stars(8), 40, rules), "fwhm_outlier");
  EXPECT_EQ(judged(good_stars(7), 40, rules), "");
  StarTable t = good_stars(8);
  t.flags[3] = flag::near_saturation;
  EXPECT_EQ(judged(t, 40, rules), "");
  t.flags[3] = flag::undersampled | flag::background_unreliable | flag::forced_position;
  EXPECT_EQ(judged(t, 40, rules), "fwhm_outlier") << "these say nothing against a width";
  t.fwhm[3] = kNan;
  EXPECT_EQ(judged(t, 40, rules), "");
}

// Nine cosmic rays would make their own width the median.
TEST(StarFilter, MeasuresTheMedianOfWhatEarlierRulesLeft) {
  StarTable t = good_stars(17);
  for (std::size_t i = 0; i < 9; ++i) {
    t.fwhm[i] = 1;
    t.sharpness[i] = 1;
  }
  const Reasons reasons = filter_stars(t, {.sharpness = {.most = 0.9}, .fwhm_sigma = 5}, kFrame);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "sharpness"), 9);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), ""), 8);
}

TEST(StarFilter, KeepsTheBrightestOfWhatIsLeft) {
  StarTable t = good_stars(6);
  t.flux = {5, 9, 9, kNan, 9, 100};
  t.flags[5] = flag::saturated;
  const auto faint = reason::beyond_brightest;
  EXPECT_EQ(filter_stars(t, {.flags = flag::saturated, .brightest = 2}, kFrame),
            (Reasons{faint, "", "", faint, faint, "saturated"}));
  EXPECT_EQ(filter_stars(t, {.brightest = 6}, kFrame), Reasons(6));
  EXPECT_EQ(filter_stars(t, {.brightest = 5}, kFrame), (Reasons{"", "", "", faint, "", ""}));
}

// One star that breaks every rule, mended rule by rule.
TEST(StarFilter, GivesTheFirstReasonInTheOrderOfTheRules) {
  const FilterRules rules{.duplicate_radius = 0.1,
                          .flags = flag::poor_fit,
                          .box = Box{0, 2, 200, 80},
                          .edge_px = 5,
                          .position = Surroundings{50, 40, {.most = 33.5}},
                          .snr_min = 5,
                          .sharpness = {.most = 1},
                          .roundness1 = {-1, 1},
                          .neighbour_radius = 0.5,
                          .fwhm_sigma = 5,
                          .brightest = 8};
  constexpr std::size_t kStar = 10, kTwin = 9;
  StarTable t = good_stars(11);
  for (std::size_t i = 0; i < 9; ++i) t.x[i] = 30 + 5 * static_cast<double>(i);
  t.y[kTwin] = t.y[kStar] = 1;
  t.x[kTwin] = t.x[kStar] = 52;
  t.flags[kStar] = flag::poor_fit;
  t.snr[kStar] = 1;
  t.sharpness[kStar] = t.roundness1[kStar] = t.fwhm[kStar] = 9;
  t.flux[kStar] = 0;
  const auto now = [&] { return filter_stars(t, rules, kFrame)[kStar]; };
  EXPECT_EQ(now(), "duplicate");
  t.x[kStar] = 50;
  EXPECT_EQ(now(), "poor_fit");
  t.flags[kStar] = 0;
  EXPECT_EQ(now(), "region");
  t.y[kStar] = 3.5;
  EXPECT_EQ(now(), "frame_edge");
  t.y[kStar] = 5;
  EXPECT_EQ(now(), "position");
  t.y[kStar] = 38;
  EXPECT_EQ(now(), "snr");
  t.snr[kStar] = 5;
  EXPECT_EQ(now(), "sharpness");
  t.sharpness[kStar] = 1;
  EXPECT_EQ(now(), "roundness");
  t.roundness1[kStar] = 1;
  EXPECT_EQ(now(), "neighbour");
  t.y[kStar] = 30;
  EXPECT_EQ(now(), "fwhm_outlier");
  t.fwhm[kStar] = 4;
  EXPECT_EQ(now(), "beyond_brightest");
  t.flux[kStar] = 1e6;
  EXPECT_EQ(now(), "");
}

TEST(AppendRows, CopiesEveryColumnInTheOrderAsked) {
  StarTable from = good_stars(3), to = good_stars(1);
  from.id = {7, 8, 9};
  from.flags = {1, 2, 4};
  const std::vector<std::uint32_t> rows{2, 0};
  append_rows(from, rows, to);
  ASSERT_TRUE(to.consistent());
  EXPECT_EQ(to.id, (std::vector<std::int64_t>{0, 9, 7}));
  EXPECT_EQ(to.flags, (std::vector<Flags>{0, 4, 1}));
  EXPECT_EQ(to.x, (std::vector<double>{20, 40, 20}));
}

}  // namespace
}  // namespace starflow
