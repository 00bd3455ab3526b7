// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Many runs one after the other under random load: started, reconfigured, stopped in every way, at any moment.

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>

#include "graphs/config_types.hpp"
#include "support/graph_nodes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace starflow::test {

/// Works for a while on several threads, and fails now and then.
struct SoakWork final : Node {
  explicit SoakWork(const Options& o) : factor(static_cast<std::uint64_t>(o.integer("factor"))) {}
  void process(Context& c) override {
    const std::uint64_t key = mix(c.info().frame_id, factor);
    delay(key, 60);
    std::atomic<std::uint64_t> sum{0};
    c.parallel()(64, 8, [&](std::size_t begin, std::size_t end) { sum += mix(key, begin) % 7 + end; });
    if (key % 19 == 0) throw FrameError("soak", "as planned");
    c.out(0, Number{c.info().frame_id, sum});
  }
  std::uint64_t factor;
};

/// Remembers all that it saw, and tells how much at the end.
struct SoakSum final : Node {
  explicit SoakSum(const Options&) {}
  void process(Context& c) override {
    ++seen;
    c.out(0, Number{c.info().frame_id, seen});
  }
  bool flush(Source::Context& c) override {
    if (std::exchange(told, true)) return false;
    c.info.frame_id = kTail;
    c.out(0, Number{kTail, seen});
    return true;
  }
  static constexpr std::uint64_t kTail = std::uint64_t{1} << 40U;
  std::uint64_t seen = 0;
  bool told = false;
};

inline graph::Registry soak_types() {
  graph::Registry types;
  graph::register_builtin(types);
  NodeType work{"work",
                "",
                {{"frame", message_type<Frame>, ""}},
                {{"out", message_type<Number>, ""}},
                {},
                factory_of<SoakWork>()};
  work.options = {ranged("factor", Accepts::integer, std::int64_t{1}, 0, 1000)};
  work.options[0].live = true;
  types.add(work);
  NodeType sum{"sum",
               "",
               {{"a", message_type<Number>, ""}, {"b", message_type<Number>, "", true}},
               {{"out", message_type<Number>, ""}},
               {},
               factory_of<SoakSum>()};
  sum.serial = true;
  types.add(sum);
  return types;
}

/// What one run is put through.
class SoakRound {
 public:
  SoakRound(const graph::Registry& types, std::uint64_t seed) : random_(seed) {
    const graph::Overrides run{
        {"run.threads", below(4)},
        {"run.max_in_flight", below(8, 1)},
        {"run.max_bytes_in_flight", below(40'000, 5'000)},
        {"run.admission.when_full", "\"" + std::string(graph::kWhenFullNames[random_() % 4]) + "\""},
        {"run.admission.queue", below(4)},
        {"run.watchdog.stall_ms", random_() % 2 == 0 ? "0" : "60000"}};
    graph::RunOptions options;
    options.keep = {"sum.out"};
    options.on_result = [this](const graph::FrameResult& r) { hear(r); };
    runner_ = std::make_unique<graph::GraphRunner>(graph::GraphSpec::parse(kGraph, "soak.json", types, run), options);
  }

  /// \return what the run came to; empty where its runner was destroyed with frames inside
  RunSummary go() {
    const bool by_caller = random_() % 4 == 0;
    std::vector<std::thread> hosts;
    for (std::uint64_t host = 0; host < kHosts; ++host) {
      hosts.emplace_back([this, host, by_caller] { feed(host, by_caller); });
    }
    std::thread changer([this] { change(); });
    const std::uint64_t how = random_() % 5;
    delay(random_() | 1U, 4000);
    if (how == 0) runner_->drain();
    if (how == 1) runner_->abort();
    if (how == 2) runner_->finish();  // while frames come
    for (std::thread& host : hosts) host.join();
    stop_ = true;
    changer.join();
    RunSummary summary;
    if (how != 3) {
      const graph::RunReport report = runner_->finish();
      expect_sound(report, how == 1);
      summary = report.summary;
    }
    runner_.reset();  // where how == 3: with frames inside
    EXPECT_EQ(released_, kHosts * kFrames) << "every frame's pixels are let go";
    EXPECT_EQ(wrong_, 0U);
    return summary;
  }

