// SPDX-License-Identifier: MIT
/// \file
/// Node `filter`: its options become rules, its table loses the rows that the rules take, and the frame counts them.

#include "plugin/star_list_fixture.hpp"
#include "support/node_harness.hpp"

#include "filter_options.hpp"
#include "register.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using test::OptionMap;
using namespace std::string_literals;

FilterRules rules(const OptionMap& given) { return read_filter(test::Options(filter_type(), given)); }

/// What the node makes of \p in.
Message filtered(const Message& in, const OptionMap& given) {
  FrameInfo info;
  info.width = info.height = 100;
  return test::run_node(filter_type(), given, info, {{0, in}}).at(0);
}

/// Five different stars with S/N 50, 40, 30, 20, 10.
StarList five_stars() {
  StarList list = test::star_list(test::distinct_stars(5));
  list.stars.snr = {50, 40, 30, 20, 10};
  list.rejected = {{"too_few_pixels", 2}};
  return list;
}

using Counts = std::map<std::string, std::size_t>;

TEST(Filter, SendsTheSameTableOnWhereNothingGoes) {
  const Message in = test::message(five_stars());
  EXPECT_EQ(filtered(in, {}).as<StarList>(), in.as<StarList>());
  EXPECT_EQ(filtered(in, {{"snr_min", 5.0}, {"list_rejected", true}}).as<StarList>(), in.as<StarList>());
}

TEST(Filter, AsksForMoreWhereTheWidthOfStarsWasGuessed) {
  StarList list = five_stars();
  list.stars.flux_err = list.stars.flux;
  for (double& e : list.stars.flux_err) e /= 4;
  for (std::size_t i = 0; i < 5; ++i) list.stars.fwhm_err[i] = list.stars.fwhm[i];
  const OptionMap options = {{"significance.min", 3.0}, {"significance.guessed_fwhm", 5.0}};
  EXPECT_EQ(filtered(test::message(StarList(list)), options).as<StarList>()->stars.size(), 5U);
  list.fwhm_guessed = true;
  EXPECT_EQ(filtered(test::message(std::move(list)), options).as<StarList>()->rejected.at("insignificant"), 5U);
}

TEST(Filter, LeavesStarsTheirTracks) {
  StarList list = five_stars();
  list.tracks.resize(5);
  list.tracks.track_id = {10, 11, 12, -1, 14};
  list.registration = std::make_shared<const FrameRegistration>();
  const Message out = filtered(test::message(std::move(list)), {{"snr_min", 15.0}});
  EXPECT_EQ(out.as<StarList>()->tracks.track_id, (std::vector<std::int64_t>{10, 11, 12, -1}));
  EXPECT_TRUE(out.as<StarList>()->tracks.fits(4));
  EXPECT_NE(out.as<StarList>()->registration, nullptr);
}

TEST(Filter, KeepsTheOthersInTheirOrderAndCountsWhatGoes) {
  StarList list = five_stars();
  list.fwhm_guessed = true;
  list.stars.flags[2] = flag::poor_fit;
  const Message in = test::message(std::move(list));
  const Message sent = filtered(in, {{"snr_min", 20.0}, {"flags", std::vector<std::string>{"poor_fit"}}});
  const StarList& before = *in.as<StarList>();
  const StarList& after = *sent.as<StarList>();
  ASSERT_TRUE(after.stars.consistent());
  zip_columns(
      [](std::string_view name, auto, auto, const auto& from, const auto& to) {
        using Column = std::remove_cvref_t<decltype(from)>;
        EXPECT_EQ(to, (Column{from[0], from[1], from[3]})) << name;
      },
      before.stars, after.stars);
  EXPECT_EQ(after.rejected, (Counts{{"too_few_pixels", 2}, {"poor_fit", 1}, {"snr", 1}}));
  EXPECT_TRUE(after.listed.reasons.empty());
  EXPECT_EQ(after.listed.stars.size(), 0U);
  EXPECT_EQ(after.frame, before.frame);
  EXPECT_EQ(after.background_adu, before.background_adu);
  EXPECT_EQ(after.noise_adu, before.noise_adu);
  EXPECT_EQ(after.background_reliable, before.background_reliable);
  EXPECT_EQ(after.fwhm_px, before.fwhm_px);
  EXPECT_EQ(after.fwhm_guessed, before.fwhm_guessed);
}

