// SPDX-License-Identifier: MIT
/// \file
/// One outcome for each frame, in order, whatever the graph, the delays and the failures.

#include <starflow/graph/runner.hpp>
#include <starflow/sdk/messages.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::RunOptions;
using graph::RunReport;
using test::FunctionGraph;
using test::mix;
using test::Number;
using test::outcomes;

constexpr std::uint64_t kAbsent = 0xABCD;

// A random graph and, beside it, what each node must make of each frame, worked out without a runner.
struct RandomGraph {
  struct Vertex {
    std::vector<FunctionGraph::In> in;
    bool serial = false;
  };
  std::vector<Vertex> vertices;  // [0] is the source
  std::vector<std::size_t> sink_inputs;
  std::uint64_t salt;

  explicit RandomGraph(std::uint64_t seed) : salt(seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    vertices.resize(1 + 2 + below(11));
    std::vector<bool> read(vertices.size(), false);
    for (std::size_t v = 1; v < vertices.size(); ++v) {
      const std::size_t arity = 1 + below(4);
      for (std::size_t i = 0; i < arity; ++i) {
        const std::size_t from = below(v);
        vertices[v].in.emplace_back(from, i > 0 && below(4) == 0);
        read[from] = true;
      }
      vertices[v].serial = below(5) == 0;
    }
    for (std::size_t v = 1; v < vertices.size(); ++v) {
      if (!read[v]) sink_inputs.push_back(v);
    }
  }

  [[nodiscard]] bool fails(std::size_t v, std::uint64_t frame) const { return mix(mix(salt, v), frame) % 23 == 0; }
  [[nodiscard]] std::uint64_t value(std::size_t v, const std::vector<std::uint64_t>& in) const {
    std::uint64_t x = mix(salt, v);
    for (const std::uint64_t i : in) x = mix(x, i);
    return x;
  }

  // The value of each vertex for one frame, kAbsent where it gives none; and how many failed.
  [[nodiscard]] std::pair<std::vector<std::uint64_t>, std::size_t> expected(std::uint64_t frame) const {
    std::vector<std::uint64_t> out{mix(frame, 0)};
    std::size_t failures = 0;
    for (std::size_t v = 1; v < vertices.size(); ++v) {
      std::vector<std::uint64_t> in;
      bool ready = true;
      for (const auto& i : vertices[v].in) {
        in.push_back(out[i.node]);
        ready = ready && (i.optional || out[i.node] != kAbsent);
      }
      const bool failed = ready && fails(v, frame);
      failures += failed ? 1U : 0U;
      out.push_back(ready && !failed ? value(v, in) : kAbsent);
    }
    return {out, failures};
  }

  void build(FunctionGraph& g, std::uint64_t frames, std::uint64_t most_us) const {
    g.numbers(frames);
    for (std::size_t v = 1; v < vertices.size(); ++v) {
      g.node(
          "n" + std::to_string(v), vertices[v].in,
          [this, v, most_us, n = vertices[v].in.size()](Node::Context& c) {
            const std::uint64_t frame = c.info().frame_id;
            test::delay(mix(frame, v), most_us);
            if (fails(v, frame)) throw FrameError("test.random", "as planned");
            std::vector<std::uint64_t> in;
            for (std::size_t p = 0; p < n; ++p) {
              const auto* number = c.input(p).as<Number>();
              if (number != nullptr && number->frame != frame) throw RunError("frames were mixed");
              in.push_back(number == nullptr ? kAbsent : number->value);
            }
            c.out(0, Number{frame, value(v, in)});
          },
          vertices[v].serial);
    }
  }
};

class RandomGraphs : public testing::TestWithParam<int> {};

TEST_P(RandomGraphs, GiveEachFrameTheOutcomeOfASequentialRunInOrder) {
  constexpr std::uint64_t kFrames = 2000;
  const RandomGraph plan(static_cast<std::uint64_t>(GetParam()));
  FunctionGraph g;
  g.run.max_in_flight = 1 + static_cast<std::size_t>(GetParam()) % 9;
  plan.build(g, kFrames, 20);
  std::uint64_t next = 0, wrong = 0;
  std::map<Outcome, std::uint64_t> expected;
  for (std::size_t s = 0; s < plan.sink_inputs.size(); ++s) {
    g.sink("sink" + std::to_string(s), {plan.sink_inputs[s]}, [&, s](Sink::Context& c) {
      const auto [out, failures] = plan.expected(c.info().frame_id);
      const auto* number = c.input(0).as<Number>();
      if ((number == nullptr ? kAbsent : number->value) != out[plan.sink_inputs[s]]) ++wrong;
      if (c.errors().size() != failures) ++wrong;
    });
  }
  RunOptions options;
  options.on_result = [&](const FrameResult& r) {
    const auto [out, failures] = plan.expected(r.info.frame_id);
    const bool any = std::any_of(plan.sink_inputs.begin(), plan.sink_inputs.end(),
                                 [&, &values = out](std::size_t v) { return values[v] != kAbsent; });
    const Outcome outcome = failures == 0 ? Outcome::ok : any ? Outcome::partial : Outcome::failed;
    ++expected[outcome];
    if (r.info.frame_id != next++ || r.outcome != outcome) ++wrong;
  };
  const RunReport report = g.go(options);
  EXPECT_EQ(next, kFrames);
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(report.summary.complete) << report.summary.reason;
  EXPECT_EQ(report.summary.frames, kFrames);
  for (const auto& [outcome, count] : expected) EXPECT_EQ(outcomes(report.summary, outcome), count);
  EXPECT_LE(report.peak_in_flight, g.run.max_in_flight);
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range(1, 17));

