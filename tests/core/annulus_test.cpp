// SPDX-License-Identifier: MIT
/// \file
/// The sky in a ring: bias, scatter, honest errors, and what is left out.

#include "support/allocation_counter.hpp"

#include "annulus.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

constexpr double kLevel = 200, kNoise = 4;
const Ring kRing{7.5, 13.5, 6, 0};                 // 2.5 to 4.5 FWHM of 3 px
constexpr int kAcross = 30, kStep = 40;            // rings that share no pixel
constexpr std::size_t kRings = kAcross * kAcross;  // 900

/// Means over the rings, about the truth.
struct Score {
  double mean_pull = 0, rms_pull = 0, noise_ratio = 0, shift = 0;  // shift: of the level, in units of the noise
  std::size_t unusable = 0;
};

/// 900 stars on a grid, each with its own ring.
class RingSkyOf900Stars : public ::testing::Test {
 protected:
  RingSkyOf900Stars() : scene_(kAcross * kStep, kAcross * kStep, kLevel) {
    for (int k = 0; k < static_cast<int>(kRings); ++k) {
      x_.push_back((k % kAcross + 0.5) * kStep + 0.37 * std::sin(k));
      y_.push_back((k / kAcross + 0.5) * kStep + 0.37 * std::cos(k));
    }
  }

  /// A star of 3 px FWHM at a distance of 10 px from every star, its direction another one each time. \p known  it
  /// counts as a detection
  void add_companions(double flux, bool known) {
    for (std::size_t k = 0; k < kRings; ++k) {
      const double angle = 2.4 * static_cast<double>(k);
      const double x = x_[k] + 10 * std::cos(angle), y = y_[k] + 10 * std::sin(angle), s = 3 / 2.3548;
      for (int j = static_cast<int>(y) - 12; j <= static_cast<int>(y) + 12; ++j) {
        for (int i = static_cast<int>(x) - 12; i <= static_cast<int>(x) + 12; ++i) {
          if (i < 0 || j < 0 || i >= scene_.width || j >= scene_.height) continue;
          const double r2 = (i - x) * (i - x) + (j - y) * (j - y);
          scene_.at(i, j) += static_cast<float>(flux / (2 * std::numbers::pi * s * s) * std::exp(-0.5 * r2 / (s * s)));
        }
      }
      if (known) {
        x_.push_back(x);
        y_.push_back(y);
      }
    }
  }

  Score score() {
    test::add_noise(scene_, kNoise, 5);
    NeighbourIndex others;
    others.build(x_, y_);
    Score s;
    for (std::size_t k = 0; k < kRings; ++k) {
      const RingSky sky = ring_sky(scene_.view(), {}, others, k, x_[k], y_[k], kRing, *buffer_);
      if (!sky.usable()) {
        ++s.unusable;
        continue;
      }
      const double pull = (sky.level - kLevel) / sky.level_err;
      s.mean_pull += pull / kRings;
      s.rms_pull += pull * pull / kRings;
      s.noise_ratio += sky.noise / kNoise / kRings;
      s.shift += (sky.level - kLevel) / kNoise / kRings;
    }
    s.rms_pull = std::sqrt(s.rms_pull);
    return s;
  }

  test::Scene<float> scene_;
  std::vector<double> x_, y_;
  std::unique_ptr<RingBuffer> buffer_ = std::make_unique<RingBuffer>();
};

// 900 pulls: their mean scatters by 1/30, their rms by 1/sqrt(1800); one ring's noise (400 pixels) by 3.5 %, the mean
// of 900 by 0.12 %. Four of each. The clip at the sample's own sigma loses 0.2 % more than that at the true one.
TEST_F(RingSkyOf900Stars, GivesLevelNoiseAndErrorOfAFlatSky) {
  const Score s = score();
  EXPECT_EQ(s.unusable, 0U);
  EXPECT_NEAR(s.mean_pull, 0, 4 / 30.0);
  EXPECT_NEAR(s.rms_pull, 1, 4 / std::sqrt(1800.0));
  EXPECT_NEAR(s.noise_ratio, 1, 0.007);
}

// At 6 px of a star of FWHM 3 px there is exp(-11) of its peak.
TEST_F(RingSkyOf900Stars, LeavesOutBrightDetectedNeighbours) {
  add_companions(50000, true);
  const Score s = score();
  EXPECT_EQ(s.unusable, 0U);
  EXPECT_NEAR(s.mean_pull, 0, 4 / 30.0);
  EXPECT_NEAR(s.rms_pull, 1, 4 / std::sqrt(1800.0));
  EXPECT_NEAR(s.noise_ratio, 1, 0.007);
}

