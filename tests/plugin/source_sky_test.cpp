// SPDX-License-Identifier: MIT
#include "support/node_harness.hpp"

#include "random.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace starflow {
namespace {

using test::OptionMap;
using test::Produced;

std::vector<Produced> sky(const OptionMap& changed) {
  OptionMap options{{"width", std::int64_t{128}},
                    {"height", std::int64_t{96}},
                    {"frames", std::int64_t{1}},
                    {"stars", std::int64_t{10}}};
  for (const auto& [name, value] : changed) options[name] = value;
  return test::run_source(source_sky_type(), options);
}

const cv::Mat& image(const Produced& p) { return p.frame()->image(); }
const Truth& truth(const Produced& p) { return *p.sent.at(1).as<Truth>(); }
bool same_bytes(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

/// Pearson's chi^2 of Poisson draws; classes with an expectation below 10 are put together.
double poisson_chi2_per_class(double mean, int draws) {
  Random random(5, 7);
  std::vector<double> seen(200);
  for (int i = 0; i < draws; ++i) seen[static_cast<std::size_t>(random.poisson(mean))] += 1;
  double chi2 = 0, rest_seen = 0, rest = draws, log_p = -mean;
  int classes = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    if (k > 0) log_p += std::log(mean) - std::log(static_cast<double>(k));
    const double expected = draws * std::exp(log_p);
    if (expected < 10) {
      rest_seen += seen[k];
      continue;
    }
    rest -= expected;
    chi2 += (seen[k] - expected) * (seen[k] - expected) / expected;
    ++classes;
  }
  return (chi2 + (rest_seen - rest) * (rest_seen - rest) / std::max(rest, 1.0)) / classes;
}

// chi^2 per class is 1 +- sqrt(2 / classes); there are 9 classes or more.
TEST(SkyRandom, DrawsPoissonNumbersOfASmallMean) {
  EXPECT_LT(poisson_chi2_per_class(2.5, 200'000), 1 + 4 * std::sqrt(2.0 / 9));
}
TEST(SkyRandom, DrawsPoissonNumbersOfALargeMean) {
  EXPECT_LT(poisson_chi2_per_class(25, 200'000), 1 + 4 * std::sqrt(2.0 / 30));
}

TEST(SkyRandom, GivesPoissonNumbersTheVarianceOfTheirMean) {
  Random random(1, 1);
  constexpr int n = 100'000;
  double sum = 0, sum2 = 0;
  for (int i = 0; i < n; ++i) {
    const double d = random.poisson(1e6) - 1e6;
    sum += d;
    sum2 += d * d;
  }
  EXPECT_NEAR(sum / n, 0, 4 * 1e3 / std::sqrt(n));
  EXPECT_NEAR(sum2 / n / 1e6, 1, 4 * std::sqrt(2.0 / n));
}

TEST(SkyRandom, DrawsNormalNumbers) {
  Random random(1, 2);
  constexpr int n = 200'000;
  double sum = 0, sum2 = 0, sum4 = 0;
  for (int i = 0; i < n; ++i) {
    const double d = random.normal();
    sum += d;
    sum2 += d * d;
    sum4 += d * d * d * d;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(sum2 / n, 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(sum4 / n, 3, 4 * std::sqrt(96.0 / n));
}

TEST(SkyRandom, TakesNothingForADarkPixel) {
  Random random(1, 3);
  EXPECT_EQ(random.poisson(0), 0);
  EXPECT_EQ(random.poisson(-1), 0);
}

TEST(SourceSky, RepeatsItsBytes) {
  const OptionMap two_frames{{"frames", std::int64_t{2}}};
  const auto once = sky(two_frames), again = sky(two_frames);
  ASSERT_EQ(once.size(), 2U);
  EXPECT_TRUE(same_bytes(image(once[1]), image(again[1])));
  EXPECT_EQ(truth(once[1]).x, truth(again[1]).x);
  EXPECT_FALSE(same_bytes(image(once[0]), image(once[1])));
}

TEST(SourceSky, GivesTheFramesThatAreChosenAsTheyAreInTheWholeSky) {
  const OptionMap small{{"width", std::int64_t{32}},
                        {"height", std::int64_t{32}},
                        {"stars", std::int64_t{3}},
                        {"frames", std::int64_t{8}}};
  const auto whole = test::run_source(source_sky_type(), small);
  const auto source = test::make<Source>(source_sky_type(), small);
  ASSERT_TRUE(source->select(1, 3));
  EXPECT_EQ(source->total(), 3U);
  const auto some = test::drain(*source);
  ASSERT_EQ(some.size(), 3U);
  for (std::size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(some[i].info.frame_id, 1 + 3 * i);
    const auto& same = whole.at(1 + 3 * i);
    EXPECT_TRUE(same_bytes(image(some[i]), image(same)));
  }
}

TEST(SourceSky, GivesAnotherSkyForAnotherSeed) {
  EXPECT_FALSE(same_bytes(image(sky({})[0]), image(sky({{"seed", std::int64_t{2}}})[0])));
}

TEST(SourceSky, KeepsTheStarsInPlaceWhenTheReadNoiseChanges) {
  EXPECT_EQ(truth(sky({})[0]).x, truth(sky({{"read_noise", 6.0}})[0]).x);
}

TEST(SourceSky, SaysWhatItKnowsAboutAFrame) {
  const auto frames =
      sky({{"frames", std::int64_t{2}}, {"seed", std::int64_t{9}}, {"gain", 2.0}, {"saturation", 4095.0}});
  const FrameInfo& info = frames[1].frame()->info();
  EXPECT_EQ(info.source, "sky:9/1");
  EXPECT_EQ(info.frame_id, 1U);
  EXPECT_EQ(info.gain.value, 2);
  EXPECT_EQ(info.gain.origin, Origin::config);
  EXPECT_EQ(info.saturation.value, 4095);
  EXPECT_EQ(truth(frames[1]).frame->source, info.source);
}

TEST(SourceSky, HasTheMeanAndTheVarianceOfThePhotons) {
  const double background = 150, gain = 1.7, read_noise = 6, pedestal = 300;
  const auto frames = sky({{"stars", std::int64_t{0}},
                           {"type", std::string("f32")},
                           {"background", background},
                           {"gain", gain},
                           {"read_noise", read_noise},
                           {"pedestal", pedestal}});
  cv::Scalar mean, sigma;
  cv::meanStdDev(image(frames[0]), mean, sigma);
  const double variance = (background * gain + read_noise * read_noise) / (gain * gain), n = 128 * 96;
  EXPECT_NEAR(mean[0], background + pedestal, 4 * std::sqrt(variance / n));
  EXPECT_NEAR(sigma[0] * sigma[0] / variance, 1, 4 * std::sqrt(2 / n));
}

TEST(SourceSky, TiltsTheSky) {
  const auto frames =
      sky({{"stars", std::int64_t{0}}, {"background", 500.0}, {"gradient_x", 200.0}, {"gradient_y", -100.0}});
  const cv::Mat& m = image(frames[0]);
  const double slack = 4 * std::sqrt(600.0 / 1.5 / (16 * 96)) + 0.5;
  // Means over strips of 16 of the 128 columns, 12 of the 96 rows: 7/16 of the rise from the middle.
  EXPECT_NEAR(cv::mean(m.colRange(112, 128))[0] - cv::mean(m.colRange(0, 16))[0], 200 * 7 / 8.0, 2 * slack);
  EXPECT_NEAR(cv::mean(m.rowRange(84, 96))[0] - cv::mean(m.rowRange(0, 12))[0], -100 * 7 / 8.0, 2 * slack);
}

/// The light of a single star within 40 px, with the sky taken off, over its true flux.
void expect_flux(const OptionMap& changed, double missing) {
  OptionMap options{
      {"stars", std::int64_t{1}},   {"snr_min", 3000.0},          {"snr_max", 3000.0}, {"type", std::string("f32")},
      {"background", 10.0},         {"read_noise", 0.0},          {"gain", 1.0},       {"seed", std::int64_t{3}},
      {"width", std::int64_t{128}}, {"height", std::int64_t{128}}};
  for (const auto& [name, value] : changed) options[name] = value;
  const auto frames = sky(options);
  ASSERT_TRUE(truth(frames[0]).isolated[0]) << "choose another seed";
  const double sum = cv::sum(image(frames[0]))[0] - 10.0 * 128 * 128;
  const double flux = truth(frames[0]).flux[0];
  EXPECT_NEAR(sum / flux, 1 - missing / 2, missing / 2 + 4 * std::sqrt(flux + 10.0 * 128 * 128) / flux);
}

TEST(SourceSky, GivesAGaussianStarItsFlux) { expect_flux({}, 0); }
TEST(SourceSky, GivesATurnedEllipticalGaussianItsFlux) { expect_flux({{"ellipticity", 0.3}, {"theta", 33.0}}, 0); }
// What a Moffat of beta 4 has outside of 25 px (its distance to the nearest edge, or more): (1 + (25/3.4)^2)^-3 = 6e-6.
TEST(SourceSky, GivesAMoffatStarItsFlux) {
  expect_flux({{"model", std::string("moffat")}, {"beta", 4.0}, {"ellipticity", 0.2}}, 1e-5);
}

TEST(SourceSky, DrawsTheSignalToNoiseRatiosAskedFor) {
  const auto frames =
      sky({{"stars", std::int64_t{400}}, {"snr_min", 20.0}, {"snr_max", 500.0}, {"frames", std::int64_t{2}}});
  for (const Produced& p : frames) {
    double mean_log = 0, inside = 0;
    const Truth& t = truth(p);
    for (std::size_t n = 0; n < t.x.size(); ++n) {
      if (t.x[n] < 12 || t.x[n] > 115 || t.y[n] < 12 || t.y[n] > 83) continue;  // a cut stamp has less signal
      // The flux is made for the SNR of a star at one sub-pixel phase; others differ by less than 1 %.
      ASSERT_GE(t.snr[n], 20 * 0.99);
      ASSERT_LE(t.snr[n], 500 * 1.01);
      mean_log += std::log(t.snr[n]);
      ++inside;
    }
    ASSERT_GT(inside, 100);
    const double sigma = std::log(25.0) / std::sqrt(12);
    EXPECT_NEAR(mean_log / inside, std::log(100.0), 4 * sigma / std::sqrt(inside));
  }
}

TEST(SourceSky, KeepsStarsApart) {
  const auto frames = sky({{"stars", std::int64_t{25}}, {"min_separation", 4.0}});
  const Truth& t = truth(frames[0]);
  ASSERT_EQ(t.x.size(), 25U);
  double closest = std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < t.x.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) closest = std::min(closest, std::hypot(t.x[a] - t.x[b], t.y[a] - t.y[b]));
  }
  EXPECT_GT(closest, 12);
}

TEST(SourceSky, CallsIsolatedWhatHasNoNeighbourAndNoEdge) {
  const auto frames = sky({{"stars", std::int64_t{12}}, {"snr_max", 100.0}, {"seed", std::int64_t{4}}});
  const Truth& t = truth(frames[0]);
  std::vector<bool> expected;
  for (std::size_t a = 0; a < t.x.size(); ++a) {
    bool alone = t.x[a] >= 12 && t.y[a] >= 12 && t.x[a] <= 115 && t.y[a] <= 83;
    for (std::size_t b = 0; b < t.x.size(); ++b)
      alone = alone && (a == b || std::hypot(t.x[a] - t.x[b], t.y[a] - t.y[b]) > 18);
    expected.push_back(alone);
  }
  EXPECT_EQ(t.isolated, expected);
}

TEST(SourceSky, StopsPixelsAtSaturationAndSaysWhoIsSaturated) {
  const auto frames = sky({{"snr_min", 900.0}, {"snr_max", 1000.0}, {"saturation", 4095.0}});
  double highest = 0;
  cv::minMaxLoc(image(frames[0]), nullptr, &highest);
  EXPECT_EQ(highest, 4095);
  for (const bool isolated : truth(frames[0]).isolated) EXPECT_FALSE(isolated);
}

TEST(SourceSky, HeatsTheSamePixelsInEachFrame) {
  const auto frames = sky({{"stars", std::int64_t{0}}, {"hot_pixels", std::int64_t{5}}, {"frames", std::int64_t{2}}});
  const double sky_adu = 200, limit = sky_adu + 7 * std::sqrt(300 + 25.0) / 1.5;
  EXPECT_EQ(cv::countNonZero(image(frames[0]) > limit), 5);
  EXPECT_TRUE(same_bytes(image(frames[0]) > limit, image(frames[1]) > limit));
}

std::string refused_option(const OptionMap& changed) {
  try {
    sky(changed);
  } catch (const OptionError& e) {
    return e.option();
  }
  return "";
}

TEST(SourceSky, RefusesARangeThatIsUpsideDown) {
  EXPECT_EQ(refused_option({{"snr_min", 50.0}, {"snr_max", 20.0}}), "snr_max");
}
TEST(SourceSky, RefusesMoreStarsThanFit) {
  EXPECT_EQ(refused_option({{"stars", std::int64_t{500}}, {"min_separation", 5.0}}), "stars");
}
TEST(SourceSky, RefusesASkyBelowZero) {
  EXPECT_EQ(refused_option({{"background", 5.0}, {"gradient_x", 20.0}}), "background");
}
TEST(SourceSky, RefusesASaturationThatThePixelsCannotHold) {
  EXPECT_EQ(refused_option({{"saturation", 70000.0}}), "saturation");
}

}  // namespace
}  // namespace starflow
