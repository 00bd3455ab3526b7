// SPDX-License-Identifier: MIT
/// \file
/// Node `match`: frames of one field however they are turned, tracks that last, and frames of which nothing can be
/// said.

#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "frame_transform.hpp"
#include "register.hpp"

#include <starflow/core/flags.hpp>
#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace starflow {
namespace {

using test::OptionMap;

constexpr int kSize = 1000;      // px
constexpr double kError = 0.02;  // px an axis
constexpr std::size_t kStars = 120;

struct Place {
  std::size_t star;  // of the field
  double x, y, flux;
};

std::vector<Place> field(std::uint64_t seed, std::size_t n = kStars) {
  std::mt19937_64 bits(seed);
  const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
  std::vector<Place> places;
  for (std::size_t k = 0; k < n; ++k) {
    const double x = kSize * uniform(), y = kSize * uniform();
    places.push_back({k, x, y, 1000 * std::exp(5 * uniform())});
  }
  return places;
}

/// A frame that shows the field's stars where \p to puts them, off by kError, without each \p lost -th.
class Sequence {
 public:
  explicit Sequence(const OptionMap& options = {}) : node_(test::make<Node>(match_type(), options)) {
    test::StartContext start;
    node_->start(start);
  }

  const StarList& show(std::vector<Place> places, const FrameTransform& to, std::size_t lost = 0) {
    std::erase_if(places, [&](const Place& p) {
      const StarPoint at = to({p.x, p.y});
      const bool outside = at.x < 0 || at.y < 0 || at.x > kSize || at.y > kSize;
      return outside || (lost > 0 && p.star % lost == 0);
    });
    for (Place& p : places) p.flux *= 1 + 0.05 * error();
    std::ranges::sort(places, std::ranges::greater(), &Place::flux);
    auto info = std::make_shared<FrameInfo>();
    info->width = info->height = kSize;
    info->source = "frame" + std::to_string(frames_++);
    StarList list;
    list.frame = info;
    list.fwhm_px = 3;
    list.stars.resize(places.size());
    star_.clear();
    for (std::size_t k = 0; k < places.size(); ++k) {
      const StarPoint at = to({places[k].x, places[k].y});
      list.stars.x[k] = at.x + kError * error();
      list.stars.y[k] = at.y + kError * error();
      list.stars.x_err[k] = list.stars.y_err[k] = kError;
      star_.push_back(places[k].star);
    }
    context_ = test::NodeContext(*info, {{0, test::message(std::move(list))}});
    node_->process(context_);
    return *context_.out_of<StarList>(0);
  }

  /// Of the rows of the last frame, in the field.
  [[nodiscard]] const std::vector<std::size_t>& star() const { return star_; }
  [[nodiscard]] std::size_t warnings() const { return context_.logged.size(); }

 private:
  double error() { return normal_(bits_); }

