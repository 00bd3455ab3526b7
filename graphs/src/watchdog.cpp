// SPDX-License-Identifier: MIT
#include "watchdog.hpp"

#include <fmt/format.h>

#include <utility>

namespace starflow::graph {

Watchdog::Watchdog(double stall_ms, Inside inside, Report report)
    : stall_(stall_ms), inside_(std::move(inside)), report_(std::move(report)) {
  if (on()) thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Watchdog::~Watchdog() = default;

std::uint64_t Watchdog::enter(std::string what) {
  const std::lock_guard lock(mutex_);
  running_.push_back({++next_, std::move(what), Clock::now()});
  return next_;
}

void Watchdog::leave(std::uint64_t number) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(running_, [number](const Running& r) { return r.number == number; });
}

void Watchdog::delivered() noexcept {
  if (!on()) return;
  const std::lock_guard lock(mutex_);
  last_ = Clock::now();
  told_ = false;
}

void Watchdog::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, std::chrono::duration_cast<std::chrono::nanoseconds>(stall_ / 4), [] { return false; });
    const auto now = Clock::now();
    const std::size_t inside = inside_();
    if (inside == 0) last_ = now;
    if (told_ || stop.stop_requested() || now - last_ < stall_) continue;
    told_ = true;
    const std::string said = text(now, inside);
    lock.unlock();  // the host's callback may take its time
    report_(said);
    lock.lock();
  }
}

std::string Watchdog::text(Clock::time_point now, std::size_t inside) const {
  const auto seconds = [&](Clock::time_point since) { return std::chrono::duration<double>(now - since).count(); };
  std::string said = fmt::format("no frame has come out for {:.1f} s, {} inside", seconds(last_), inside);
  for (const Running& r : running_) said += fmt::format("; {} for {:.1f} s", r.what, seconds(r.since));
  if (running_.empty()) said += "; no body runs";
  return said;
}

}  // namespace starflow::graph