 private:
  static constexpr std::uint64_t kHosts = 3, kFrames = 40;
  static constexpr const char* kGraph = R"({"format": "starflow.graph/1", "nodes": [
    {"id": "src", "type": "source.push"},
    {"id": "a",   "type": "work", "in": "src"},
    {"id": "b",   "type": "work", "in": "src", "options": {"factor": 7}, "on_error": "skip_output"},
    {"id": "sum", "type": "sum",  "in": {"a": "a", "b": "b"}} ]})";

  std::string below(std::uint64_t n, std::uint64_t first = 0) { return std::to_string(first + random_() % n); }

  void feed(std::uint64_t host, bool by_caller) {
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      FrameInfo info;
      info.frame_id = host * kFrames + i;
      const int side = 16 + 16 * static_cast<int>(mix(info.frame_id, 5) % 5);  // the largest may be too large
      Frame frame = Frame::borrow(cv::Mat(side, side, CV_8UC1, pixels_), std::move(info), [this] { ++released_; });
      if (by_caller) {
        runner_->process(std::move(frame));
      } else {
        runner_->submit(std::move(frame));
      }
      delay(mix(host, i), 30);
    }
  }

  void change() {
    while (!stop_) {
      runner_->reconfigure({{"nodes.a.options.factor", std::to_string(++changes_ % 1000)}});
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }

  void hear(const graph::FrameResult& r) {
    ++heard_;
    if (r.info.frame_id == SoakSum::kTail) return;
    std::uint64_t& last = last_[r.info.frame_id / kFrames];
    if (r.info.frame_id % kFrames + 1 <= last) ++wrong_;
    last = r.info.frame_id % kFrames + 1;
  }

  void expect_sound(const graph::RunReport& report, bool aborted) const {
    std::uint64_t all = 0;
    for (const std::uint64_t n : report.summary.outcomes) all += n;
    EXPECT_EQ(all, report.summary.frames);
    EXPECT_EQ(report.aborted, aborted);
    EXPECT_GE(report.summary.frames, heard_);
    EXPECT_LE(report.summary.frames, kHosts * kFrames + 1);
  }

  std::mt19937_64 random_;
  std::uint8_t pixels_[80 * 80] = {};
  std::map<std::uint64_t, std::uint64_t> last_;  // frame of each host, and one
  std::uint64_t heard_ = 0, wrong_ = 0, changes_ = 0;
  std::atomic<std::uint64_t> released_{0};
  std::atomic<bool> stop_{false};
  std::unique_ptr<graph::GraphRunner> runner_;  // last: it uses everything above
};

inline std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

inline std::ptrdiff_t threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

/// \param rounds  of which the first quarter warms the allocator up. 3,000 more were seen to add 0.7 MiB; a runner that
///                were kept would keep its threads, too, which are counted.
inline void soak(std::uint64_t rounds) {
  const graph::Registry types = soak_types();
  std::size_t warm = 0;
  std::ptrdiff_t threads = 0;
  std::uint64_t all[std::size(kOutcomeNames)] = {};
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const RunSummary summary = SoakRound(types, round).go();
    for (std::size_t i = 0; i < std::size(all); ++i) all[i] += summary.outcomes[i];
    if (testing::Test::HasFailure()) FAIL() << "in round " << round;
    if (round == rounds / 4) {
      warm = resident_bytes();
      threads = threads_of_process();
    }
  }
  // Some depend on chance: a few runs may miss one.
  for (std::size_t i = 0; rounds >= 1000 && i < std::size(all); ++i)
    EXPECT_GT(all[i], 0U) << "no frame was " << kOutcomeNames[i];
  const std::size_t end = resident_bytes();
  EXPECT_LE(threads_of_process(), threads + 4) << "TBB's own may still come";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep freed memory back
  EXPECT_LT(end, warm + (std::size_t{4} << 20U)) << "grew by " << (end - warm) / 1024 << " KiB";
#else
  EXPECT_GT(end, warm / 2);
#endif
}

}  // namespace starflow::test
