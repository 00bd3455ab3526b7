// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Runs source.files over files of a test.

#include "register.hpp"

#include "support/node_harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {

/// Everything that source.files makes with \p options.
inline std::vector<Produced> run_files(const OptionMap& options) { return run_source(source_files_type(), options); }

/// What the one file \p path gives.
inline Produced run_file(const std::string& path, OptionMap options = {}) {
  options["paths"] = path;
  std::vector<Produced> all = run_files(options);
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? Produced{} : std::move(all.front());
}

inline bool notes_mention(const FrameInfo& info, const std::string& text) {
  return std::any_of(info.notes.begin(), info.notes.end(),
                     [&](const std::string& n) { return n.find(text) != std::string::npos; });
}

}  // namespace starflow::test
