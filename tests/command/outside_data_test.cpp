// SPDX-License-Identifier: MIT
/// \file
/// One run over everything that real cameras and archives left behind: fits/, images/ and seq/ of STARFLOW_DATA.

#include "night.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

namespace starflow::test {
namespace {

namespace fs = std::filesystem;

/// Digits count as a number, all else by its byte, '/' first.
bool in_natural_order(const std::string& a, const std::string& b) {
  static const std::regex kNumber("[0-9]+");
  const auto wide = [](const std::string& path) {
    std::string out;
    std::size_t at = 0;
    for (std::sregex_iterator it(path.begin(), path.end(), kNumber), end; it != end; ++it) {
      const std::string digits = it->str();
      out += path.substr(at, static_cast<std::size_t>(it->position()) - at);
      out += '0' + std::string(30 - std::min<std::size_t>(30, digits.size()), '0') + digits;
      at = static_cast<std::size_t>(it->position()) + digits.size();
    }
    out += path.substr(at);
    std::replace(out.begin(), out.end(), '/', '\x01');
    return out;
  };
  return wide(a) <= wide(b);
}

class OutsideData : public Night {};

TEST_F(OutsideData, EveryFileHasOneRecordInNaturalOrder) {
  const char* data = std::getenv("STARFLOW_DATA");
  if (data == nullptr) GTEST_SKIP() << "set STARFLOW_DATA to the folder of the outside data";
  // Relative paths as an operator gives them.
  ProgramSetup setup;
  setup.folder = data;
  setup.most = std::chrono::seconds(58);
  const std::string output = dir_ / "all.jsonl";
  const ProgramResult got = starflow(
      {"run", graph("batch"), "--input", "fits", "--input", "images", "--input", "seq/**", "--output", output}, setup);
  EXPECT_EQ(got.code, 1) << got.err;  // tables and cubes are among them

  std::set<std::string> expected;
  const auto add = [&](const fs::path& file) { expected.insert(fs::relative(file, data).string()); };
  for (const char* folder : {"fits", "images"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(data) / folder)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && std::regex_search(name, std::regex("\\.(fits?|fts|png|tiff?|jpe?g)(\\.[gf]z)?$")))
        add(entry.path());
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(data) / "seq")) {
    if (entry.is_regular_file()) add(entry.path());
  }

  const auto frames = of_type(records_of(file_text(output)), "frame");
  ASSERT_GT(expected.size(), 50U);
  EXPECT_EQ(frames.size(), expected.size());
  std::set<std::string> seen;
  std::string last;
  std::size_t measured = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const json& frame = frames[i];
    const std::string source = frame["source"];
    EXPECT_EQ(frame["frame_id"], i);
    EXPECT_TRUE(seen.insert(source).second) << source;
    EXPECT_TRUE(last.empty() || in_natural_order(last, source)) << last << " before " << source;
    last = source;
    if (frame["outcome"] == "ok") {
      ++measured;
      EXPECT_TRUE(frame["errors"].empty()) << source;
      EXPECT_GE(frame["n_stars"], 0) << source;
    } else {
      EXPECT_EQ(frame["outcome"], "failed") << source;
      ASSERT_EQ(frame["errors"].size(), 1U) << source;
      EXPECT_FALSE(frame["errors"][0]["code"].get<std::string>().empty()) << source;
      EXPECT_GT(frame["errors"][0]["text"].get<std::string>().size(), 10U) << source;
    }
  }
  EXPECT_EQ(seen, expected);
  EXPECT_GT(measured, expected.size() / 2);
}

}  // namespace
}  // namespace starflow::test
