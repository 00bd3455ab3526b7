// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Small frames in a folder, the `starflow` program run over them, and what its records say.

#include "support/fits_writer.hpp"
#include "support/program.hpp"
#include "support/scene.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {

using nlohmann::json;

/// The bytes of a FITS file of 32-bit floats with \p stars stars on a noisy sky.
inline std::string star_frame(
    std::uint64_t seed, int width = 64, int height = 48, int stars = 5, std::vector<std::string> cards = {}) {
  Scene<float> scene(width, height, 100);
  for (int i = 0; i < stars; ++i) {
    const double shift = 0.13 * static_cast<double>(seed) + 0.21 * i;
    add_star(scene, 9.3 + 11 * i + shift, 12.1 + (i % 2) * 20 + shift, 4000 + 900 * i, 1.25, 1.25);
  }
  add_noise(scene, 3, seed);
  return fits_primary({-32, {width, height}, big_endian(scene.pixels), std::move(cards)});
}

/// A FITS file of \p width x \p height pixels of one value.
inline std::string level_frame(float level, int width = 64, int height = 48) {
  const Scene<float> scene(width, height, static_cast<double>(level));
  return fits_primary({-32, {width, height}, big_endian(scene.pixels), {}});
}

/// JSON Lines as objects.
inline std::vector<json> records_of(const std::string& text) {
  std::vector<json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
  return all;
}

inline std::vector<json> of_type(const std::vector<json>& records, const std::string& type) {
  std::vector<json> some;
  for (const json& r : records) {
    if (r.at("type") == type) some.push_back(r);
  }
  return some;
}

/// The lines of each file's stars and frame, without the frame's number: it depends on the other files.
inline std::map<std::string, std::string> lines_by_source(const std::string& text) {
  static const std::regex kNumber("\"frame_id\":[0-9]+,");
  std::map<std::string, std::string> by_source;
  std::istringstream in(text);
  std::string source;
  for (std::string line; std::getline(in, line);) {
    const json record = json::parse(line);
    if (record.at("type") == "run") continue;
    if (record.at("type") == "frame") source = record.at("source");
    by_source[source] += std::regex_replace(line, kNumber, "") + '\n';
  }
  return by_source;
}

/// A folder with three good frames, in which commands run.
class Night : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::uint64_t i = 0; i < 3; ++i) dir_.write("f" + std::to_string(i) + ".fits", star_frame(i));
  }

  /// `starflow WORDS...` in the folder.
  ProgramResult starflow(std::vector<std::string> words, ProgramSetup setup = {}) const {
    words.insert(words.begin(), STARFLOW_PROGRAM);
    if (setup.folder.empty()) setup.folder = dir_.path().string();
    return run_program(std::move(words), setup);
  }
  /// `starflow run batch.json --input ... --output - MORE...`
  ProgramResult batch(const std::vector<std::string>& inputs, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"run", graph("batch"), "--output", "-"};
    for (const std::string& input : inputs) words.insert(words.end(), {"--input", input});
    words.insert(words.end(), more.begin(), more.end());
    return starflow(std::move(words));
  }
  static std::string graph(const std::string& name) {
    return std::string(STARFLOW_SOURCE_DIR) + "/configs/graphs/" + name + ".json";
  }
  /// "batch.json:LINE:", the line being the one of that graph that holds \p text.
  static std::string place_in_batch(const std::string& text) {
    const std::string graph_text = file_text(graph("batch"));
    const auto end = graph_text.begin() + static_cast<std::ptrdiff_t>(graph_text.find(text));
    return "batch.json:" + std::to_string(1 + std::count(graph_text.begin(), end, '\n')) + ":";
  }
  [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(dir_ / name); }

  TempDir dir_;
};

}  // namespace starflow::test
