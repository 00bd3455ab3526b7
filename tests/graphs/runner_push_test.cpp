// SPDX-License-Identifier: MIT
/// \file
/// Frames that a host pushes: whose pixels they are, when they are let go, and hosts that give TBB little.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::GraphRunner;
using graph::RunOptions;
using graph::RunReport;
using test::FunctionGraph;
using test::Number;
using test::outcomes;
using namespace std::chrono_literals;

FrameInfo numbered(std::uint64_t id) {
  FrameInfo info;
  info.frame_id = id;
  return info;
}

std::uint64_t sum_of(const cv::Mat& image) {
  std::uint64_t sum = 0;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) sum = test::mix(sum, image.at<std::uint8_t>(y, x));
  }
  return sum;
}

// Late, so that a host that writes into the buffer meanwhile would be seen.
test::NodeBody summing_late() {
  return [](Node::Context& c) {
    std::this_thread::sleep_for(200us);
    c.out(0, Number{c.info().frame_id, sum_of(c.in<Frame>(0).image())});
  };
}

struct Handover {
  const char* name;
  bool adopt;
};
void PrintTo(const Handover& h, std::ostream* out) { *out << h.name; }

class HostBuffer : public testing::TestWithParam<Handover> {};

TEST_P(HostBuffer, MayBeReusedAfterSubmitWithoutChangingAResult) {
  FunctionGraph g;
  g.run.max_in_flight = 4;
  const auto node = g.node("sum", {g.push()}, summing_late());
  std::vector<std::uint64_t> seen;
  g.sink("sink", {node}, [&](Sink::Context& c) { seen.push_back(c.input(0).as<Number>()->value); });
  GraphRunner run(g.spec(), {});
  std::vector<std::uint64_t> expected;
  cv::Mat camera;
  for (std::uint64_t i = 0; i < 200; ++i) {
    camera.create(16, 16, CV_8UC1);  // reuses the buffer where somebody still holds it: that is the trap
    camera.setTo(cv::Scalar(static_cast<double>(i)));
    const cv::Mat also_held = camera;
    expected.push_back(sum_of(camera));
    ASSERT_TRUE(
        run.submit(GetParam().adopt ? Frame::adopt(cv::Mat(camera), numbered(i)) : Frame::copy(camera, numbered(i))));
  }
  EXPECT_TRUE(run.finish().summary.complete);
  EXPECT_EQ(seen, expected);
}
INSTANTIATE_TEST_SUITE_P(Ways,
                         HostBuffer,
                         testing::Values(Handover{"adopt", true}, Handover{"copy", false}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(BorrowedFrame, IsReleasedOnceWhateverBecameOfIt) {
  constexpr std::size_t kFrames = 60;
  std::vector<std::vector<std::uint8_t>> memory(kFrames, std::vector<std::uint8_t>(256));
  std::vector<std::atomic<int>> released(kFrames);
  FunctionGraph g;
  g.run.max_in_flight = 4;
  std::latch rest(1);
  const auto node = g.node("node", {g.push()}, [&](Node::Context& c) {
    const std::uint64_t id = c.info().frame_id;
    EXPECT_EQ(released[id], 0);
    if (id % 5 == 0) throw FrameError("test.bad", "bad");
    if (id == 39) {  // from here on: cancelled
      rest.count_down();
      while (!c.stop().stop_requested()) std::this_thread::sleep_for(100us);
      throw FrameError("cancelled", "asked to stop");
    }
    c.out(0, Number{id, sum_of(c.in<Frame>(0).image())});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  std::thread stopper([&] {
    rest.wait();
    run.abort();
  });
  for (std::size_t i = 0; i < kFrames; ++i) {
    const bool taken = run.submit(
        Frame::borrow(cv::Mat(16, 16, CV_8UC1, memory[i].data()), numbered(i), [&released, i] { ++released[i]; }));
    EXPECT_TRUE(taken || released[i] == 1) << "a rejected frame is released before submit() returns";
  }
  stopper.join();
  const RunReport report = run.finish();
  for (std::size_t i = 0; i < kFrames; ++i) EXPECT_EQ(released[i], 1) << i;
  EXPECT_GT(outcomes(report.summary, Outcome::ok), 0U);
  EXPECT_GT(outcomes(report.summary, Outcome::failed), 0U);
  EXPECT_GT(outcomes(report.summary, Outcome::cancelled), 0U);
  EXPECT_GT(outcomes(report.summary, Outcome::rejected), 0U);
  EXPECT_EQ(report.summary.frames, kFrames);
}

TEST(BorrowedFrame, IsReleasedOnceWhereItIsNoFrame) {
  int released = 0;
  std::uint8_t pixels[48] = {};
  EXPECT_THROW((void)Frame::borrow(cv::Mat(4, 4, CV_8UC3, pixels), {}, [&] { ++released; }), std::invalid_argument);
  EXPECT_EQ(released, 1);
}

TEST(BorrowedFrame, IsReleasedOnceByProcessWhateverBecameOfIt) {
  FunctionGraph g;
  g.run.max_bytes_in_flight = 16;
  const auto node = g.node("node", {g.push()}, [](Node::Context& c) {
    if (c.info().frame_id == 1) throw FrameError("test.bad", "as planned");
    c.out(0, Number{});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  std::uint8_t pixels[25] = {};
  const auto outcome = [&](std::uint64_t id, int side) {
    int released = 0;
    const FrameResult r =
        run.process(Frame::borrow(cv::Mat(side, side, CV_8UC1, pixels), numbered(id), [&] { ++released; }));
    EXPECT_EQ(released, 1) << "before the call returns, frame " << id;
    return r.outcome;
  };
  EXPECT_EQ(outcome(0, 4), Outcome::ok);
  EXPECT_EQ(outcome(1, 4), Outcome::failed);
  EXPECT_EQ(outcome(2, 5), Outcome::failed) << "too large";
  run.finish();
  EXPECT_EQ(outcome(3, 4), Outcome::rejected);
}

TEST(BorrowedFrame, IsReleasedWhenItsLastReaderIsDone) {
  std::atomic<bool> released{false};
  std::uint8_t pixels[16] = {};
  FunctionGraph g;
  const auto src = g.push();
  const auto first = g.node("first", {src}, summing_late());
  const auto second = g.node("second", {first, {src, true}}, [](Node::Context& c) { test::mixing(1)(c); });
  bool before_third = false;
  const auto third = g.node("third", {second}, [&](Node::Context& c) {
    before_third = released;
    test::mixing(1)(c);
  });
  g.sink("sink", {third}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  EXPECT_TRUE(run.submit(Frame::borrow(cv::Mat(4, 4, CV_8UC1, pixels), numbered(0), [&] { released = true; })));
  EXPECT_EQ(outcomes(run.finish().summary, Outcome::ok), 1U);
  EXPECT_TRUE(before_third);
}

TEST(PushedGraph, KeepsTheOutputsThatTheHostNames) {
  FunctionGraph g;
  const auto a = g.node("a", {g.push()}, summing_late());
  g.node("b", {a}, test::mixing(3));
  RunOptions options;
  options.keep = {"b.out"};
  std::vector<std::uint64_t> kept;
  options.on_result = [&](const FrameResult& r) {
    EXPECT_FALSE(r.output("a", "out"));
    EXPECT_FALSE(r.output("b", "other"));
    kept.push_back(r.output("b", "out").as<Number>()->frame);
  };
  GraphRunner run(g.spec(), options);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(i))));
  EXPECT_TRUE(run.finish().summary.complete);
  EXPECT_EQ(kept, (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST(PushedGraph, RefusesToWaitForItselfInACallback) {
  FunctionGraph g;
  g.sink("sink", {g.push()}, [](Sink::Context&) {});
  GraphRunner* runner = nullptr;
  RunOptions options;
  options.on_result = [&](const FrameResult& r) {
    runner->submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(r.info.frame_id + 1)));
  };
  GraphRunner run(g.spec(), options);
  runner = &run;
  EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(0))));
  const RunReport report = run.finish();
  EXPECT_TRUE(report.aborted);
  EXPECT_NE(report.summary.reason.find("hand the frame to another thread"), std::string::npos) << report.summary.reason;
}

TEST(PushedGraph, AndAPulledOneRefuseEachOthersCalls) {
  FunctionGraph pushed;
  pushed.sink("sink", {pushed.push()}, [](Sink::Context&) {});
  EXPECT_THROW((void)pushed.go(), std::logic_error);
  FunctionGraph pulled;
  pulled.sink("sink", {pulled.numbers(1)}, [](Sink::Context&) {});
  GraphRunner run(pulled.spec(), {});
  EXPECT_THROW((void)run.finish(), std::logic_error);
  EXPECT_THROW((void)run.submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(0))), std::logic_error);
  EXPECT_TRUE(run.run().summary.complete);
  EXPECT_THROW((void)run.run(), std::logic_error);
}

