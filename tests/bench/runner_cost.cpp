// SPDX-License-Identifier: MIT
/// \file
/// What the runner costs beside a raw TBB graph of the same nodes, empty ones and those of a reduction, and what a
/// camera that is too fast does to the latency. One JSON object a line. Use: starflow_runner_bench

#include <starflow/graph/runner.hpp>
#include <starflow/graph/tbb_nodes.hpp>
#include <starflow/sdk/stages.hpp>

#include <support/graph_nodes.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>
#include <opencv2/core.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace starflow {
namespace {

using Clock = std::chrono::steady_clock;
using test::FunctionGraph;
using test::Number;
using namespace std::chrono_literals;

constexpr std::uint64_t kFrames = 20'000;
constexpr int kRounds = 9;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  long pages = 0, resident = 0;
  in >> pages >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

/// CPU microseconds a frame of a run of four nodes in a row.
double runner_us() {
  FunctionGraph g;
  std::size_t last = g.numbers(kFrames);
  for (const char* id : {"a", "b", "c", "d"}) last = g.node(id, {last}, test::mixing(1));
  g.sink("out", {last}, [](Sink::Context&) {});
  const double begin = cpu_seconds();
  if (!g.go().summary.complete) std::puts("not complete");
  return 1e6 * (cpu_seconds() - begin) / static_cast<double>(kFrames);
}

/// CPU microseconds a frame that the host takes through four nodes in a row itself; the frame is made meanwhile.
double inline_us() {
  FunctionGraph g;
  std::size_t last = g.node("a", {g.push()}, [](Node::Context& c) { c.out(0, Number{c.info().frame_id, 1}); });
  for (const char* id : {"b", "c", "d"}) last = g.node(id, {last}, test::mixing(1));
  g.sink("out", {last}, [](Sink::Context&) {});
  graph::GraphRunner run(g.spec(), {});
  const double begin = cpu_seconds();
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    run.process(Frame::adopt(cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)), {.frame_id = i}));
  }
  return 1e6 * (cpu_seconds() - begin) / static_cast<double>(kFrames);
}

