// SPDX-License-Identifier: MIT
#include "output_file.hpp"

#include <starflow/sdk/node.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

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

bool is_there(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

/// A descriptor that is closed where it was not handed on.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

[[noreturn]] void refuse(const std::string& name, int error) {
  throw OptionError("path", "can't write " + name + ": " + reason(error));
}

/// \throws OptionError unless what is called \p name is a file of that one name
void check_plain(const std::string& name, const struct stat& status) {
  std::string what;
  if (S_ISLNK(status.st_mode)) {
    what = "a symbolic link";
  } else if (S_ISDIR(status.st_mode)) {
    what = "a folder";
  } else if (!S_ISREG(status.st_mode)) {
    what = "no plain file";
  } else if (status.st_nlink > 1) {
    what = "a second name of another file";
  } else {
    return;
  }
  throw OptionError("path", name + " is in the way: " + what + "; remove it or give another output");
}

/// Opens what is called \p name already, whose bytes stay. \return none where it is gone meanwhile
std::optional<int> open_existing(const std::string& name) {
  struct stat status {};
  if (::lstat(name.c_str(), &status) == 0) check_plain(name, status);  // opening a pipe or a device could do something
  const int descriptor = ::open(name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  if (errno == ENOENT) return {};
  refuse(name, errno);
}

/// \throws OptionError where another run has the lock
void lock(int descriptor, const std::string& name, bool made) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK)
    throw OptionError("path", "another run is writing " + name + "; wait until it has ended or give another output");
  const bool no_locks = errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL;
  if (!no_locks) refuse(name, errno);
  if (made) return;  // nobody else can have made it, too
  throw OptionError("path", name +
                                " exists, and its file system has no locks to tell whether a run is still writing it; "
                                "remove it or give another output");
}

struct Part {
  int descriptor;
  bool replaces;
};

/// Opens \p name, made or left by an earlier run, as a file that no other run writes.
Part open_part(const std::string& name) {
  for (;;) {
    Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    const bool made = file.get() >= 0;
    if (!made && errno != EEXIST) refuse(name, errno);
    const std::optional<int> existing = made ? std::nullopt : open_existing(name);
    if (!made && !existing) continue;
    Descriptor old(existing.value_or(-1));
    Descriptor& mine = made ? file : old;
    lock(mine.get(), name, made);
    // Until the lock was ours, another run could give the file its final name or remove it.
    struct stat locked {
    }, named{};
    if (::fstat(mine.get(), &locked) != 0) refuse(name, errno);
    if (::lstat(name.c_str(), &named) != 0) {
      if (errno == ENOENT) continue;
      refuse(name, errno);
    }
    if (locked.st_dev != named.st_dev || locked.st_ino != named.st_ino) continue;
    check_plain(name, locked);
    return {mine.release(), !made};
  }
}

/// Renames unless \p to is there. \return 0 or errno
int rename_to_free_name(const char* from, const char* to) {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  if (::link(from, to) == 0) return ::unlink(from) == 0 ? 0 : errno;
  if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  if (is_there(to)) return EEXIST;  // the file system can do no better
  return std::rename(from, to) == 0 ? 0 : errno;
}

/// Gives a file that has its final name already, by the inode ours, its unfinished one again.
void take_name_back(const std::string& path, const std::string& part, std::uint64_t inode) {
  struct stat status {};
  if (is_there(part)) return;
  const bool ours = ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode;
  if (!ours)
    throw OptionError("path", part + ", which the run to be continued was writing, is gone; start anew (--force)");
  if (const int error = rename_to_free_name(path.c_str(), part.c_str()); error != 0) refuse(part, error);
}

}  // namespace

OutputFile::~OutputFile() {
  if (worth_keeping_ || failed_) {
    abandon();
  } else {
    discard();
  }
}

bool OutputFile::open(const std::string& path, bool may_replace) {
  path_ = path;
  may_replace_ = may_replace;
  buffer_.reserve(kBufferBytes);
  if (path == "-") {
    path_ = "standard output";
    descriptor_ = ::dup(STDOUT_FILENO);
    if (descriptor_ < 0) throw OptionError("path", "can't use standard output: " + reason(errno));
    return false;
  }
  if (is_folder(path)) throw OptionError("path", path + " is a folder; give the name of a file");
  if (is_special(path)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) refuse(path, errno);
    return false;
  }
  // Links that lead nowhere count, too: the name is taken at the end.
  if (!may_replace && is_there(path))
    throw OptionError("path", path + " exists; choose another name or allow it to be replaced (--force)");
  const std::string name = path + ".part";
  const Part part = open_part(name);
  descriptor_ = part.descriptor;
  part_ = name;
  made_ = !part.replaces;
  return part.replaces;
}

