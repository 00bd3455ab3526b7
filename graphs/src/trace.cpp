// SPDX-License-Identifier: MIT
#include "trace.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/sdk/options.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::size_t kMostEvents = 4'000'000;  // 224 MB: beyond, no viewer opens the file

}  // namespace

Trace::Trace(const std::string& path, bool may_replace) : on_(!path.empty()) {
  if (!on_) return;
  try {
    file_.open(path, may_replace);
  } catch (const OptionError& e) {
    Diagnostic d;
    d.file = path;
    d.text = std::string("the trace: ") + e.what();
    throw ConfigError({std::move(d)});
  }
}

void Trace::ran(std::size_t node, const FrameContext& frame, Clock::time_point begin, Clock::time_point end) noexcept {
  if (!on()) return;
  const std::lock_guard lock(mutex_);
  try {
    if (events_.size() < kMostEvents) {
      events_.push_back(
          {begin, end, frame.seq, frame.info ? frame.info->frame_id : 0, node, std::this_thread::get_id()});
    } else {
      ++lost_;
    }
  } catch (...) {
    ++lost_;
  }
}

void Trace::inside(std::size_t frames, std::size_t bytes) noexcept {
  if (!on()) return;
  const std::lock_guard lock(mutex_);
  try {
    if (levels_.size() < kMostEvents) levels_.push_back({Clock::now(), frames, bytes});
  } catch (...) {
    ++lost_;
  }
}

void Trace::write(const Layout& layout) {
  if (!on()) return;
  const std::lock_guard lock(mutex_);
  std::ranges::sort(events_, [](const Event& a, const Event& b) {
    return std::tuple(a.seq, a.begin, a.node) < std::tuple(b.seq, b.begin, b.node);
  });
  std::map<std::thread::id, std::size_t> threads;
  const auto us = [&](Clock::time_point t) {
    return fmt::format("{:.3f}", std::chrono::duration<double, std::micro>(t - start_).count());
  };
  const auto name_of = [&](std::size_t node) { return nlohmann::json(layout.nodes[node].id).dump(); };
  file_.write(
      fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"lost_events\":{}}},\"traceEvents\":[\n", lost_));
  file_.write(R"({"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"starflow"}})");
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const Event& e = events_[i];
    const std::size_t tid = threads.try_emplace(e.thread, threads.size() + 1).first->second;
    file_.write(
        fmt::format(",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"name\":{},\"cat\":\"body\",\"ts\":{},\"dur\":{:.3f},"
                    "\"args\":{{\"seq\":{},\"frame_id\":{}}}}}",
                    tid, name_of(e.node), us(e.begin),
                    std::chrono::duration<double, std::micro>(e.end - e.begin).count(), e.seq, e.frame_id));
    const bool first = i == 0 || events_[i - 1].seq != e.seq;
    const bool last = i + 1 == events_.size() || events_[i + 1].seq != e.seq;
    if (first && last) continue;
    file_.write(fmt::format(
        ",\n{{\"ph\":\"{}\",\"pid\":1,\"tid\":{},\"name\":\"frame\",\"cat\":\"frame\",\"id\":{},\"ts\":{}{}}}",
        first  ? "s"
        : last ? "f"
               : "t",
        tid, e.seq, us(e.begin), last ? ",\"bp\":\"e\"" : ""));
  }
  for (const Level& l : levels_) {
    file_.write(fmt::format(
        ",\n{{\"ph\":\"C\",\"pid\":1,\"name\":\"inside\",\"ts\":{},\"args\":{{\"frames\":{},\"MiB\":{:.3f}}}}}",
        us(l.when), l.frames, static_cast<double>(l.bytes) / (1 << 20)));
  }
  file_.write("\n]}\n");
  file_.commit();
}

}  // namespace starflow::graph