// An undetected star of 4 sigma at its peak stands above 1 sigma on the 15 pixels within 1.67 of its own sigma, and
// reaches 30 of 400 in all: it moves the median by at most sqrt(pi/2) * 30/400 = 0.094 of the noise, whatever its
// light.
TEST_F(RingSkyOf900Stars, IsHardlyMovedByAnUndetectedStar) {
  add_companions(4 * kNoise * 10.2, false);
  const Score s = score();
  EXPECT_GT(s.shift, 0);
  EXPECT_LT(s.shift, 0.094);
}

TEST_F(RingSkyOf900Stars, AllocatesNothingOnceTheIndexIsWarm) {
  NeighbourIndex others;
  others.build(x_, y_);
  const test::AllocationCounter counter;
  others.build(x_, y_);
  const RingSky sky = ring_sky(scene_.view(), {}, others, 0, x_[0], y_[0], kRing, *buffer_);
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_TRUE(sky.usable());
}

/// One star at (50, 50) of a frame of 100x100 px.
class RingSkyOfOneStar : public ::testing::Test {
 protected:
  RingSkyOfOneStar() : scene_(100, 100, kLevel) { test::add_noise(scene_, kNoise, 9); }

  RingSky sky(double x, double y, const Ring& ring = kRing, const Detector& detector = {}) {
    return sky(scene_.view(), x, y, ring, detector);
  }
  RingSky sky(const FrameView& frame, double x, double y, const Ring& ring = kRing, const Detector& detector = {}) {
    return ring_sky(frame, detector, others_, 0, x, y, ring, *buffer_);
  }
  bool in_ring(int x, int y) const {
    const double r = std::hypot(x - 50, y - 50);
    return r >= kRing.inner && r <= kRing.outer;
  }

  test::Scene<float> scene_;
  NeighbourIndex others_;
  std::unique_ptr<RingBuffer> buffer_ = std::make_unique<RingBuffer>();
};

TEST_F(RingSkyOfOneStar, LeavesOutMaskedPixels) {
  std::vector<std::uint8_t> mask(100 * 100);
  for (std::size_t k = 0; k < mask.size(); ++k) {
    if (k % 3 != 0) {
      mask[k] = 1;
      scene_.pixels[k] = 1000;
    }
  }
  FrameView frame = scene_.view();
  frame.mask = {mask.data(), 100};
  const RingSky s = sky(frame, 50, 50);
  ASSERT_TRUE(s.usable());
  EXPECT_NEAR(s.level, kLevel, 4 * s.level_err);
  EXPECT_NEAR(s.noise, kNoise, 4 * kNoise / std::sqrt(2.0 * s.n_pix));
}

TEST_F(RingSkyOfOneStar, LeavesOutNanAndSaturatedPixels) {
  for (int k = 0; k < 100 * 100; ++k) {
    if (k % 3 != 0) scene_.pixels[static_cast<std::size_t>(k)] = k % 3 == 1 ? NAN : 1000;
  }
  Detector detector;
  detector.saturation_adu = 1000;
  const RingSky s = sky(50, 50, kRing, detector);
  ASSERT_TRUE(s.usable());
  EXPECT_NEAR(s.level, kLevel, 4 * s.level_err);
  EXPECT_NEAR(s.noise, kNoise, 4 * kNoise / std::sqrt(2.0 * s.n_pix));
}

TEST_F(RingSkyOfOneStar, CountsThePixelsOfTheRing) {
  scene_ = test::Scene<float>(100, 100, kLevel);
  int n = 0;
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) n += in_ring(x, y) ? 1 : 0;
  }
  const RingSky s = sky(50, 50);
  EXPECT_EQ(s.n_pix, n);
  EXPECT_EQ(s.level, kLevel);
  EXPECT_EQ(s.noise, 0);
}

TEST_F(RingSkyOfOneStar, UsesWhatTheEdgeOfTheFrameLeaves) {
  const RingSky s = sky(0, 0);  // a quarter
  ASSERT_TRUE(s.usable());
  EXPECT_NEAR(s.level, kLevel, 4 * s.level_err);
  EXPECT_NEAR(s.n_pix, std::numbers::pi / 4 * (13.5 * 13.5 - 7.5 * 7.5), 15);
}