TEST(Filter, ListsWhatGoesOnRequestAfterWhatAnotherOneListed) {
  const Message first = filtered(test::message(five_stars()), {{"snr_min", 20.0}, {"list_rejected", true}});
  const Message second = filtered(first, {{"brightest", std::int64_t{2}}, {"list_rejected", true}});
  const StarList& out = *second.as<StarList>();
  EXPECT_EQ(out.listed.reasons.front(), "snr");
  EXPECT_EQ(out.listed.stars.snr.front(), 10);
  EXPECT_EQ(out.listed.reasons, (std::vector<std::string>{"snr", "beyond_brightest", "beyond_brightest"}));
  EXPECT_EQ(out.stars.size() + out.listed.stars.size(), 5U);
  EXPECT_EQ(out.rejected, (Counts{{"too_few_pixels", 2}, {"snr", 1}, {"beyond_brightest", 2}}));
  const Message third = filtered(second, {{"brightest", std::int64_t{1}}});
  EXPECT_EQ(third.as<StarList>()->listed.reasons, out.listed.reasons) << "an earlier list travels on";
}

TEST(Filter, GoesByTheWidthOfTheFrame) {
  StarList list = five_stars();
  list.fwhm_px = 10;
  list.stars.x = {10, 19.9, 40, 60, 90};
  list.stars.y = {50, 50, 50, 50, 50};
  const Message sent = filtered(test::message(std::move(list)), {{"duplicate_radius", 1.0}, {"list_rejected", true}});
  const StarList& out = *sent.as<StarList>();
  EXPECT_EQ(out.listed.stars.x, (std::vector<double>{19.9}));
  EXPECT_EQ(out.listed.stars.flags, (std::vector<Flags>{flag::duplicate}));
  EXPECT_EQ(out.rejected.at("duplicate"), 1U);
}

TEST(Filter, RefusesATableWhoseColumnsDiffer) {
  StarList list = five_stars();
  list.stars.flux.pop_back();
  EXPECT_THROW((void)filtered(test::message(std::move(list)), {{"snr_min", 1.0}}), std::invalid_argument);
}

TEST(FilterOptions, AreAllOffUnlessGiven) {
  const FilterRules r = rules({});
  EXPECT_EQ(r.duplicate_radius, 0);
  EXPECT_EQ(r.flags, 0U);
  EXPECT_FALSE(r.box || r.circle || r.position);
  EXPECT_EQ(r.edge_px, 0);
  EXPECT_EQ(r.snr_min, 0);
  EXPECT_EQ(r.significance_min, 0);
  EXPECT_EQ(r.significance_guessed, 0);
  EXPECT_FALSE(r.sharpness.set() || r.roundness1.set() || r.roundness2.set());
  EXPECT_EQ(r.neighbour_radius, 0);
  EXPECT_EQ(r.fwhm_sigma, 0);
  EXPECT_EQ(r.brightest, 0U);
}

