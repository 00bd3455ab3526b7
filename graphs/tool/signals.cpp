// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include "console.hpp"
#include "exit_code.hpp"

#include <pthread.h>
#include <unistd.h>
#include <csignal>
#include <ctime>

namespace starflow::tool {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

SignalWatch::SignalWatch() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

SignalWatch::~SignalWatch() { thread_.request_stop(); }

void SignalWatch::set(graph::GraphRunner* runner) {
  const std::lock_guard lock(mutex_);
  runner_ = runner;
}

void SignalWatch::watch(const std::stop_token& stop) {
  const sigset_t set = ending_signals();
  constexpr timespec kPause{0, 50'000'000};
  while (!stop.stop_requested()) {
    if (sigtimedwait(&set, nullptr, &kPause) >= 0) act();
  }
}

void SignalWatch::act() {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (runner_ == nullptr || count_ > 2) _exit(ExitCode::interrupted);
  const char* begin = isatty(STDERR_FILENO) == 1 ? "\n" : "";  // below the progress line
  if (count_ == 1) {
    print_error("{}interrupted: finishing the frames that have begun; once more to cancel them\n", begin);
    runner_->drain();
  } else {
    print_error("{}interrupted again: cancelling; once more to end at once\n", begin);
    runner_->abort();
  }
}

}  // namespace starflow::tool
