// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Runs a program as a user's shell would and keeps what it said.

#include "support/temp_dir.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace starflow::test {

inline std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct ProgramResult {
  int code = 0;  ///< exit code; 128 + the signal that ended it
  std::string out, err;
};

/// A signal that is sent once `when` holds (polled) and `after` has passed since.
struct TimedSignal {
  int number = SIGINT;
  std::function<bool()> when = [] { return true; };
  std::chrono::milliseconds after{0};
};

/// How a program is started beyond its command line.
struct ProgramSetup {
  enum class Stream { captured, closed, broken_pipe };
  std::string folder = {};  ///< working directory; empty = ours
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::vector<TimedSignal> signals = {};
  Stream out = Stream::captured, err = Stream::captured;
  std::string err_file = {};  ///< where standard error goes instead
  rlim_t file_bytes = RLIM_INFINITY;
  std::chrono::seconds most{50};  ///< then it is killed
};

namespace detail {

/// In the child, between fork() and exec(): only system calls.
inline void place(int target, ProgramSetup::Stream how, const char* file) {
  if (how == ProgramSetup::Stream::captured) {
    const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, target) < 0) _exit(126);
    close(fd);
  } else if (how == ProgramSetup::Stream::broken_pipe) {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], target) < 0) _exit(126);
    close(ends[0]);
    close(ends[1]);
  } else {
    close(target);
  }
}

[[noreturn]] inline void start(std::vector<char*>& argv,
                               const ProgramSetup& setup,
                               const std::string& out,
                               const std::string& err) {
  if (!setup.folder.empty() && chdir(setup.folder.c_str()) != 0) _exit(126);
  for (const auto& [name, value] : setup.environment) setenv(name.c_str(), value.c_str(), 1);
  std::signal(SIGPIPE, SIG_DFL);
  place(STDOUT_FILENO, setup.out, out.c_str());
  place(STDERR_FILENO, setup.err, setup.err_file.empty() ? err.c_str() : setup.err_file.c_str());
  const rlimit limit{setup.file_bytes, setup.file_bytes};
  if (setup.file_bytes != RLIM_INFINITY) setrlimit(RLIMIT_FSIZE, &limit);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace detail

/// Runs \p words, of which the first is a path, to its end.
inline ProgramResult run_program(std::vector<std::string> words, const ProgramSetup& setup = {}) {
  using Clock = std::chrono::steady_clock;
  const TempDir said;
  const std::string out = said / "out", err = said / "err";
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) detail::start(argv, setup, out, err);

  const auto begin = Clock::now();
  auto held = begin;  // when the condition of the next signal first held
  std::size_t sent = 0;
  bool holds = false;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    const auto now = Clock::now();
    if (now - begin > setup.most) kill(child, SIGKILL);
    if (sent < setup.signals.size()) {
      const TimedSignal& next = setup.signals[sent];
      if (!holds && next.when()) {
        holds = true;
        held = now;
      }
      if (holds && now - held >= next.after) {
        kill(child, next.number);
        ++sent;
        holds = false;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), file_text(out), file_text(err)};
}

}  // namespace starflow::test
