// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Paths of files that go with frames: one for all, or one for each by a pattern with the frame's name.

#include <starflow/sdk/frame.hpp>

#include <cstdint>
#include <string>

namespace starflow {

/// `lists/{stem}.csv`: {stem} is the frame's file name without folder and extension (also .fits.gz), {name} the file
/// name, {folder} the folder, {frame_id} the number of the frame. A path that exists is never read as a pattern.
class FramePattern {
 public:
  FramePattern() = default;  ///< of no file
  /// \throws OptionError naming \p option for other braces, where no file has that very name
  FramePattern(std::string text, const std::string& option);

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] bool per_frame() const noexcept { return per_frame_; }
  [[nodiscard]] bool has_frame_id() const;
  /// The path for a frame; only its `source` and `frame_id` count.
  [[nodiscard]] std::string path(const FrameInfo& info) const;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  bool per_frame_ = false;
};

/// `a_12.png` for `a.png`: the name of the file of a frame whose own name another frame had.
[[nodiscard]] std::string numbered_name(const std::string& path, std::uint64_t frame_id);

/// For the text of options that take a pattern.
inline constexpr const char* kFramePatternDoc = "{stem}, {name}, {folder} and {frame_id} stand for the frame's";

}  // namespace starflow