TEST_F(RingSkyOfOneStar, SaysWhenNeighboursLeaveTooFewPixels) {
  std::vector<double> x = {50}, y = {50};
  for (int k = 0; k < 12; ++k) {
    x.push_back(50 + 10.5 * std::cos(k * std::numbers::pi / 6));
    y.push_back(50 + 10.5 * std::sin(k * std::numbers::pi / 6));
  }
  others_.build(x, y);
  EXPECT_FALSE(sky(50, 50).usable());
}

TEST_F(RingSkyOfOneStar, DoesNotTakeTheStarForItsOwnNeighbour) {
  const Ring near{4, 13.5, 6, 0};
  const int alone = sky(50, 50, near).n_pix;
  others_.build(std::vector<double>{50}, std::vector<double>{50});
  EXPECT_EQ(sky(50, 50, near).n_pix, alone);
}

TEST_F(RingSkyOfOneStar, SaysWhenTheCrowdExceedsItsMemory) {
  others_.build(std::vector<double>(600, 50.0), std::vector<double>(600, 50.0));
  EXPECT_FALSE(sky(50, 50).usable());
}

TEST_F(RingSkyOfOneStar, SaysTooFewPixelsFarOutsideOfTheFrame) {
  EXPECT_FALSE(sky(1e12, -1e12).usable());
  EXPECT_FALSE(sky(-20, 50).usable());
}

TEST_F(RingSkyOfOneStar, SkipsNeighboursWithoutAPosition) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  others_.build(std::vector<double>{50, nan, 60}, std::vector<double>{50, 50, INFINITY});
  EXPECT_EQ(others_.rows(-1e9, 1e9).size(), 1U);
  EXPECT_TRUE(sky(50, 50).usable());
}

// 20,106 pixels: every 3rd row and column leaves 2,234.
TEST_F(RingSkyOfOneStar, ReadsALargeRingOnALattice) {
  test::Scene<float> large(400, 400, kLevel);
  test::add_noise(large, kNoise, 2);
  const RingSky s = sky(large.view(), 200, 200, {60, 100, 0, 0});
  EXPECT_NEAR(s.n_pix, 2234, 60);
  EXPECT_NEAR(s.level, kLevel, 4 * s.level_err);
  EXPECT_NEAR(s.noise, kNoise, 4 * kNoise / std::sqrt(2 * 2234.0));
}

TEST_F(RingSkyOfOneStar, ReadsAThinRingWiderThanItsMemory) {
  test::Scene<float> large(2100, 2100, kLevel);
  const RingSky s = sky(large.view(), 1050, 1050, {1000, 1001, 0, 0});
  EXPECT_TRUE(s.usable());
  EXPECT_EQ(s.level, kLevel);
}

// A pedestal that the type holds exactly changes nothing but the level.
TEST_F(RingSkyOfOneStar, DoesNotDependOnAPedestal) {
  test::Scene<std::int32_t> low(100, 100, 0), high(100, 100, 0);
  for (std::size_t k = 0; k < low.pixels.size(); ++k) {
    low.pixels[k] = static_cast<std::int32_t>(scene_.pixels[k]);
    high.pixels[k] = low.pixels[k] + 1'000'000'000;
  }
  const RingSky a = sky(low.view(), 50, 50), b = sky(high.view(), 50, 50, {7.5, 13.5, 6, 1e9});
  EXPECT_EQ(b.level - 1e9, a.level);
  EXPECT_EQ(b.noise, a.noise);
}

// Whole numbers of a noise of 1.4: the level may be off by its error, not by a part of a step.
TEST(RingSky, IsNotPulledToWholeNumbers) {
  double mean = 0;
  const auto buffer = std::make_unique<RingBuffer>();
  for (std::uint64_t k = 0; k < 100; ++k) {
    test::Scene<std::uint16_t> scene(40, 40, 0);
    test::Scene<double> exact(40, 40, 300.4);
    test::add_noise(exact, 1.4, k);
    for (std::size_t i = 0; i < scene.pixels.size(); ++i) {
      scene.pixels[i] = static_cast<std::uint16_t>(std::round(exact.pixels[i]));
    }
    mean += ring_sky(scene.view(), {}, {}, 0, 20, 20, kRing, *buffer).level / 100;
  }
  EXPECT_NEAR(mean, 300.4, 4 * 1.2533 * 1.43 / std::sqrt(400.0 * 100));
}

}  // namespace
}  // namespace starflow
