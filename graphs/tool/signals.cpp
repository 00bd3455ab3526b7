// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include "exit_code.hpp"

#include <pthread.h>
#include <unistd.h>
#include <csignal>
#include <ctime>

#include <cstring>

namespace starflow::tool {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void say(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;  // nobody listens: nothing to do about it
}

}  // namespace

void block_signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error, reported by the sink
}

SignalWatch::SignalWatch(graph::GraphRunner& runner)
    : runner_(runner), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

SignalWatch::~SignalWatch() { thread_.request_stop(); }

void SignalWatch::watch(const std::stop_token& stop) {
  const sigset_t set = ending_signals();
  constexpr timespec kPause{0, 50'000'000};
  while (!stop.stop_requested()) {
    if (sigtimedwait(&set, nullptr, &kPause) < 0) continue;
    switch (++count_) {
      case 1:
        say("\ninterrupted: finishing the frames that have begun; once more to cancel them\n");
        runner_.drain();
        break;
      case 2:
        say("\ninterrupted again: cancelling\n");
        runner_.abort();
        break;
      default: _exit(ExitCode::interrupted);
    }
  }
}

}  // namespace starflow::tool
