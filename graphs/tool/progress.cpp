// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace starflow::tool {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

constexpr milliseconds kTerminalPause{100}, kPlainPause{10'000};

std::string clock_text(double seconds) {
  const auto s = static_cast<long long>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) { last_ = start_; }

double Progress::seconds() const { return duration<double>(Clock::now() - start_).count(); }

std::string Progress::line(const RunSummary& s) const {
  const double elapsed = seconds(), rate = static_cast<double>(s.frames) / std::max(elapsed, 1e-9);
  std::string text = fmt::format("{} stars, {:.1f} frames/s", s.stars, rate);
  const auto failed = s.outcomes[static_cast<int>(Outcome::failed)];
  if (failed > 0) text += fmt::format(", {} failed", failed);
  if (total_ == 0) return fmt::format("{} frames, {}", s.frames, text);
  const double left = static_cast<double>(total_ - std::min(total_, s.frames)) / std::max(rate, 1e-9);
  const double share = static_cast<double>(s.frames) / static_cast<double>(total_);
  constexpr int kWidth = 24;
  const int filled = std::clamp(static_cast<int>(share * kWidth), 0, kWidth);
  return fmt::format("[{}{}] {}/{} frames, {}, {} left", std::string(static_cast<std::size_t>(filled), '#'),
                     std::string(static_cast<std::size_t>(kWidth - filled), '.'), s.frames, total_, text,
                     clock_text(left));
}

void Progress::clear() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

void Progress::update(const RunSummary& so_far) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (now - last_ < (terminal_ ? kTerminalPause : kPlainPause)) return;
  last_ = now;
  if (terminal_) {
    clear();
    fmt::print(stderr, "{}", line(so_far));
    std::fflush(stderr);
    shown_ = true;
  } else {
    fmt::print(stderr, "{}\n", line(so_far));
  }
}

void Progress::log(LogLevel level, std::string_view text) {
  if (level == LogLevel::debug || (quiet_ && level == LogLevel::info)) return;
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  const std::lock_guard lock(mutex_);
  clear();
  fmt::print(stderr, "{}: {}\n", kNames[static_cast<int>(level)], text);
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  clear();
}

}  // namespace starflow::tool