  std::unique_ptr<Node> node_;
  test::NodeContext context_;
  std::vector<std::size_t> star_;
  std::mt19937_64 bits_{20261123};
  std::normal_distribution<double> normal_;
  int frames_ = 0;
};

FrameTransform turned(double degrees, double scale, double x0, double y0, bool mirrored = false) {
  const double c = scale * std::cos(degrees * std::numbers::pi / 180),
               s = scale * std::sin(degrees * std::numbers::pi / 180);
  const double m = mirrored ? -1 : 1;
  return {c, -m * s, x0, s, m * c, y0};
}

const FrameTransform kSame;

TEST(Match, GivesEachStarOneTrackInShiftedTurnedScaledAndMirroredFrames) {
  Sequence frames;
  const std::vector<Place> stars = field(1);
  frames.show(stars, kSame);
  std::vector<std::int64_t> track(kStars, -1);
  const StarList& first = frames.show(stars, kSame);
  for (std::size_t k = 0; k < first.stars.size(); ++k) track[frames.star()[k]] = first.tracks.track_id[k];
  for (const FrameTransform& to : {turned(0, 1, 40, -25), turned(180, 1, kSize, kSize), turned(37, 1.3, 150, -400),
                                   turned(90, 0.5, 700, 200), turned(5, 1, -40, 950, true)}) {
    const StarList& list = frames.show(stars, to, 7);
    ASSERT_TRUE(list.registration->done) << list.frame->source;
    ASSERT_GT(list.stars.size(), kStars / 4);
    EXPECT_EQ(list.registration->reference, "frame0");
    double squares = 0;
    std::size_t n = 0;
    for (std::size_t k = 0; k < list.stars.size(); ++k) {
      const std::size_t star = frames.star()[k];
      if (track[star] < 0) continue;
      EXPECT_EQ(list.tracks.track_id[k], track[star]) << "star " << star;
      squares += std::pow(list.tracks.x_residual[k], 2) + std::pow(list.tracks.y_residual[k], 2);
      ++n;
      EXPECT_NEAR(list.tracks.x_ref[k], stars[star].x, 0.3);
    }
    // Two frames' errors, that of this one in pixels of the reference; 2 n values: 1 / sqrt(4 n) is one sigma.
    const double scale = std::hypot(to.xx, to.yx), expected = kError * std::sqrt(1 + 1 / (scale * scale));
    const double rms = std::sqrt(squares / (2 * static_cast<double>(n)));
    EXPECT_NEAR(rms / expected, 1, 5 / std::sqrt(4 * static_cast<double>(n))) << scale;
    EXPECT_NEAR(list.registration->rms_px / expected, 1, 6 / std::sqrt(4 * static_cast<double>(n)));
  }
}

TEST(Match, LeavesTheReferenceWhereItIs) {
  Sequence frames;
  const StarList& list = frames.show(field(2), kSame);
  ASSERT_TRUE(list.registration->done) << list.frame->source;
  EXPECT_EQ(list.registration->to_reference, (std::array<double, 6>{1, 0, 0, 0, 1, 0}));
  for (std::size_t k = 0; k < list.stars.size(); ++k) {
    EXPECT_EQ(list.tracks.track_id[k], static_cast<std::int64_t>(k));
    EXPECT_EQ(list.tracks.x_ref[k], list.stars.x[k]);
    EXPECT_EQ(list.tracks.y_residual[k], 0);
  }
}

TEST(Match, BeginsTracksForStarsThatTheReferenceDoesNotShow) {
  Sequence frames;
  const std::vector<Place> stars = field(3);
  frames.show(stars, turned(0, 1, -300, 0));
  const StarList& second = frames.show(stars, turned(0, 1, -200, 0));
  std::vector<std::int64_t> track(kStars, -1);
  std::size_t fresh = 0;
  for (std::size_t k = 0; k < second.stars.size(); ++k) {
    track[frames.star()[k]] = second.tracks.track_id[k];
    fresh += stars[frames.star()[k]].x < 300 ? 1U : 0U;
  }
  ASSERT_GT(fresh, 5U);
  const StarList& third = frames.show(stars, turned(0, 1, -250, 10));
  for (std::size_t k = 0; k < third.stars.size(); ++k) {
    const std::size_t star = frames.star()[k];
    if (track[star] >= 0) {
      EXPECT_EQ(third.tracks.track_id[k], track[star]);
    }
  }
}

// 200 frames of other fields, of 8 to 120 stars: none is taken for one of the reference's.
TEST(Match, SaysThatAFrameOfAnotherFieldDoesNotMatch) {
  Sequence frames;
  frames.show(field(4), kSame);
  for (std::uint64_t seed = 100; seed < 300; ++seed) {
    const StarList& other = frames.show(field(seed, 8 + (seed % 8) * 16), kSame);
    EXPECT_FALSE(other.registration->done) << seed;
    EXPECT_EQ(frames.warnings(), 1U);
    EXPECT_TRUE(std::ranges::all_of(other.tracks.track_id, [](std::int64_t id) { return id == -1; }));
    EXPECT_TRUE(other.tracks.fits(other.stars.size()));
  }
  EXPECT_TRUE(frames.show(field(4), turned(0, 1, 3, 4)).registration->done);
}

TEST(Match, WaitsForAFrameWithEnoughStars) {
  Sequence frames;
  EXPECT_FALSE(frames.show(field(5, 3), kSame).registration->done);
  EXPECT_EQ(frames.show(field(5, 0), kSame).tracks.track_id.size(), 0U);
  EXPECT_EQ(frames.show(field(5), kSame).registration->reference, "frame2");
}

TEST(Match, TakesTheIdsOfAReferenceList) {
  const test::TempDir folder;
  const std::vector<Place> stars = field(6);
  std::vector<Place> bright = stars;
  std::ranges::sort(bright, std::ranges::greater(), &Place::flux);
  const std::string path = folder / "list.csv";
  std::ofstream list(path);
  list.precision(12);
  list << "id,x,y\n";
  for (const Place& p : bright) list << 5000 + p.star << ',' << p.x << ',' << p.y << '\n';
  list.close();
  Sequence frames({{"reference", path}});
  const StarList& got = frames.show(stars, turned(12, 1, 60, -80));
  ASSERT_TRUE(got.registration->done);
  EXPECT_EQ(got.registration->reference, path);
  for (std::size_t k = 0; k < got.stars.size(); ++k)
    EXPECT_EQ(got.tracks.track_id[k], static_cast<std::int64_t>(5000 + frames.star()[k]));
}

TEST(Match, RefusesAListWithTooFewStars) {
  const test::TempDir folder;
  const std::string path = folder / "list.csv";
  std::ofstream(path) << "id,x,y\n1,2,3\n4,5,6\n";
  EXPECT_THROW(Sequence(OptionMap{{"reference", path}}), OptionError);
  EXPECT_THROW(Sequence(OptionMap{{"reference", folder / "none.csv"}}), OptionError);
  EXPECT_THROW(Sequence(OptionMap{{"brightest", std::int64_t{5}}}), OptionError);
}

TEST(Match, LeavesOutWhatIsNoStar) {
  Sequence frames;
  frames.show(field(7), kSame);
  StarList list = frames.show(field(7), kSame);
  list.stars.flags[3] = flag::hot_pixel;
  list.stars.x[5] = std::nan("");
  const auto node = test::make<Node>(match_type());
  const FrameInfo info = *list.frame;
  test::NodeContext context(info, {{0, test::message(std::move(list))}});
  node->process(context);
  const StarList& out = *context.out_of<StarList>(0);
  EXPECT_EQ(out.tracks.track_id[3], -1);
  EXPECT_EQ(out.tracks.track_id[5], -1);
  EXPECT_EQ(out.tracks.track_id[6], 4);
  EXPECT_TRUE(std::isnan(out.tracks.x_ref[5]));
}

}  // namespace
}  // namespace starflow
