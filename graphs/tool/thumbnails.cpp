// SPDX-License-Identifier: MIT
#include "thumbnails.hpp"

#include "frame_pattern.hpp"
#include "image_library.hpp"

#include <starflow/graph/plugin_loader.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace starflow::tool {
namespace {

namespace fs = std::filesystem;

constexpr int kLongestPx = 480;

/// RFC 4648, section 4.
std::string base64(const std::vector<unsigned char>& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8U | (at + i < bytes.size() ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63U];
  }
  return out;
}

}  // namespace

Thumbnails::Thumbnails(std::string pattern) : pattern_(std::move(pattern)) {
  std::error_code none;
  if (fs::is_directory(pattern_, none)) pattern_ = (fs::path(pattern_) / "{stem}.png").string();
  if (wanted()) static_cast<void>(FramePattern(pattern_, "overlays"));
}

std::string Thumbnails::of(const std::string& source, std::int64_t frame_id) {
  if (!wanted() || frame_id < 0) return {};
  FrameInfo info;
  info.source = source;
  info.frame_id = static_cast<std::uint64_t>(frame_id);
  const fs::path plain = FramePattern(pattern_, "overlays").path(info);
  const fs::path numbered = numbered_name(plain, info.frame_id);
  std::error_code none;
  const fs::path& path = fs::exists(numbered, none) ? numbered : plain;
  if (!fs::is_regular_file(path, none)) return {};
  try {
    load_image_library(graph::plugin_folders({})).shrink(path.string(), kLongestPx, jpeg_);
    return "data:image/jpeg;base64," + base64(jpeg_);
  } catch (const std::exception& e) {
    if (problem_.empty()) problem_ = path.string() + ": " + e.what();
    return {};
  }
}

}  // namespace starflow::tool
