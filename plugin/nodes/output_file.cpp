// SPDX-License-Identifier: MIT
#include "output_file.hpp"

#include <starflow/sdk/node.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <system_error>

namespace starflow {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20U;

std::string reason(int error) { return std::generic_category().message(error); }

/// Holds SIGPIPE back in this thread, so that a reader that has gone is an error of write() whatever the process does
/// with signals; takes back the one that write() raised.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &old_);
  }
  ~NoSigpipe() {
    if (!was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{}, old_{};
  bool was_pending_ = false;
};

/// \return 0 or errno
int write_all(int descriptor, std::string_view bytes) {
  const NoSigpipe guard;
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

bool is_special(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

OutputFile::~OutputFile() { abandon(); }

bool OutputFile::open(const std::string& path) {
  path_ = path;
  buffer_.reserve(kBufferBytes);
  if (path == "-") {
    path_ = "standard output";
    descriptor_ = ::dup(STDOUT_FILENO);
    if (descriptor_ < 0) throw OptionError("path", "can't use standard output: " + reason(errno));
    return false;
  }
  if (is_folder(path)) throw OptionError("path", path + " is a folder; give the name of a file");
  const bool special = is_special(path);
  const std::string name = special ? path : path + ".part";
  const bool replaces = !special && ::access(name.c_str(), F_OK) == 0;
  const int flags = special ? O_WRONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  descriptor_ = ::open(name.c_str(), flags, 0666);
  if (descriptor_ < 0) throw OptionError("path", "can't write " + name + ": " + reason(errno));
  if (!special) part_ = name;
  return replaces;
}

void OutputFile::fail(int error) {
  failed_ = true;
  buffer_.clear();
  throw RunError("can't write " + (part_.empty() ? path_ : part_) + ": " + reason(error));
}

void OutputFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    if (const int error = write_all(descriptor_, bytes); error != 0) fail(error);
  } else {
    buffer_ += bytes;
  }
}

void OutputFile::flush() {
  if (const int error = write_all(descriptor_, buffer_); error != 0) fail(error);
  buffer_.clear();
}

void OutputFile::close_descriptor() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void OutputFile::commit() {
  flush();
  if (is_stream()) return close_descriptor();
  if (::fsync(descriptor_) != 0) fail(errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(errno);  // where a network file system reports a full disk
  if (std::rename(part_.c_str(), path_.c_str()) != 0) fail(errno);
}

std::string OutputFile::abandon() noexcept {
  if (descriptor_ < 0) return {};
  if (!failed_ && write_all(descriptor_, buffer_) != 0) failed_ = true;
  buffer_.clear();
  struct stat status {};
  const bool empty = ::fstat(descriptor_, &status) == 0 && status.st_size == 0;
  close_descriptor();
  if (is_stream() || !empty) return part_;
  ::unlink(part_.c_str());  // a run that could not begin leaves nothing behind
  return {};
}

}  // namespace starflow