/// The same numbers through four TBB nodes: no limit, no order, no outcome.
double raw_us() {
  namespace flow = oneapi::tbb::flow;
  flow::graph graph;
  std::vector<std::unique_ptr<flow::function_node<Number, Number>>> nodes;
  for (std::uint64_t i = 0; i < 4; ++i) {
    nodes.push_back(std::make_unique<flow::function_node<Number, Number>>(graph, flow::unlimited, [](const Number& n) {
      return Number{n.frame, test::mix(n.value, 1)};
    }));
    if (i > 0) flow::make_edge(*nodes[i - 1], *nodes[i]);
  }
  const double begin = cpu_seconds();
  for (std::uint64_t i = 0; i < kFrames; ++i) nodes[0]->try_put({i, i});
  graph.wait_for_all();
  return 1e6 * (cpu_seconds() - begin) / static_cast<double>(kFrames);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// 2048 x 2048 pixels of a noisy sky with a thousand stars of all brightnesses.
std::shared_ptr<const Frame> sky() {
  cv::Mat image(2048, 2048, CV_32F);
  cv::RNG random(8);
  random.fill(image, cv::RNG::NORMAL, 400.0, 9.0);
  for (int star = 0; star < 1000; ++star) {
    const float x = random.uniform(12.0F, 2036.0F), y = random.uniform(12.0F, 2036.0F);
    const float peak = std::exp(random.uniform(4.0F, 10.0F));
    for (int row = static_cast<int>(y) - 10; row <= static_cast<int>(y) + 10; ++row) {
      for (int column = static_cast<int>(x) - 10; column <= static_cast<int>(x) + 10; ++column) {
        const float dx = static_cast<float>(column) - x, dy = static_cast<float>(row) - y;
        image.at<float>(row, column) += peak * std::exp(-(dx * dx + dy * dy) / 4.5F);
      }
    }
  }
  cv::Mat counts;
  image.convertTo(counts, CV_16U);
  FrameInfo info;
  info.gain = {1.5, Origin::config};
  return std::make_shared<const Frame>(Frame::adopt(std::move(counts), std::move(info)));
}

constexpr int kReductions = 4;

/// CPU milliseconds a frame of a detection and a fit, in a run of one thread.
double runner_reduction_ms(const std::shared_ptr<const Frame>& frame) {
  const DetectStage find;
  const CentroidStage fit;
  FunctionGraph g;
  g.run.threads = 1;
  const auto source = g.source(
      [&, n = 0](Source::Context& c) mutable {
        if (n++ == kReductions) return false;
        c.send(0, Message::of(frame));
        return true;
      },
      message_type<Frame>);
  const auto found = g.node(
      "find", {source}, [&](Node::Context& c) { c.out(0, find(c.in<Frame>(0), c.parallel())); }, false,
      message_type<DetectionList>);
  const auto stars = g.node(
      "fit", {source, found},
      [&](Node::Context& c) { c.out(0, fit(c.in<Frame>(0), c.in<DetectionList>(1), c.parallel())); }, false,
      message_type<StarList>);
  g.sink("out", {stars}, [](Sink::Context&) {});
  const double begin = cpu_seconds();
  if (!g.go().summary.complete) std::puts("not complete");
  return 1e3 * (cpu_seconds() - begin) / kReductions;
}

/// The same by our stages as nodes of a TBB graph, one thread at work.
double raw_reduction_ms(const std::shared_ptr<const Frame>& frame) {
  namespace flow = oneapi::tbb::flow;
  oneapi::tbb::task_arena one(1);
  double ms = 0;
  one.execute([&] {
    flow::graph graph;
    auto find = graph::make_detect_node(graph);
    auto fit = graph::make_centroid_node(graph);
    flow::make_edge(find, fit);
    const double begin = cpu_seconds();
    for (int i = 0; i < kReductions; ++i) find.try_put(graph::Reduction{frame});
    graph.wait_for_all();
    ms = 1e3 * (cpu_seconds() - begin) / kReductions;
  });
  return ms;
}

void reduction(double runner_cost_us) {
  const auto frame = sky();
  std::vector<double> runner, raw;
  for (int i = 0; i < kRounds; ++i) {
    runner.push_back(runner_reduction_ms(frame));
    raw.push_back(raw_reduction_ms(frame));
  }
  std::printf(
      "{\"name\":\"reduction_2048\",\"cpu_ms_per_frame\":%.2f,\"least\":%.2f,\"most\":%.2f,\"raw_tbb_ms\":%.2f,"
      "\"runner_4_nodes_percent\":%.3f}\n",
      median(runner), *std::ranges::min_element(runner), *std::ranges::max_element(runner), median(raw),
      0.1 * runner_cost_us / median(raw));
}

double cost() {
  std::vector<double> runner, raw, by_caller;
  for (int i = 0; i < kRounds; ++i) {  // in turn, so that what else runs on the machine meets both
    runner.push_back(runner_us());
    raw.push_back(raw_us());
    by_caller.push_back(inline_us());
  }
  std::printf(
      "{\"name\":\"runner_4_nodes\",\"cpu_us_per_frame\":%.2f,\"least\":%.2f,\"most\":%.2f,\"raw_tbb_us\":%.2f,"
      "\"by_the_caller_us\":%.2f}\n",
      median(runner), *std::ranges::min_element(runner), *std::ranges::max_element(runner), median(raw),
      median(by_caller));
  return median(runner);
}

/// 50 frames a second of 8 MiB into a node of 30 ms.
void camera(graph::WhenFull policy, const char* name) {
  constexpr int kShots = 150;
  constexpr auto kPeriod = 20ms, kBody = 30ms;
  FunctionGraph g;
  g.run.when_full = policy;
  g.run.max_in_flight = 1;
  g.run.queue = 1;
  const auto source = g.push();
  const auto node = g.node("slow", {source}, [&](Node::Context& c) {
    std::this_thread::sleep_for(kBody);
    c.out(0, Number{c.info().frame_id, 0});
  });
  g.sink("out", {node}, [](Sink::Context&) {});
  std::vector<Clock::time_point> shot(kShots);
  std::vector<double> latency;
  std::uint64_t told = 0;
  graph::RunOptions options;
  options.on_result = [&](const graph::FrameResult& r) {
    ++told;
    if (r.outcome != Outcome::ok) return;
    latency.push_back(std::chrono::duration<double, std::milli>(Clock::now() - shot[r.info.frame_id]).count());
  };
  const double before = resident_mib();
  double most = before;
  graph::GraphRunner runner(g.spec(), options);
  const auto begin = Clock::now();
  for (int i = 0; i < kShots; ++i) {
    std::this_thread::sleep_until(begin + i * kPeriod);
    FrameInfo info;
    info.frame_id = static_cast<std::uint64_t>(i);
    cv::Mat image(2048, 2048, CV_16UC1, cv::Scalar(i));
    shot[static_cast<std::size_t>(i)] = Clock::now();
    runner.submit(Frame::adopt(std::move(image), info));
    most = std::max(most, resident_mib());
  }
  const auto report = runner.finish();
  std::printf(
      "{\"name\":\"camera_%s\",\"frames\":%llu,\"told\":%llu,\"ok\":%llu,\"dropped\":%llu,\"median_ms\":%.1f,\"max_"
      "ms\":%.1f,"
      "\"grew_mib\":%.1f}\n",
      name, static_cast<unsigned long long>(report.summary.frames), static_cast<unsigned long long>(told),
      static_cast<unsigned long long>(test::outcomes(report.summary, Outcome::ok)),
      static_cast<unsigned long long>(test::outcomes(report.summary, Outcome::dropped)), median(latency),
      *std::ranges::max_element(latency), most - before);
}

}  // namespace
}  // namespace starflow

int main() {
  starflow::reduction(starflow::cost());
  starflow::camera(starflow::graph::WhenFull::drop_oldest, "drop_oldest");
  starflow::camera(starflow::graph::WhenFull::drop_newest, "drop_newest");
  starflow::camera(starflow::graph::WhenFull::block, "block");
}
