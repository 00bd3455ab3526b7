// SPDX-License-Identifier: MIT
/// \file
/// source.files: FITS files and images as frames, in natural order.

#include "file_list.hpp"
#include "fits_reader.hpp"
#include "image_reader.hpp"
#include "register.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

namespace fs = std::filesystem;

struct FilesOptions {
  std::vector<std::string> paths;
  std::string hdu, channel;
  std::optional<int> plane;  // of a cube
  bool all_planes = false;
  std::optional<double> gain, read_noise, saturation;
  std::string mask, variance;

  explicit FilesOptions(const Options& o)
      : paths(o.texts("paths")), hdu(o.text("hdu")), channel(o.text("channel")), all_planes(o.is_text("plane")) {
    if (o.has("plane") && !all_planes) plane = static_cast<int>(o.integer("plane"));
    const auto number = [&](const char* name) { return o.has(name) ? std::optional(o.number(name)) : std::nullopt; };
    gain = number("gain");
    read_noise = number("read_noise");
    saturation = number("saturation");
    if (o.has("mask")) mask = o.text("mask");
    if (o.has("variance")) variance = o.text("variance");
  }
};

/// What one file, or one plane of it, gives.
struct Picture {
  cv::Mat image;
  cv::Mat mask;  // empty = none
};

enum class Content { fits, other };

// The first bytes decide, not the name: a gzipped file can only be FITS here.
Content sniff(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw FrameError("file.missing", path + " does not exist (any more)");
  if (!fs::is_regular_file(status)) throw FrameError("file.unreadable", path + " is not a regular file");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FrameError("file.unreadable", path + " can't be opened: " + std::strerror(errno));
  std::array<char, 9> head{};
  in.read(head.data(), head.size());
  const std::string_view begin(head.data(), static_cast<std::size_t>(in.gcount()));
  if (begin.empty()) throw FrameError("file.empty", path + " is empty (0 bytes)");
  const bool fits = begin == "SIMPLE  =" || begin.starts_with("\x1f\x8b") || begin.starts_with("\x1f\x9d");
  return fits ? Content::fits : Content::other;
}

// The largest number that integer pixels can hold: the only saturation level that is known without metadata.
void assume_saturation(const cv::Mat& image, FrameInfo& info) {
  if (!std::isnan(info.saturation.value)) return;
  const int depth = image.depth();
  const double largest = depth == CV_8U    ? 255
                         : depth == CV_16U ? 65535
                         : depth == CV_16S ? 32767
                                           : info.saturation.value;
  info.saturation = {largest, Origin::assumed};
}

class SourceFiles final : public Source {
 public:
  explicit SourceFiles(const Options& options) : options_(options) {}

  void start(StartContext& context) override {
    FileList list = list_files(options_.paths, "paths");
    for (const std::string& note : list.notes) context.log(LogLevel::info, note);
    for (const std::string& file : list.files) context.claim_input(file);
    files_ = std::move(list.files);
    load_planes(context);
  }

  bool next(Context& context) override {
    if (!cube_ && next_file_ == files_.size()) return false;
    const std::string& path = cube_ ? files_[next_file_ - 1] : files_[next_file_++];
    FrameInfo& info = context.info;
    info.frame_id = next_id_++;
    info.source = path;
    try {
      Picture picture = cube_ ? read_plane(info) : read_file(path, info);
      info.width = picture.image.cols;
      info.height = picture.image.rows;
      override_detector(info);
      assume_saturation(picture.image, info);
      context.out(0, make_frame(std::move(picture), info));
    } catch (const std::bad_alloc&) {
      throw FrameError("frame.memory", path + " does not fit into the memory that is left");
    } catch (const cv::Exception& e) {
      throw FrameError("frame.unreadable", path + ": " + e.err);
    }
    return true;
  }

  [[nodiscard]] std::uint64_t total() const override { return options_.all_planes ? 0 : files_.size(); }

