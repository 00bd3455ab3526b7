// SPDX-License-Identifier: MIT
#include "frame_pattern.hpp"

#include "file_list.hpp"

#include <starflow/sdk/options.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace starflow {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kNames = {"{stem}", "{name}", "{folder}", "{frame_id}"};

std::string stem_of(const fs::path& source) {
  fs::path name = source.filename();
  // a.fits.gz and a.fits.fz have two extensions
  if (has_fits_name(name.native()) && (name.extension() == ".gz" || name.extension() == ".fz")) name = name.stem();
  return name.stem().native();
}

std::string value_of(std::string_view name, const FrameInfo& info) {
  const fs::path source(info.source);
  if (name == "{stem}") return stem_of(source);
  if (name == "{name}") return source.filename().native();
  if (name == "{frame_id}") return std::to_string(info.frame_id);
  const fs::path folder = source.parent_path();
  return folder.empty() ? "." : folder.native();
}

/// The placeholder that begins at \p at; empty = none of them.
std::string_view placeholder_at(std::string_view text, std::size_t at) {
  for (const std::string_view name : kNames) {
    if (text.substr(at).starts_with(name)) return name;
  }
  return {};
}

}  // namespace

FramePattern::FramePattern(std::string text, const std::string& option) : text_(std::move(text)) {
  std::error_code ignored;
  if (fs::exists(text_, ignored)) return;
  for (std::size_t at = text_.find('{'); at != std::string::npos; at = text_.find('{', at + 1)) {
    if (placeholder_at(text_, at).empty()) {
      const std::string shown = text_.substr(at, text_.find('}', at) - at + 1);
      throw OptionError(option,
                        text_ + ": " + shown + " stands for nothing; {stem}, {name}, {folder} and {frame_id} do");
    }
    per_frame_ = true;
  }
}

bool FramePattern::has_frame_id() const { return per_frame_ && text_.find("{frame_id}") != std::string::npos; }

std::string numbered_name(const std::string& path, std::uint64_t frame_id) {
  const fs::path name(path);
  return (name.parent_path() / (name.stem().string() + "_" + std::to_string(frame_id) + name.extension().string()))
      .string();
}

std::string FramePattern::path(const FrameInfo& info) const {
  if (!per_frame_) return text_;
  std::string out;
  for (std::size_t at = 0; at < text_.size();) {
    const std::string_view name = placeholder_at(text_, at);
    if (name.empty()) {
      out += text_[at++];
    } else {
      out += value_of(name, info);
      at += name.size();
    }
  }
  return out;
}

}  // namespace starflow
