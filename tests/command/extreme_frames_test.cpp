// SPDX-License-Identifier: MIT
/// \file
/// Frames at the ends of what there is: nothing in them, nothing but saturated stars, a hundred thousand stars, 1.8 GB.

#include "night.hpp"

#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <random>
#include <set>

namespace starflow::test {
namespace {

/// A FITS file of unsigned 16-bit pixels, as cameras write it: what the pixels are less 32768 as signed numbers.
std::string u16_header(int width, int height) {
  return fits_primary({16, {width, height}, {}, {card("BZERO", "32768"), card("BSCALE", "1"), card("GAIN", "1.0")}});
}

std::string u16_data(const Scene<float>& scene, float saturation = 65535) {
  std::vector<std::uint16_t> pixels;
  pixels.reserve(scene.pixels.size());
  for (const float v : scene.pixels) {
    const auto adu = static_cast<std::uint16_t>(std::lround(std::clamp(v, 0.0F, saturation)));
    pixels.push_back(static_cast<std::uint16_t>(adu ^ 0x8000U));
  }
  return big_endian(pixels);
}

struct Point {
  double x = 0, y = 0;
};

/// Adds stars on a lattice of \p pitch px, each moved by up to \p jitter px along either axis, of \p least to 20 times
/// \p least light, as many bright as faint.
std::vector<Point> add_lattice(
    Scene<float>& scene, double pitch, double jitter, double sigma, double least, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> moved(-jitter, jitter), brighter(0, std::log(20.0));
  std::vector<Point> stars;
  for (double y = pitch; y < scene.height - pitch / 2; y += pitch) {
    for (double x = pitch; x < scene.width - pitch / 2; x += pitch) {
      const Point star{x + moved(bits), y + moved(bits)};
      add_star(scene, star.x, star.y, least * std::exp(brighter(bits)), sigma, sigma);
      stars.push_back(star);
    }
  }
  return stars;
}

/// How many of \p stars have a record of their own within \p reach px.
std::size_t found(const std::vector<Point>& stars, const std::vector<json>& records, double reach) {
  std::map<std::pair<int, int>, std::vector<std::size_t>> cells;
  const auto cell = [](double v) { return static_cast<int>(std::floor(v / 4)); };
  for (std::size_t i = 0; i < records.size(); ++i)
    cells[{cell(records[i].at("x")), cell(records[i].at("y"))}].push_back(i);
  std::set<std::size_t> taken;
  for (const Point& star : stars) {
    double nearest = reach;
    std::size_t its = records.size();
    for (int v = cell(star.y) - 1; v <= cell(star.y) + 1; ++v) {
      for (int u = cell(star.x) - 1; u <= cell(star.x) + 1; ++u) {
        const auto at = cells.find({u, v});
        if (at == cells.end()) continue;
        for (const std::size_t i : at->second) {
          const double far =
              std::hypot(records[i].at("x").get<double>() - star.x, records[i].at("y").get<double>() - star.y);
          if (far < nearest && !taken.contains(i)) {
            nearest = far;
            its = i;
          }
        }
      }
    }
    if (its < records.size()) taken.insert(its);
  }
  return taken.size();
}

using ExtremeFrame = Night;

TEST_F(ExtremeFrame, OfOneValueIsOkWithNoStarsAndSaysThatItsNoiseIsNotKnown) {
  dir_.write("flat.fits", level_frame(1000, 200, 200));
  const ProgramResult got = batch({"flat.fits"});
  EXPECT_EQ(got.code, 0) << got.err;
  const json frame = of_type(records_of(got.out), "frame").at(0);
  EXPECT_EQ(frame.at("outcome"), "ok");
  EXPECT_EQ(frame.at("n_stars"), 0);
  EXPECT_EQ(frame.at("background_reliable"), false);
}

// 361 stars, seed 7, up to 40 times as bright as the saturation: each is found, once, flagged and without a width.
TEST_F(ExtremeFrame, FullOfSaturatedStarsGivesEachOfThemWithoutAWidth) {
  constexpr float kSaturation = 50000;
  Scene<float> scene(1024, 1024, 1000);
  const auto stars = add_lattice(scene, 51, 12, 1.5, 1.6e6, 7);
  add_noise(scene, 30, 8);
  dir_.write("bright.fits", u16_header(1024, 1024) + padded(u16_data(scene, kSaturation), '\0'));
  const ProgramResult got = batch({"bright.fits"}, {"--set", "parameters.saturation=50000"});
  ASSERT_EQ(got.code, 0) << got.err;
  const auto records = of_type(records_of(got.out), "star");
  EXPECT_EQ(found(stars, records, 0.5), stars.size());
  EXPECT_EQ(records.size(), stars.size());
  for (const json& star : records) {
    EXPECT_TRUE(star.at("fwhm").is_null()) << star.at("x") << ' ' << star.at("y");
    EXPECT_NE(star.at("flag_names").dump().find("\"saturated\""), std::string::npos);
  }
}

// 99,225 stars of FWHM 2.2 px, seed 9, 6.5 px apart less up to 2.4: above S/N 25, no nearer than 1.8 FWHM.
TEST_F(ExtremeFrame, WithAHundredThousandStarsMeetsNoCap) {
  Scene<float> scene(2048, 2048, 500);
  const auto stars = add_lattice(scene, 6.5, 1.2, 2.2 / 2.3548, 2000, 9);
  add_noise(scene, 15, 10);
  dir_.write("dense.fits", u16_header(2048, 2048) + padded(u16_data(scene), '\0'));
  const ProgramResult got = batch({"dense.fits"}, {"--set", "parameters.saturation=65535"});
  ASSERT_EQ(got.code, 0) << got.err;
  const auto records = of_type(records_of(got.out), "star");
  EXPECT_GE(static_cast<double>(found(stars, records, 0.5)), 0.999 * static_cast<double>(stars.size()));
  EXPECT_LE(static_cast<double>(records.size()), 1.001 * static_cast<double>(stars.size()));
}

// 30,000 x 30,000 pixels, 1.8 GB: ten times the same rows, 64 stars in each, seeds 11 and 12. Noise filtered with sigma
// 1.5 px has 237 maxima above 5 sigma there (area 5 exp(-12.5) / (2 sigma^2 (2 pi)^1.5), Adler 1981), of which the
// filter node may leave any: up to 237 + 5 sqrt(10 x 237), each in ten strips.
TEST_F(ExtremeFrame, OfNineHundredMegapixelsIsMeasuredInLittleMoreThanItsPixels) {
  constexpr int kSide = 30000, kRows = 3000, kStrips = 10;
  const std::string path = dir_ / "huge.fits";
  std::vector<Point> stars;
  {
    Scene<float> strip(kSide, kRows, 500);
    const auto some = add_lattice(strip, 900, 100, 1.5, 20000, 11);
    add_noise(strip, 10, 12);
    const std::string data = u16_data(strip);
    std::ofstream out(path, std::ios::binary);
    out << u16_header(kSide, kSide);
    for (int i = 0; i < kStrips; ++i) {
      out << data;
      for (const Point& star : some) stars.push_back({star.x, star.y + i * kRows});
    }
    out << std::string((kFitsBlock - kStrips * data.size() % kFitsBlock) % kFitsBlock, '\0');
    ASSERT_TRUE(out.good());
  }
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"run",   graph("batch"),        "--input", path, "--output", "-",
                                   "--set", "parameters.fwhm=3.53"};
    words.insert(words.end(), more.begin(), more.end());
    ProgramSetup setup;
    setup.most = std::chrono::seconds(400);
    return starflow(words, setup);
  };
  const ProgramResult got = run({});
  ASSERT_EQ(got.code, 0) << got.err;
  const auto records = of_type(records_of(got.out), "star");
  EXPECT_EQ(found(stars, records, 0.5), stars.size());
  EXPECT_LE(records.size(), stars.size() + 237 + 243);
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  constexpr double kFrame = 2.0 * kSide * kSide, kMib = 1024 * 1024;
  EXPECT_LT(1024.0 * static_cast<double>(used.ru_maxrss), 1.5 * kFrame + 64 * kMib);
  RecordProperty("peak_mib", std::to_string(used.ru_maxrss / 1024));

  const ProgramResult refused = run({"--set", "run.max_bytes_in_flight=1000000000"});
  EXPECT_EQ(refused.code, 1) << refused.err;
  const json frame = of_type(records_of(refused.out), "frame").at(0);
  EXPECT_EQ(frame.at("outcome"), "failed");
  EXPECT_EQ(frame.at("errors").at(0).at("code"), "too_large");
}

}  // namespace
}  // namespace starflow::test
