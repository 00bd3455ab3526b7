// SPDX-License-Identifier: MIT
/// \file
/// source.files: FITS files and images as frames, in natural order.

#include "file_list.hpp"
#include "image_reader.hpp"
#include "register.hpp"
#include "source_files_options.hpp"
#include "source_files_picture.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

// The largest number that integer pixels can hold: the only saturation level that is known without metadata.
void assume_saturation(const cv::Mat& image, FrameInfo& info) {
  if (std::isnan(info.saturation.value)) info.saturation = {largest_value(image.depth()), Origin::assumed};
}

class SourceFiles final : public Source {
 public:
  explicit SourceFiles(const Options& options) : options_(options), reader_(options_) {}

  void start(StartContext& context) override {
    FileList list = list_files(options_.paths, "paths");
    for (const std::string& note : list.notes) context.log(LogLevel::info, note);
    for (const std::string& file : list.files) context.claim_input(file);
    files_ = std::move(list.files);
    load_planes(context);
  }

  bool next(Context& context) override {
    const bool plane = reader_.has_plane();
    if (!plane && next_file_ == files_.size()) return false;
    const std::string& path = plane ? files_[next_file_ - 1] : files_[next_file_++];
    FrameInfo& info = context.info;
    info.frame_id = next_id_++;
    info.source = path;
    try {
      Picture picture = plane ? reader_.read_plane(info) : reader_.read(path, info);
      info.width = picture.image.cols;
      info.height = picture.image.rows;
      override_detector(info);
      assume_saturation(picture.image, info);
      context.out(0, make_frame(std::move(picture), info));
    } catch (const std::bad_alloc&) {
      throw FrameError("frame.memory", "does not fit into the memory that is left");
    } catch (const cv::Exception& e) {
      throw FrameError("frame.unreadable", "can't be read: " + e.err);
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
      context.claim_input(path);
      return reader_.read_companion(path);
    } catch (const FrameError& e) {
      throw OptionError(option, path + " " + e.what());
    } catch (const cv::Exception& e) {
      throw OptionError(option, path + ": " + e.err);
    }
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
                     fmt::format("is {}x{} px, but {} {} is {}x{} px; they must be equal", info.width, info.height,
                                 option, path, plane.cols, plane.rows));
  }

  FilesOptions options_;
  std::vector<std::string> files_;
  std::size_t next_file_ = 0;
  std::uint64_t next_id_ = 0;
  PictureReader reader_;
  cv::Mat mask_, variance_;  // of every frame; empty = none
};

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
  type.options = files_option_table();
  type.make = factory_of<SourceFiles>();
  return type;
}

}  // namespace starflow