 private:
  void load_planes(StartContext& context) {
    if (!options_.mask.empty()) {
      const Picture picture = load("mask", options_.mask, context);
      // Not CMP_NE: OpenCV's AVX2 code finds NaN equal to anything, and NaN in a mask is bad.
      cv::compare(picture.image, cv::Scalar(0), mask_, cv::CMP_EQ);
      cv::bitwise_not(mask_, mask_);
      if (!picture.mask.empty()) cv::bitwise_or(mask_, picture.mask, mask_);
    }
    if (!options_.variance.empty()) {
      Picture picture = load("variance", options_.variance, context);
      picture.image.convertTo(variance_, CV_32F);
      if (!picture.mask.empty()) variance_.setTo(0, picture.mask);
      const int good = cv::countNonZero(variance_ > 0);
      const auto bad = static_cast<int>(variance_.total()) - good;
      if (bad > 0) {
        context.log(LogLevel::warning,
                    fmt::format("variance {}: {} pixels are not above 0 and count as masked", options_.variance, bad));
      }
    }
  }

  // A plane that belongs to every frame.
  Picture load(const char* option, const std::string& path, StartContext& context) {
    try {
      FrameInfo unused;
      context.claim_input(path);
      if (sniff(path) == Content::other) return read_image(path, unused);
      const FitsReader reader(path, "");
      if (reader.planes() > 1) throw FrameError("fits.cube", path + " is a cube; an image is needed");
      FitsPixels pixels = reader.read(0);
      return {std::move(pixels.image), std::move(pixels.mask)};
    } catch (const FrameError& e) {
      throw OptionError(option, e.what());
    } catch (const cv::Exception& e) {
      throw OptionError(option, path + ": " + e.err);
    }
  }

  Picture read_file(const std::string& path, FrameInfo& info) {
    if (sniff(path) == Content::fits) return read_fits(path, info);
    try {
      return read_image(path, info);
    } catch (const FrameError&) {
      if (!has_fits_name(path)) throw;
      throw FrameError(
          "fits.unreadable",
          path + " has a FITS name but is not a FITS file (it does not begin with SIMPLE), nor a readable image");
    }
  }

  Picture read_fits(const std::string& path, FrameInfo& info) {
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
      throw FrameError(
          "fits.cube",
          fmt::format("{} is a cube of {} px: set option plane to a number from 0 to {}, or to \"all\"{}", path, size,
                      planes - 1, planes == 3 ? " (of a colour file 0 is red, 1 green, 2 blue)" : ""));
    }
    const int plane = options_.plane.value_or(0);
    if (plane >= planes)
      throw FrameError("fits.plane", fmt::format("{} has {} px: option plane = {} is not there", path, size, plane));
    if (planes > 1) info.plane = plane;
    return take(*reader, plane, info);
  }

  Picture read_plane(FrameInfo& info) {
    const std::unique_ptr<FitsReader> last = next_plane_ + 1 == cube_->planes() ? std::move(cube_) : nullptr;
    const FitsReader& reader = last ? *last : *cube_;
    apply_keywords(reader.header(), info);
    info.plane = next_plane_++;
    return take(reader, info.plane, info);
  }

  static Picture take(const FitsReader& reader, int plane, FrameInfo& info) {
    FitsPixels pixels = reader.read(plane);
    for (std::string& note : pixels.notes) info.notes.push_back(std::move(note));
    return {std::move(pixels.image), std::move(pixels.mask)};
  }

  Picture read_image(const std::string& path, FrameInfo& info) {
    if (options_.plane.value_or(0) > 0) {
      throw FrameError("image.plane",
                       fmt::format("{} is not a cube: option plane = {} is not there", path, *options_.plane));
    }
    ImagePixels file = images_.read(path);
    if (file.pages > 1) info.notes.push_back(fmt::format("first of {} pages", file.pages));
    cv::Mat image = std::move(file.image);
    if (image.channels() > 1) {
      if (image.channels() == 4) info.notes.emplace_back("alpha channel ignored");
      image = take_channel(image, options_.channel);
      info.channel = options_.channel;
    }
    if (image.depth() == CV_8S) image.convertTo(image, CV_16S);
    return {std::move(image), {}};
  }

  void override_detector(FrameInfo& info) const {
    if (options_.gain) info.gain = {*options_.gain, Origin::config};
    if (options_.read_noise) info.read_noise = {*options_.read_noise, Origin::config};
    if (options_.saturation) info.saturation = {*options_.saturation, Origin::config};
  }

  Frame make_frame(Picture picture, const FrameInfo& info) const {
    check_size("mask", options_.mask, mask_, info);
    check_size("variance", options_.variance, variance_, info);
    Frame frame = Frame::adopt(std::move(picture.image), info);
    if (!mask_.empty() && !picture.mask.empty()) {
      cv::bitwise_or(picture.mask, mask_, picture.mask);
    } else if (!mask_.empty()) {
      picture.mask = mask_;
    }
    if (!picture.mask.empty()) frame.set_mask(std::move(picture.mask));
    if (!variance_.empty()) frame.set_variance(variance_);
    return frame;
  }

  static void check_size(const char* option, const std::string& path, const cv::Mat& plane, const FrameInfo& info) {
    if (plane.empty() || (plane.cols == info.width && plane.rows == info.height)) return;
    throw FrameError(fmt::format("{}.size", option),
                     fmt::format("{} {} is {}x{} px, the frame {} is {}x{} px; they must be equal", option, path,
                                 plane.cols, plane.rows, info.source, info.width, info.height));
  }

  FilesOptions options_;
  std::vector<std::string> files_;
  std::size_t next_file_ = 0;
  std::uint64_t next_id_ = 0;
  std::unique_ptr<FitsReader> cube_;  // whose planes are being sent
  int next_plane_ = 0;
  ImageReader images_;
  cv::Mat mask_, variance_;  // of every frame; empty = none
};