TEST(FilterOptions, BecomeTheRulesOfTheirName) {
  const FilterRules r = rules({{"duplicate_radius", 0.5},
                               {"flags", std::vector<std::string>{"saturated", "nonlinear_range"}},
                               {"region.box_px", std::vector<double>{1, 2, 3, 4}},
                               {"region.keep", "outside"s},
                               {"edge_px", 7.0},
                               {"position.x_px", 8.0},
                               {"position.y_px", 9.0},
                               {"position.min_px", 10.0},
                               {"position.max_px", 11.0},
                               {"snr_min", 12.0},
                               {"significance.min", 12.5},
                               {"significance.guessed_fwhm", 12.75},
                               {"sharpness.min", 13.0},
                               {"sharpness.max", 14.0},
                               {"roundness1.min", 15.0},
                               {"roundness1.max", 16.0},
                               {"roundness2.min", 17.0},
                               {"roundness2.max", 18.0},
                               {"neighbour_radius", 19.0},
                               {"fwhm_outlier.sigma", 20.0},
                               {"fwhm_outlier.floor", 0.25},
                               {"brightest", std::int64_t{21}}});
  EXPECT_EQ(r.duplicate_radius, 0.5);
  EXPECT_EQ(r.flags, flag::saturated | flag::nonlinear_range);
  ASSERT_TRUE(r.box);
  EXPECT_EQ((std::vector<double>{r.box->left, r.box->top, r.box->right, r.box->bottom}),
            (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(r.region_side, Side::outside);
  EXPECT_EQ(r.edge_px, 7);
  ASSERT_TRUE(r.position);
  EXPECT_EQ((std::vector<double>{r.position->x, r.position->y, r.position->distance.least, r.position->distance.most}),
            (std::vector<double>{8, 9, 10, 11}));
  EXPECT_EQ(r.snr_min, 12);
  EXPECT_EQ(r.significance_min, 12.5);
  EXPECT_EQ(r.significance_guessed, 12.75);
  EXPECT_EQ(rules({{"significance.min", 3.0}}).significance_guessed, 3);
  EXPECT_EQ((std::vector<double>{r.sharpness.least, r.sharpness.most, r.roundness1.least, r.roundness1.most,
                                 r.roundness2.least, r.roundness2.most}),
            (std::vector<double>{13, 14, 15, 16, 17, 18}));
  EXPECT_EQ(r.neighbour_radius, 19);
  EXPECT_EQ(r.fwhm_sigma, 20);
  EXPECT_EQ(r.fwhm_floor, 0.25);
  EXPECT_EQ(r.brightest, 21U);
  const FilterRules circle = rules({{"region.circle_px", std::vector<double>{1, 2, 3}}});
  ASSERT_TRUE(circle.circle);
  EXPECT_EQ((std::vector<double>{circle.circle->x, circle.circle->y, circle.circle->radius}),
            (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(circle.region_side, Side::inside);
  EXPECT_EQ(rules({{"fwhm_outlier.sigma", 3.0}}).fwhm_floor, FilterRules::kSigmaFloor);
}

/// Options that can't work, which of them is named, and what the message says.
struct Contradiction {
  const char* name;
  OptionMap given;
  const char* option;
  const char* why;
};
void PrintTo(const Contradiction& c, std::ostream* out) { *out << c.name; }

class FilterRefuses : public testing::TestWithParam<Contradiction> {};

TEST_P(FilterRefuses, OptionsThatCannotWorkAndSaysWhy) {
  try {
    (void)rules(GetParam().given);
    FAIL() << "taken";
  } catch (const OptionError& e) {
    EXPECT_EQ(e.option(), GetParam().option);
    EXPECT_NE(std::string(e.what()).find(GetParam().why), std::string::npos) << e.what();
  }
}

std::vector<double> numbers(std::initializer_list<double> list) { return list; }

INSTANTIATE_TEST_SUITE_P(
    Each,
    FilterRefuses,
    testing::Values(
        Contradiction{"ABoxOfThree", {{"region.box_px", numbers({1, 2, 3})}}, "region.box_px", "wants 4 numbers"},
        Contradiction{"ABoxInsideOut", {{"region.box_px", numbers({5, 0, 4, 9})}}, "region.box_px", "empty"},
        Contradiction{"ABoxUpsideDown", {{"region.box_px", numbers({0, 9, 4, 5})}}, "region.box_px", "empty"},
        Contradiction{
            "ACircleOfFour", {{"region.circle_px", numbers({1, 2, 3, 4})}}, "region.circle_px", "wants 3 numbers"},
        Contradiction{"ACircleOfNoSize", {{"region.circle_px", numbers({1, 2, 0})}}, "region.circle_px", "above 0 px"},
        Contradiction{"TwoRegions",
                      {{"region.box_px", numbers({0, 0, 1, 1})}, {"region.circle_px", numbers({1, 2, 3})}},
                      "region.circle_px",
                      "one of the two"},
        Contradiction{"ASideOfNoRegion", {{"region.keep", "inside"s}}, "region.keep", "no region"},
        Contradiction{"XWithoutY", {{"position.x_px", 1.0}, {"position.max_px", 1.0}}, "position.x_px", "each needs"},
        Contradiction{"YWithoutX", {{"position.y_px", 1.0}, {"position.max_px", 1.0}}, "position.y_px", "each needs"},
        Contradiction{"APlaceWithoutDistance",
                      {{"position.x_px", 1.0}, {"position.y_px", 1.0}},
                      "position.x_px",
                      "\"min_px\" or \"max_px\""},
        Contradiction{"ADistanceFromNowhere", {{"position.max_px", 1.0}}, "position.max_px", "\"x_px\" and \"y_px\""},
        Contradiction{
            "NoDistance",
            {{"position.x_px", 1.0}, {"position.y_px", 1.0}, {"position.min_px", 5.0}, {"position.max_px", 4.0}},
            "position.max_px",
            "4 is below position.min_px = 5"},
        Contradiction{"NoSharpness", {{"sharpness.min", 1.0}, {"sharpness.max", 0.5}}, "sharpness.max", "is below"},
        Contradiction{"NoRoundness1", {{"roundness1.min", 1.0}, {"roundness1.max", 0.5}}, "roundness1.max", "is below"},
        Contradiction{"NoRoundness2", {{"roundness2.min", 1.0}, {"roundness2.max", 0.5}}, "roundness2.max", "is below"},
        Contradiction{"AFloorWithoutSigma", {{"fwhm_outlier.floor", 0.1}}, "fwhm_outlier.floor", "\"sigma\""}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace starflow
