// SPDX-License-Identifier: MIT
#include "record_file.hpp"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <utility>

namespace starflow::report {
namespace {

constexpr std::size_t kLongestLine = std::size_t{4} << 20U;  // bytes; records have about 1,500

}  // namespace

RecordFile::RecordFile(std::string path) : path_(std::move(path)) {
  std::error_code none;
  if (std::filesystem::is_directory(path_, none)) throw InputError(path_ + " is a folder; give files of records");
  in_.open(path_, std::ios::binary);
  if (!in_) throw InputError("can't read " + path_ + ": " + std::generic_category().message(errno));
}

bool RecordFile::next(std::string_view& line) {
  std::streambuf& bytes = *in_.rdbuf();
  for (;;) {
    line_.clear();
    int c = bytes.sbumpc();
    if (c == std::char_traits<char>::eof()) return false;
    ++number_;
    for (; c != '\n' && c != std::char_traits<char>::eof(); c = bytes.sbumpc()) {
      if (line_.size() < kLongestLine) line_ += static_cast<char>(c);
    }
    unfinished_ = c != '\n';
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    if (line_.find_first_not_of(" \t") == std::string::npos) continue;
    line = line_;
    return true;
  }
}

}  // namespace starflow::report