// The next two without anybody waiting in the graph: raw TBB would run nothing here.
TEST(HostWithOneTbbThread, StillGetsItsResultsAsTheyCome) {
  const oneapi::tbb::global_control one(oneapi::tbb::global_control::max_allowed_parallelism, 1);
  for (const int threads : {0, 1, 2}) {
    FunctionGraph g;
    g.run.threads = threads;
    const auto node = g.node("node", {g.push()}, [](Node::Context& c) {
      std::atomic<std::uint64_t> sum{0};
      c.parallel()(100, 8, [&](std::size_t begin, std::size_t end) { sum += end - begin; });
      c.out(0, Number{c.info().frame_id, sum});
    });
    std::latch done(10);
    g.sink("sink", {node}, [&](Sink::Context& c) {
      EXPECT_EQ(c.input(0).as<Number>()->value, 100U);
      done.count_down();
    });
    GraphRunner run(g.spec(), {});
    for (std::uint64_t i = 0; i < 10; ++i) {
      EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(i))));
    }
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!done.try_wait() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(done.try_wait());
    EXPECT_EQ(outcomes(run.finish().summary, Outcome::ok), 10U);
  }
}

// \return how many bodies were at work at once, at most; each waits a while for a second one
int bodies_at_once(int threads, bool push) {
  FunctionGraph g;
  g.run.threads = threads;
  g.run.max_in_flight = 8;
  std::atomic<int> inside{0}, most{0};
  const auto src = push ? g.push() : g.numbers(8);
  const auto node = g.node("node", {src}, [&](Node::Context& c) {
    const int now = ++inside;
    int before = most;
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
    const auto end = std::chrono::steady_clock::now() + (most < 2 && threads != 1 ? 1000ms : 2ms);
    while (most < 2 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(100us);
    --inside;
    c.out(0, Number{c.info().frame_id, 1});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  if (!push) {
    EXPECT_TRUE(run.run().summary.complete);
  } else {
    for (std::uint64_t i = 0; i < 8; ++i) {
      EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), numbered(i))));
    }
    EXPECT_TRUE(run.finish().summary.complete);
  }
  return most;
}

TEST(Threads, AreAllUsedByPulledAndPushedGraphs) {
  if (oneapi::tbb::info::default_concurrency() < 2) GTEST_SKIP() << "one CPU: two bodies can't run at once";
  EXPECT_GE(bodies_at_once(0, false), 2);
  EXPECT_GE(bodies_at_once(0, true), 2);
  EXPECT_GE(bodies_at_once(2, false), 2);
}

TEST(Threads, AreNoMoreThanOneWhereOneIsAsked) {
  EXPECT_EQ(bodies_at_once(1, false), 1);
  EXPECT_EQ(bodies_at_once(1, true), 1);
}

}  // namespace
}  // namespace starflow