TEST(Runner, PairsTheBranchesOfADiamondWithOppositeDelays) {
  constexpr std::uint64_t kFrames = 20000;
  FunctionGraph g;
  g.run.max_in_flight = 16;
  const auto src = g.numbers(kFrames);
  const auto slow_on_even = [](std::uint64_t parity) {
    return [parity](Node::Context& c) {
      const auto& n = c.in<Number>(0);
      if (n.frame % 2 == parity) test::delay(mix(n.frame, 1) | 1U, 40);
      c.out(0, n);
    };
  };
  const auto left = g.node("left", {src}, slow_on_even(0));
  const auto right = g.node("right", {src}, slow_on_even(1));
  std::uint64_t mispaired = 0, seen = 0;
  const auto join = g.node("join", {left, right}, [](Node::Context& c) {
    if (c.in<Number>(0).frame != c.in<Number>(1).frame) throw FrameError("mispaired", "two frames in one node");
    c.out(0, c.in<Number>(0));
  });
  g.sink("sink", {join, left, right}, [&](Sink::Context& c) {
    ++seen;
    for (const std::size_t port : {0U, 1U, 2U}) {
      const auto* n = c.input(port).as<Number>();
      if (n == nullptr || n->frame != c.info().frame_id) ++mispaired;
    }
  });
  EXPECT_EQ(outcomes(g.go().summary, Outcome::ok), kFrames);
  EXPECT_EQ(seen, kFrames);
  EXPECT_EQ(mispaired, 0U);
}

// The control of the test above: TBB's own join takes whichever comes first at each of its ports.
TEST(RawTbb, MispairsTheBranchesOfSuchADiamond) {
  namespace flow = oneapi::tbb::flow;
  const oneapi::tbb::global_control four(oneapi::tbb::global_control::max_allowed_parallelism, 4);
  using Pair = std::tuple<std::uint64_t, std::uint64_t>;
  flow::graph graph;
  flow::broadcast_node<std::uint64_t> source(graph);
  flow::function_node<std::uint64_t, std::uint64_t> left(graph, flow::unlimited, [](std::uint64_t n) {
    if (n % 2 == 0) test::delay(mix(n, 1) | 1U, 40);
    return n;
  });
  flow::function_node<std::uint64_t, std::uint64_t> right(graph, flow::unlimited, [](std::uint64_t n) {
    if (n % 2 == 1) test::delay(mix(n, 1) | 1U, 40);
    return n;
  });
  flow::join_node<Pair> join(graph);
  std::uint64_t mispaired = 0;
  flow::function_node<Pair> end(graph, flow::serial, [&](const Pair& pair) {
    if (std::get<0>(pair) != std::get<1>(pair)) ++mispaired;
    return flow::continue_msg();
  });
  flow::make_edge(source, left);
  flow::make_edge(source, right);
  flow::make_edge(left, flow::input_port<0>(join));
  flow::make_edge(right, flow::input_port<1>(join));
  flow::make_edge(join, end);
  for (std::uint64_t i = 0; i < 20000; ++i) source.try_put(i);
  graph.wait_for_all();
  EXPECT_GT(mispaired, 0U);
}

TEST(Runner, CountsTheStarsOfTheLastListOfEachLine) {
  const auto stars = [](std::size_t n) {
    return [n](Node::Context& c) {
      if (n == 7 && c.info().frame_id == 1) throw FrameError("test.bad", "bad");
      StarList list;
      list.stars.resize(n);
      c.out(0, std::move(list));
    };
  };
  FunctionGraph g;
  const auto found = g.node("centroid", {g.numbers(3)}, stars(10), false, message_type<StarList>);
  const auto good = g.node("filter", {found}, stars(7), false, message_type<StarList>);
  const auto text = g.node("records", {good}, [](Node::Context& c) { c.out(0, Number{}); });
  g.sink("sink", {text, good}, [](Sink::Context&) {});
  EXPECT_EQ(g.go().summary.stars, 14U);  // of the filter, in two frames
}

