// SPDX-License-Identifier: MIT
#include "journal_file.hpp"

#include <starflow/sdk/node.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace starflow::graph {
namespace {

constexpr const char* kNewName = ".new";

[[noreturn]] void fail(const char* what, const std::string& path, int error) {
  throw RunError(std::string("can't ") + what + " the journal " + path + ": " + std::generic_category().message(error));
}

class Opened {
 public:
  Opened(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Opened() {
    if (number_ >= 0) ::close(number_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  [[nodiscard]] int get() const noexcept { return number_; }

 private:
  int number_;
};

std::string read_all(int descriptor, const std::string& path) {
  std::string text, part(std::size_t{1} << 16U, '\0');
  for (;;) {
    const ssize_t n = ::pread(descriptor, part.data(), part.size(), static_cast<off_t>(text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path, errno);
    if (n == 0) return text;
    text.append(part, 0, static_cast<std::size_t>(n));
  }
}

void write_all(int descriptor, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(descriptor) != 0) fail("write", path, errno);
}

void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const Opened folder(slash == std::string::npos ? "." : path.substr(0, slash + 1), O_RDONLY | O_DIRECTORY);
  if (folder.get() >= 0) ::fsync(folder.get());  // what file system can't, can't
}

bool is_still_named(int descriptor, const std::string& path) {
  struct stat opened {
  }, named{};
  if (::fstat(descriptor, &opened) != 0) fail("read", path, errno);
  return ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

JournalFile::JournalFile(std::string path) : path_(std::move(path)) {
  for (;;) {
    struct stat status {};
    made_ = ::lstat(path_.c_str(), &status) != 0;
    if (!made_ && !S_ISREG(status.st_mode)) throw RunError(path_ + " is in the way: it is no plain file");
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("write", path_, errno);
    // A file system without locks leaves it to the outputs, which refuse what they can't lock.
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw RunError("another run keeps the journal " + path_ + "; wait until it has ended or give another output");
    }
    if (is_still_named(descriptor_, path_)) return;  // until the lock was ours, its run could replace or remove it
    ::close(descriptor_);
  }
}

JournalFile::~JournalFile() { ::close(descriptor_); }

std::string JournalFile::text() const { return read_all(descriptor_, path_); }

void JournalFile::cut(std::size_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail("write", path_, errno);
}

void JournalFile::add(std::string_view line) {
  std::string text(line);
  text += '\n';
  struct stat before {};
  if (::fstat(descriptor_, &before) != 0) fail("write", path_, errno);
  try {
    write_all(descriptor_, text, path_);
  } catch (...) {
    (void)!::ftruncate(descriptor_, before.st_size);  // a part of a line would hide those that follow
    throw;
  }
  if (std::exchange(made_, false)) sync_folder_of(path_);
}

void JournalFile::remove() noexcept { ::unlink(path_.c_str()); }

std::string read_text(const std::string& path) {
  const Opened file(path, O_RDONLY);
  if (file.get() < 0 && errno == ENOENT) return {};
  if (file.get() < 0) fail("read", path, errno);
  return read_all(file.get(), path);
}

void replace_text(const std::string& path, std::string_view text) {
  const std::string fresh = path + kNewName;
  {
    const Opened file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    if (file.get() < 0) fail("write", fresh, errno);
    write_all(file.get(), text, fresh);
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) fail("write", path, errno);
  sync_folder_of(path);
}

}  // namespace starflow::graph
