// SPDX-License-Identifier: MIT
/// \file
/// The progress line, on a terminal that `script` makes.

#include "night.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace starflow::test {
namespace {

class Terminal : public Night {
 protected:
  void SetUp() override {
    Night::SetUp();
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) GTEST_SKIP() << "no pseudo-terminal can be opened here (is /dev/pts mounted?)";
    close(master);
  }
  /// What a terminal of \p columns receives from a run of ten frames and a file that is none.
  std::string shown(int columns) {
    dir_.write("none.fits", "");
    for (int i = 10; i < 40; ++i) dir_.write("g" + std::to_string(i) + ".fits", star_frame(1, 600, 500, 8));
    const std::string command = "stty cols " + std::to_string(columns) + "; " STARFLOW_PROGRAM " run " +
                                graph("batch") + " --input . --output stars.jsonl --force";
    ProgramSetup setup;
    setup.folder = dir_.path().string();
    const ProgramResult got = run_program({"/usr/bin/script", "-qec", command, "/dev/null"}, setup);
    EXPECT_EQ(got.code, 1) << got.out;
    return got.out;
  }
  static std::vector<std::string> rewritten(const std::string& text) {
    static const std::regex kLine("\r\x1B\\[K([^\r\n]*)");
    std::vector<std::string> lines;
    for (std::sregex_iterator it(text.begin(), text.end(), kLine), end; it != end; ++it) lines.push_back((*it)[1]);
    return lines;
  }
};

TEST_F(Terminal, HasOneLineThatIsRewrittenAndRemovedAtTheEnd) {
  const std::string text = shown(100);
  const auto lines = rewritten(text);
  ASSERT_GE(lines.size(), 2U) << text;
  EXPECT_TRUE(std::regex_match(
      lines.front(),
      std::regex("\\[#*\\.*\\] [0-9]+/34 frames, [0-9]+ stars, ([0-9]+ failed, )?[0-9.]+ frames/s, [0-9:]+ left")))
      << lines.front();
  // What stays begins at the left edge of a line that was cleared, or of a new one.
  EXPECT_TRUE(std::regex_search(text, std::regex("(\n|\r\x1B\\[K)34 frames: 33 ok, 1 failed; "))) << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("(\n|\r\x1B\\[K)failed: [^\r\n]*none\\.fits[^\r\n]*empty"))) << text;
}

TEST_F(Terminal, TheLineFitsANarrowOne) {
  const std::string text = shown(40);
  const auto lines = rewritten(text);
  ASSERT_GE(lines.size(), 2U) << text;
  // The last one is the summary, a line that stays and may wrap.
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const bool stays = lines[i].starts_with("failed: ");
    EXPECT_TRUE(stays || lines[i].size() < 40) << lines[i];
  }
}

}  // namespace
}  // namespace starflow::test