void OutputFile::reopen(const std::string& path, bool may_replace, const Mark& mark) {
  take_name_back(path, path + ".part", mark.inode);
  open(path, may_replace);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) refuse(part_, errno);
  if (static_cast<std::uint64_t>(status.st_size) < mark.bytes)
    throw OptionError("path", part_ + " is shorter than when the run to be continued wrote it; start anew (--force)");
  worth_keeping_ = true;
  kept_ = mark.bytes;
}

void OutputFile::fail(int error) {
  failed_ = true;
  buffer_.clear();
  throw RunError("can't write " + (part_.empty() ? path_ : part_) + ": " + reason(error));
}

void OutputFile::begin() {
  if (begun_ || is_stream()) return;
  if (!made_ && kept_) {
    const auto bytes = static_cast<off_t>(*kept_);
    if (::ftruncate(descriptor_, bytes) != 0 || ::lseek(descriptor_, bytes, SEEK_SET) < 0) fail(errno);
  }
  begun_ = true;
}

void OutputFile::write(std::string_view bytes) {
  worth_keeping_ = true;
  preface(bytes);
}

void OutputFile::preface(std::string_view bytes) {
  if (buffer_.size() + bytes.size() >= kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    if (const int error = write_all(descriptor_, bytes); error != 0) fail(error);
  } else {
    buffer_ += bytes;
  }
}

void OutputFile::flush() {
  begin();
  if (const int error = write_all(descriptor_, buffer_); error != 0) fail(error);
  buffer_.clear();
}

OutputFile::Mark OutputFile::sync() {
  flush();
  struct stat status {};
  if (::fsync(descriptor_) != 0 || ::fstat(descriptor_, &status) != 0) fail(errno);
  if (!named_) sync_folder();
  named_ = true;
  return {static_cast<std::uint64_t>(status.st_size), status.st_ino};
}

void OutputFile::sync_folder() {
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder that may be written but not read can't be synced; neither can one of some network file systems.
  if (opened.get() >= 0 && ::fsync(opened.get()) != 0 && errno != EINVAL) fail(errno);
}

void OutputFile::rewrite(std::uint64_t at, std::string_view bytes) {
  flush();
  if (::lseek(descriptor_, static_cast<off_t>(at), SEEK_SET) < 0) fail(errno);
  if (const int error = write_all(descriptor_, bytes); error != 0) fail(error);
  if (::lseek(descriptor_, 0, SEEK_END) < 0) fail(errno);
}

void OutputFile::close_descriptor() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void OutputFile::commit() {
  flush();
  if (is_stream()) return close_descriptor();
  if (::fsync(descriptor_) != 0) fail(errno);
  const Descriptor lock(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));  // holds it until the name is gone
  if (lock.get() < 0) fail(errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(errno);  // where a network file system reports a full disk
  publish();
}

void OutputFile::publish() {
  if (may_replace_) {
    if (std::rename(part_.c_str(), path_.c_str()) != 0) fail(errno);
    if (named_) sync_folder();
    return;
  }
  const int error = rename_to_free_name(part_.c_str(), path_.c_str());
  if (error == EEXIST) {
    failed_ = true;
    throw RunError(path_ + " was made by somebody else during the run and is kept; this run's records are in " + part_ +
                   ": give them another name");
  }
  if (error != 0) fail(error);
  if (named_) sync_folder();
}

void OutputFile::discard() noexcept {
  if (descriptor_ >= 0 && !is_stream() && (made_ || begun_)) ::unlink(part_.c_str());  // locked, it is still ours
  close_descriptor();
}

std::string OutputFile::abandon() noexcept {
  if (descriptor_ < 0) return {};
  try {
    if (!failed_) flush();
  } catch (const RunError&) {  // failed_ says it
  }
  struct stat status {};
  const bool empty = ::fstat(descriptor_, &status) == 0 && status.st_size == 0;
  const bool keep = is_stream() || !empty;
  if (!keep) ::unlink(part_.c_str());  // a run that could not begin leaves nothing behind; locked, it is still ours
  close_descriptor();
  return keep ? part_ : std::string();
}

}  // namespace starflow
