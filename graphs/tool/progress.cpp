// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include "console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow::tool {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

constexpr milliseconds kTerminalPause{100}, kPlainPause{10'000};
constexpr std::size_t kBarColumns = 24;
constexpr std::string_view kClearLine = "\r\033[K";

std::string clock_text(double seconds) {
  const auto s = std::llround(seconds);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

/// "[####....] " of at most \p space columns; nothing where that is too little for a bar.
std::string bar(double share, std::size_t space) {
  constexpr std::size_t kFrame = 3, kLeast = 8;
  if (space < kLeast + kFrame) return {};
  const std::size_t width = std::min(kBarColumns, space - kFrame);
  const auto filled = std::min(width, static_cast<std::size_t>(share * static_cast<double>(width)));
  return '[' + std::string(filled, '#') + std::string(width - filled, '.') + "] ";
}

}  // namespace

Progress::Progress(bool quiet, LogLevel least) : least_(least), quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {
  if (!terminal_) last_ = start_;  // a terminal shows the first frame at once
}

double Progress::seconds() const { return duration<double>(Clock::now() - start_).count(); }

std::string Progress::line(const RunSummary& s) const {
  const double rate = static_cast<double>(s.frames - done_) / std::max(seconds(), 1e-9);
  const auto failed = s.outcomes[static_cast<int>(Outcome::failed)];
  std::string text = total_ == 0 ? counted(s.frames, "frame") : fmt::format("{}/{} frames", s.frames, total_);
  text += ", " + counted(s.stars, "star");
  if (failed > 0) text += fmt::format(", {} failed", failed);
  text += fmt::format(", {:.1f} frames/s", rate);
  if (total_ == 0) return text;
  const double left = static_cast<double>(total_ - std::min(total_, s.frames)) / std::max(rate, 1e-9);
  text += ", " + clock_text(left) + " left";
  const std::size_t space = terminal_ ? columns() - std::min(columns(), text.size() + 1) : kBarColumns + 3;
  return bar(static_cast<double>(s.frames) / static_cast<double>(total_), space) + text;
}

void Progress::update(const RunSummary& so_far) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (now - last_ < (terminal_ ? kTerminalPause : kPlainPause)) return;
  last_ = now;
  std::string text = line(so_far);
  if (!terminal_) return write_error(text + '\n');
  text.resize(std::min(text.size(), columns() - 1));  // a line that wraps can't be rewritten
  write_error(std::string(kClearLine) + text);
  shown_ = true;
}

void Progress::log(LogLevel level, std::string_view text) {
  if (level < least_) return;
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  say(fmt::format("{}: {}", kNames[static_cast<int>(level)], text));
}

void Progress::say(std::string_view text) {
  const std::lock_guard lock(mutex_);
  write_error((shown_ ? std::string(kClearLine) : std::string()) + printable(text) + '\n');
  shown_ = false;
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (shown_) write_error(kClearLine);
  shown_ = false;
}

}  // namespace starflow::tool
