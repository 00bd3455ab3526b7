// SPDX-License-Identifier: MIT
#include "fits_tiles.hpp"

#include "companion.hpp"
#include "fits_tiles_protocol.hpp"

#include <starflow/sdk/node.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace starflow {
namespace {

[[noreturn]] void fail_start(int error) {
  throw FrameError("fits.no_decoder", "is tile-compressed, and " + std::string(kUnpackProgram) +
                                          ", which unpacks it, can't be started: " + std::strerror(error));
}

/// A file descriptor above 2, so that the program's own 0 to 2 never overwrite it; closed by the destructor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd_ < 0) fail_start(errno);
    if (fd_ > 2) return;
    const int low = std::exchange(fd_, fcntl(fd_, F_DUPFD_CLOEXEC, 3));
    const int error = errno;
    ::close(low);
    if (fd_ < 0) fail_start(error);
  }
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

void read_all(int fd, void* to, std::size_t bytes, std::size_t at) {
  auto* out = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = pread(fd, out, bytes, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw FrameError("fits.damaged", "can't be unpacked: the decoder's memory was cut");
    out += n;
    at += static_cast<std::size_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

// In a process group of its own: Ctrl-C is for the run, which drains, not for the frame that is being unpacked.
pid_t start(const std::string& program, const Descriptor& input, const Descriptor& memory, const Descriptor& end) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) != 0) throw std::bad_alloc();
  if (posix_spawnattr_init(&attributes) != 0) throw std::bad_alloc();
  int error = posix_spawn_file_actions_adddup2(&actions, input.get(), 0);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, memory.get(), 1);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, end.get(), 2);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  std::string name = kUnpackProgram;
  const std::array<char*, 2> arguments{name.data(), nullptr};
  if (error == 0) error = posix_spawn(&child, program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) fail_start(error);
  return child;
}

// The pipe's end, not the exit status, is what counts: a host may ignore SIGCHLD or reap every child itself.
void wait_for_end(pid_t child, int pipe) {
  std::array<char, 512> last_words{};
  ssize_t n = 0;
  do {
    n = read(pipe, last_words.data(), last_words.size());
  } while (n > 0 || (n < 0 && errno == EINTR));
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

void unpack_tiles(
    const FitsFile& file, const FitsPlane& plane, void* pixels, std::size_t bytes, char* mask, int& blanks) {
  const Companion program = find_companion(kUnpackProgram);
  if (program.file.empty()) {
    throw FrameError("fits.no_decoder", "is tile-compressed, and " + std::string(kUnpackProgram) +
                                            ", which unpacks it, was not found in " + program.searched +
                                            "; install it or set STARFLOW_PLUGIN_PATH");
  }
  UnpackJob job;
  job.hdu = file.number();
  job.plane = plane;
  job.pixel_bytes = bytes;
  job.mask_bytes = mask != nullptr ? static_cast<std::uint64_t>(plane.pixels) : 0;

  const Descriptor input(file.share());
  const Descriptor memory(memfd_create("starflow-pixels", MFD_CLOEXEC));
  if (ftruncate(memory.get(), static_cast<off_t>(kUnpackPixels + job.pixel_bytes + job.mask_bytes)) != 0)
    throw std::bad_alloc();
  if (pwrite(memory.get(), &job, sizeof job, 0) != static_cast<ssize_t>(sizeof job)) throw std::bad_alloc();
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_start(errno);
  const Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  const pid_t child = start(program.file.string(), input, memory, theirs);
  theirs.close();
  wait_for_end(child, ours.get());

  read_all(memory.get(), &job, sizeof job, 0);
  if (job.version != kUnpackVersion) {
    throw FrameError("fits.no_decoder", "is tile-compressed, and " + program.file.string() +
                                            " is of another version; install the one of this starflow");
  }
  if (job.done == 0) throw FrameError("fits.damaged", "is damaged: the decoder of its tiles failed on it");
  if (job.status != 0) fail_fits(job.status, "has pixels that can't be read");
  blanks = job.blanks;
  read_all(memory.get(), pixels, bytes, kUnpackPixels);
  if (mask != nullptr && blanks != 0) read_all(memory.get(), mask, job.mask_bytes, kUnpackPixels + bytes);
}

}  // namespace starflow
