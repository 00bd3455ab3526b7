// SPDX-License-Identifier: MIT
/// \file
/// The same bytes whatever the threads and the frames in flight.

#include "night.hpp"

namespace starflow::test {
namespace {

class Determinism : public Night {
 protected:
  std::string ten_frames(const std::string& threads, const std::string& in_flight, const std::string& method) {
    const std::string output = "t" + threads + "f" + in_flight + ".jsonl";
    const ProgramResult got = starflow({"run", graph("quicklook"), "--output", output, "--force", "--threads", threads,
                                        "--set", "run.max_in_flight=" + in_flight, "--set", "parameters.frames=10",
                                        "--set", "nodes.sky.options.width=300", "--set", "nodes.sky.options.height=200",
                                        "--set", "nodes.sky.options.stars=60", "--set", "parameters.method=" + method});
    EXPECT_EQ(got.code, 0) << got.err;
    return file_text(dir_ / output);
  }
};

TEST_F(Determinism, TheOutputDoesNotDependOnThreadsOrFramesInFlight) {
  for (const std::string method : {"gaussian", "windowed_halflight"}) {
    const std::string one = ten_frames("1", "1", method);
    ASSERT_EQ(of_type(records_of(one), "frame").size(), 10U);
    ASSERT_GT(of_type(records_of(one), "star").size(), 300U);
    for (const std::string threads : {"1", "2", "8"}) {
      for (const std::string in_flight : {"1", "16"}) {
        EXPECT_TRUE(ten_frames(threads, in_flight, method) == one) << threads << " threads, " << in_flight << " frames";
      }
    }
  }
}

TEST_F(Determinism, AnotherSeedGivesOtherBytes) {
  const std::vector<std::string> words{"run", graph("quicklook"), "--set", "parameters.frames=1", "--set"};
  const auto with_seed = [&](const std::string& seed) {
    auto all = words;
    all.push_back("parameters.seed=" + seed);
    return starflow(all).out;
  };
  EXPECT_EQ(with_seed("1"), with_seed("1"));
  EXPECT_NE(with_seed("1"), with_seed("2"));
}

}  // namespace
}  // namespace starflow::test
