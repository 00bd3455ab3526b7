// SPDX-License-Identifier: MIT
#include "record_reader.hpp"

#include <starflow/sdk/node.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace starflow {

RecordReader::RecordReader(std::string name) : name_(std::move(name)), in_(name_, std::ios::binary) {
  if (!in_) fail("can't be read: " + std::generic_category().message(errno));
  next();
}

void RecordReader::next(bool quoted) {
  record_.clear();
  do {
    if (!std::getline(in_, line_)) {
      if (in_.bad()) fail("can't be read to its end");
      if (!record_.empty()) fail("ends inside of a quoted text");
      return;
    }
    if (in_.eof()) fail("ends inside of a line");
    record_ += line_;
    record_ += '\n';
  } while (quoted && std::ranges::count(record_, '"') % 2 != 0);
}

void RecordReader::fail(const std::string& what) const { throw RunError(name_ + " " + what); }

}  // namespace starflow
