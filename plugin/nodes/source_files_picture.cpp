// SPDX-License-Identifier: MIT
#include "source_files_picture.hpp"

#include "file_list.hpp"
#include "fits_keywords.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace starflow {
namespace {

namespace fs = std::filesystem;

enum class Content { fits, other };

// The first bytes decide, not the name: a gzipped file can only be FITS here.
Content sniff(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw FrameError("file.missing", "does not exist (any more)");
  if (!fs::is_regular_file(status)) throw FrameError("file.unreadable", "is not a regular file");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FrameError("file.unreadable", std::string("can't be opened: ") + std::strerror(errno));
  std::array<char, 9> head{};
  in.read(head.data(), head.size());
  const std::string_view begin(head.data(), static_cast<std::size_t>(in.gcount()));
  if (begin.empty()) throw FrameError("file.empty", "is empty (0 bytes)");
  const bool fits = begin == "SIMPLE  =" || begin.starts_with("\x1f\x8b") || begin.starts_with("\x1f\x9d");
  return fits ? Content::fits : Content::other;
}

Picture take(const FitsReader& reader, int plane, FrameInfo& info) {
  FitsPixels pixels = reader.read(plane);
  for (std::string& note : pixels.notes) info.notes.push_back(std::move(note));
  return {std::move(pixels.image), std::move(pixels.mask)};
}

}  // namespace

Picture PictureReader::read(const std::string& path, FrameInfo& info) {
  if (sniff(path) == Content::fits) return read_fits(path, info);
  try {
    return read_image(path, info);
  } catch (const FrameError&) {
    if (!has_fits_name(path)) throw;
    throw FrameError("fits.unreadable",
                     "has a FITS name but is not a FITS file (it does not begin with SIMPLE), nor a readable image");
  }
}

namespace {

/// Programs that make three planes of a mosaic leave its keyword in the header.
void forget_mosaic(int planes, FrameInfo& info) {
  if (planes != 3 || info.mosaic.empty()) return;
  info.notes.push_back("BAYERPAT = " + info.mosaic + " ignored: the file has a plane for each colour");
  info.mosaic.clear();
}

}  // namespace

Picture PictureReader::read_fits(const std::string& path, FrameInfo& info) {
  auto reader = std::make_unique<FitsReader>(path, options_.hdu);
  const int planes = reader->planes();
  if (planes > 1 && options_.all_planes) {
    cube_ = std::move(reader);
    next_plane_ = 0;
    return read_plane(info);
  }
  apply_keywords(reader->header(), info);
  const std::string size = fmt::format("{}x{}x{}", reader->width(), reader->height(), planes);
  if (planes > 1 && !options_.plane) {
    throw FrameError("fits.cube",
                     fmt::format("is a cube of {} px: set option plane to a number from 0 to {}, or to \"all\"{}", size,
                                 planes - 1, planes == 3 ? " (of a colour file 0 is red, 1 green, 2 blue)" : ""));
  }
  const int plane = options_.plane.value_or(0);
  if (plane >= planes)
    throw FrameError("fits.plane", fmt::format("has {} px: option plane = {} is not there", size, plane));
  if (planes > 1) info.plane = plane;
  forget_mosaic(planes, info);
  return take(*reader, plane, info);
}

Picture PictureReader::read_plane(FrameInfo& info) {
  const std::unique_ptr<FitsReader> last = next_plane_ + 1 == cube_->planes() ? std::move(cube_) : nullptr;
  const FitsReader& reader = last ? *last : *cube_;
  apply_keywords(reader.header(), info);
  forget_mosaic(reader.planes(), info);
  info.plane = next_plane_++;
  return take(reader, info.plane, info);
}

Picture PictureReader::read_image(const std::string& path, FrameInfo& info) {
  if (options_.plane.value_or(0) > 0) {
    throw FrameError("image.plane", fmt::format("is not a cube: option plane = {} is not there", *options_.plane));
  }
  ImagePixels file = images_.read(path);
  if (file.pages > 1) info.notes.push_back(fmt::format("first of {} pages", file.pages));
  cv::Mat image = std::move(file.image);
  if (image.channels() > 1) {
    if (image.channels() == 4) info.notes.emplace_back("alpha channel ignored");
    // Of a luminance, which is a float, the depth does not tell it any more.
    if (options_.channel == "luminance") info.saturation = {largest_value(image.depth()), Origin::assumed};
    image = take_channel(image, options_.channel);
    info.channel = options_.channel;
  }
  if (image.depth() == CV_8S) image.convertTo(image, CV_16S);
  return {std::move(image), {}};
}

Picture read_companion(const std::string& path, FrameInfo& info) {
  if (sniff(path) == Content::other) return {ImageReader().read(path).image, {}};
  const FitsReader reader(path, "");
  if (reader.planes() > 1) throw FrameError("fits.cube", "is a cube; an image is needed");
  apply_keywords(reader.header(), info);
  return take(reader, 0, info);
}

Picture read_companion(const std::string& path) {
  FrameInfo unused;
  return read_companion(path, unused);
}

}  // namespace starflow
