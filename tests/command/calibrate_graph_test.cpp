// SPDX-License-Identifier: MIT
/// \file
/// Frames as a sensor gives them through calibrate, crop and bin: the stars stay where they are on the sensor.

#include "night.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

constexpr int kWidth = 160, kHeight = 120;

struct Place {
  double x, y;  // px
};

/// A pixel of the sensor answers with 0.4 to 1 of the light, and leaks up to 60 ADU in 10 s.
class SensorGraph : public ::testing::Test {
 protected:
  void SetUp() override {
    Scene<float> light(kWidth, kHeight, 200), flat(kWidth, kHeight, 0), dark(kWidth, kHeight, 0);
    for (int i = 0; i < 12; ++i) {
      truth_.push_back({20.3 + 40.17 * (i % 4), 18.6 + 39.71 * (i / 4)});
      add_star(light, truth_.back().x, truth_.back().y, 20000, 1.6, 1.6);
    }
    std::mt19937_64 bits(4);
    const auto uniform = [&bits] { return static_cast<float>(static_cast<double>(bits() >> 11) * 0x1p-53); };
    for (std::size_t k = 0; k < light.pixels.size(); ++k) {
      const auto x = static_cast<float>(k % kWidth) / kWidth;
      flat.pixels[k] = (1 - 0.5F * x * x) * (0.8F + 0.2F * uniform());
      dark.pixels[k] = 60 * uniform() * uniform();
    }
    add_noise(light, 3, 8);
    for (std::size_t k = 0; k < light.pixels.size(); ++k) {
      light.pixels[k] = 500 + light.pixels[k] * flat.pixels[k] + 2 * dark.pixels[k];
      dark.pixels[k] += 500;
    }
    write("raw.fits", light, {card("EXPTIME", "20")});
    write("dark.fits", dark, {card("EXPTIME", "10")});
    write("flat.fits", flat, {});
    write("bias.fits", Scene<float>(kWidth, kHeight, 500), {});
  }

  void write(const std::string& name, const Scene<float>& scene, std::vector<std::string> cards) const {
    dir_.write(name, fits_primary({-32, {kWidth, kHeight}, big_endian(scene.pixels), std::move(cards)}));
  }
  ProgramResult run(const std::string& nodes, const std::string& last) const {
    dir_.write("g.json", R"({"format": "starflow.graph/1", "nodes": [
{"id": "src", "type": "source.files", "options": {"paths": "raw.fits"}},)" +
                             nodes + R"(
{"id": "det", "type": "detect", "in": {"frame": ")" +
                             last + R"("}, "options": {"threshold_sigma": 10}},
{"id": "stars", "type": "centroid", "in": {"frame": ")" +
                             last + R"(", "detections": "det"}},
{"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"coords": "sensor"}}]})");
    return run_program({STARFLOW_PROGRAM, "run", "g.json"}, {.folder = dir_.path().string()});
  }
  /// Root mean square distance of the stars from where they are, px; NaN where not each is found once. Those that are
  /// not in the sensor's box are left out.
  [[nodiscard]] double off(const std::string& records, double left, double top) const {
    double sum = 0;
    std::size_t wanted = 0, n = 0;
    for (const Place& t : truth_) wanted += t.x > left && t.y > top ? 1U : 0U;
    for (const json& s : of_type(records_of(records), "star")) {
      const double x = s.at("x"), y = s.at("y");
      const auto near = [&](const Place& t) { return std::hypot(t.x - x, t.y - y) < 1.5; };
      const auto star = std::ranges::find_if(truth_, near);
      if (star == truth_.end()) return std::nan("");
      sum += std::pow(star->x - x, 2) + std::pow(star->y - y, 2);
      ++n;
    }
    return n == wanted ? std::sqrt(sum / static_cast<double>(n)) : std::nan("");
  }

  TempDir dir_;
  std::vector<Place> truth_;
};

constexpr const char* kMasters =
    R"({"bias": "bias.fits", "dark": "dark.fits", "scale_dark": true, "flat": "flat.fits"})";

// The bound at S/N 300 is 0.01 px in both axes together; the sensor's pattern without calibration leaves many times
// that.
TEST_F(SensorGraph, MeasuresCalibratedFramesAsIfTheSensorWereEven) {
  const ProgramResult plain = run("", "src");
  const ProgramResult calibrated =
      run(std::string(R"({"id": "cal", "type": "calibrate", "in": {"frame": "src"}, "options": )") + kMasters + "},",
          "cal");
  ASSERT_EQ(calibrated.code, 0) << calibrated.err;
  EXPECT_LT(off(calibrated.out, 0, 0), 0.015);
  EXPECT_FALSE(off(plain.out, 0, 0) < 0.03);
}

TEST_F(SensorGraph, KeepsPositionsOnTheSensorThroughCropAndBin) {
  const ProgramResult got =
      run(std::string(R"({"id": "cal", "type": "calibrate", "in": {"frame": "src"}, "options": )") + kMasters + R"(},
{"id": "part", "type": "crop", "in": {"frame": "cal"}, "options": {"box_px": [41, 31, 159, 119]}},
{"id": "pix", "type": "bin", "in": {"frame": "part"}, "options": {"factor": [2, 1]}},)",
          "pix");
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_LT(off(got.out, 41, 31), 0.025);
  const json frame = of_type(records_of(got.out), "frame").at(0);
  EXPECT_EQ(frame.at("width"), 59);
  EXPECT_EQ(frame.at("height"), 89);
  EXPECT_EQ(frame.at("binning_x"), 2);
  EXPECT_EQ(frame.at("roi_x"), 41);
}

TEST_F(SensorGraph, RefusesABadMasterAtItsPlaceAndRecordsAFrameThatDoesNotFit) {
  const ProgramResult refused =
      run(R"({"id": "cal", "type": "calibrate", "in": {"frame": "src"}, "options": {"dark": "drak.fits"}},)", "cal");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("g.json:2:"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("drak.fits does not exist"), std::string::npos) << refused.err;
  const ProgramResult failed =
      run(R"({"id": "cal", "type": "calibrate", "in": {"frame": "src"}, "options": {"dark": "dark.fits"}},)", "cal");
  const json frame = of_type(records_of(failed.out), "frame").at(0);
  EXPECT_EQ(frame.at("outcome"), "failed");
  EXPECT_EQ(frame.at("errors").at(0).at("code"), "calibrate.exposure");
}

}  // namespace
}  // namespace starflow::test