OptionSpec option(std::string name, Accepts form, std::string doc, std::string unit = {}) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = form;
  spec.doc = std::move(doc);
  spec.unit = std::move(unit);
  return spec;
}

OptionSpec above_zero(OptionSpec spec) {
  spec.minimum = 0;
  spec.above_minimum = true;
  return spec;
}

std::vector<OptionSpec> option_table() {
  using enum Accepts;
  OptionSpec paths = option("paths", text | text_list, "Files, folders and globs (*, ?, [..], ** for any folders).");
  paths.required = true;
  paths.result_neutral = true;
  OptionSpec hdu = option(
      "hdu", text, "FITS extension by number (0 = primary) or name (SCI or SCI,2); empty = the first image with data.");
  hdu.fallback = std::string();
  OptionSpec plane =
      option("plane", integer | text,
             "Plane of a FITS cube, counted from 0, or all for one frame a plane; without it a cube is refused.");
  plane.minimum = 0;
  plane.maximum = 1e9;
  plane.choices = {"all"};
  OptionSpec channel = option(
      "channel", text, "Which channel of a colour image is measured; luminance is 0.2126 R + 0.7152 G + 0.0722 B.");
  channel.choices = {"green", "red", "blue", "luminance"};
  channel.fallback = channel.choices.front();
  OptionSpec read_noise = option("read_noise", number, "Read noise; overrides the header.", "e-");
  read_noise.minimum = 0;
  return {
      paths,
      hdu,
      plane,
      channel,
      above_zero(option("gain", number, "Gain; overrides EGAIN and GAIN of the header.", "e-/ADU")),
      read_noise,
      above_zero(option("saturation", number, "Level from which a pixel is saturated; overrides the header.", "ADU")),
      option("mask", text, "FITS file or image of the frames' size; pixels that are not 0 are bad."),
      option("variance", text, "FITS file or image with the variance of every pixel; 0 and less = bad.", "ADU^2")};
}

}  // namespace

NodeType source_files_type() {
  PortSpec frame;
  frame.name = "frame";
  frame.type = message_type<Frame>;
  frame.doc = "Pixels in their native type, with what the file says about them.";
  NodeType type;
  type.name = "source.files";
  type.doc = "Reads FITS files and images (PNG, TIFF, JPEG, ...) in natural order, one frame a file.";
  type.outputs = {std::move(frame)};
  type.options = option_table();
  type.make = factory_of<SourceFiles>();
  return type;
}

}  // namespace starflow