TEST(Runner, CountsTheStarsOfEachBranchAlsoWhereAnotherFails) {
  const auto stars = [](std::size_t n, std::uint64_t bad) {
    return [n, bad](Node::Context& c) {
      if (c.info().frame_id == bad) throw FrameError("test.bad", "bad");
      StarList list;
      list.stars.resize(n);
      c.out(0, std::move(list));
    };
  };
  FunctionGraph g;
  const auto source = g.numbers(3);
  std::size_t seen = 0;
  for (const auto& [id, body] : {std::pair("left", stars(10, 9)), std::pair("right", stars(5, 1))}) {
    const auto branch = g.node(id, {source}, body, false, message_type<StarList>);
    g.sink(std::string("sink_") + id, {branch}, [&](Sink::Context& c) {
      if (const auto* list = c.input(0).as<StarList>()) seen += list->stars.size();
    });
  }
  graph::GraphSpec spec = g.spec();
  for (graph::NodeSpec& node : spec.nodes) node.on_error = graph::OnError::fail_frame;
  const auto report = graph::GraphRunner(std::move(spec), {}).run();
  EXPECT_EQ(report.summary.outcomes[static_cast<int>(Outcome::failed)], 1U);
  EXPECT_EQ(report.summary.stars, 40U);
  EXPECT_EQ(seen, 40U) << "as many as the sinks got";
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

Frame small_frame(std::uint64_t id) {
  cv::Mat image(64, 64, CV_16UC1);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      image.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(mix(id, static_cast<std::uint64_t>(64 * y + x)));
    }
  }
  FrameInfo info;
  info.frame_id = id;
  info.source = "frame" + std::to_string(id);
  return Frame::adopt(std::move(image), std::move(info));
}

// 10,000 frames of 8 KiB are 80 MiB: were they kept, the bound of 8 MiB would be passed tenfold; a context kept for
// each frame (some 500 bytes) would show, too.
TEST(Runner, GivesTenThousandFramesWithRandomDelaysAndFailuresOneOutcomeEachInFlatMemory) {
  constexpr std::uint64_t kFrames = 10000, kWarm = 1000;
  FunctionGraph g;
  g.run.max_in_flight = 8;
  const auto src = g.source(
      [next = std::uint64_t{0}](Source::Context& c) mutable {
        if (next == kFrames) return false;
        c.info.frame_id = next;
        c.info.source = "frame" + std::to_string(next);
        const std::uint64_t id = next++;
        if (mix(id, 1) % 50 == 0) throw FrameError("test.unreadable", "as planned");
        c.out(0, small_frame(id));
        return true;
      },
      message_type<Frame>);
  const auto sum = [](std::uint64_t salt) {
    return [salt](Node::Context& c) {
      test::delay(mix(c.info().frame_id, salt), 100);
      if (mix(c.info().frame_id, salt + 9) % 30 == 0) throw std::runtime_error("as planned");
      std::uint64_t total = salt;
      const cv::Mat& image = c.in<Frame>(0).image();
      for (int x = 0; x < image.cols; ++x) total = mix(total, image.at<std::uint16_t>(3, x));
      c.out(0, Number{c.info().frame_id, total});
    };
  };
  const auto a = g.node("a", {src}, sum(1));
  const auto b = g.node("b", {src}, sum(2));
  const auto both = g.node("both", {a, b}, [](Node::Context& c) {
    c.out(0, Number{c.in<Number>(0).frame, mix(c.in<Number>(0).value, c.in<Number>(1).value)});
  });
  std::uint64_t next = 0, wrong = 0;
  std::size_t warm = 0;
  g.sink("sink", {both}, [&](Sink::Context& c) {
    const std::uint64_t id = next++;
    const bool source_fails = mix(id, 1) % 50 == 0;
    const bool fails = source_fails || mix(id, 10) % 30 == 0 || mix(id, 11) % 30 == 0;
    if (c.info().frame_id != id || c.info().source != "frame" + std::to_string(id)) ++wrong;
    if (c.outcome() != (fails ? Outcome::failed : Outcome::ok) || c.errors().empty() == fails) ++wrong;
    if (static_cast<bool>(c.input(0)) == fails) ++wrong;
    if (id == kWarm) warm = resident_bytes();
  });
  const RunReport report = g.go();
  const std::size_t end = resident_bytes();
  EXPECT_EQ(next, kFrames);
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(report.summary.frames, kFrames);
  EXPECT_EQ(outcomes(report.summary, Outcome::ok) + outcomes(report.summary, Outcome::failed), kFrames);
  EXPECT_TRUE(report.summary.complete);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep freed memory back
  EXPECT_LT(end, warm + (std::size_t{8} << 20U)) << "grew by " << (end - warm) / 1024 << " KiB";
#else
  EXPECT_GT(end, 0U);
#endif
}

}  // namespace
}  // namespace starflow
