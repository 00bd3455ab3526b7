// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Small pictures of frames for the report, from those that sink.overlay wrote.

#include <cstdint>
#include <string>
#include <vector>

namespace starflow::tool {

class Thumbnails {
 public:
  /// \param pattern  the sink's option `path`, or the folder of its default; empty = no pictures
  /// \throws OptionError where it has unknown names in braces
  explicit Thumbnails(std::string pattern);

  [[nodiscard]] bool wanted() const noexcept { return !pattern_.empty(); }
  /// A frame's picture as a data URL; empty where there is none, or it can't be read.
  [[nodiscard]] std::string of(const std::string& source, std::int64_t frame_id);
  /// Why a picture that is there could not be shown: the first reason; empty = none.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  std::string pattern_, problem_;
  std::vector<unsigned char> jpeg_;
};

}  // namespace starflow::tool
