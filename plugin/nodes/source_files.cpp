// SPDX-License-Identifier: MIT
/// \file
/// source.files: FITS files and images as frames, in natural order.

#include "file_list.hpp"
#include "frame_planes.hpp"
#include "image_reader.hpp"
#include "register.hpp"
#include "source_files_options.hpp"
#include "source_files_picture.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
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
  explicit SourceFiles(const Options& options) : options_(options), reader_(options_), planes_(options) {}

  void start(StartContext& context) override {
    FileList list = list_files(options_.paths, "paths");
    for (const std::string& note : list.notes) context.log(LogLevel::info, note);
    for (const std::string& file : list.files) context.claim_input(file);
    files_ = std::move(list.files);
    total_ = options_.all_planes ? 0 : files_.size();
    planes_.start(context);
    claim_planes(context);
  }

  bool select(std::uint64_t first, std::uint64_t step) override {
    if (options_.all_planes) {
      throw OptionError("plane",
                        "\"all\" leaves open how many frames a file has before it is read, so that the run can "
                        "neither be continued nor divided; give one plane");
    }
    const std::uint64_t n = files_.size();
    next_file_ = std::min(first, n);
    step_ = step;
    total_ = first < n ? (n - first - 1) / step + 1 : 0;
    return true;
  }

  bool next(Context& context) override {
    const bool plane = reader_.has_plane();
    if (!plane) {
      if (next_file_ >= files_.size()) return false;
      file_ = next_file_;
      next_file_ += std::min<std::uint64_t>(step_, files_.size() - next_file_);
    }
    const std::string& path = files_[file_];
    FrameInfo& info = context.info;
    info.frame_id = options_.all_planes ? next_plane_++ : file_;
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

  [[nodiscard]] std::uint64_t total() const override { return total_; }

 private:
  // Those that go with single frames, as far as their names are known.
  void claim_planes(StartContext& context) const {
    if (!planes_.per_frame() || (options_.all_planes && planes_.has_frame_id())) return;
    FrameInfo info;
    for (const std::string& file : files_) {
      info.source = file;
      for (const std::string& path : planes_.paths(info)) context.claim_input(path);
      ++info.frame_id;
    }
  }

  void override_detector(FrameInfo& info) const {
    if (options_.mosaic) info.mosaic = *options_.mosaic;
    if (options_.gain) info.gain = {*options_.gain, Origin::config};
    if (options_.read_noise) info.read_noise = {*options_.read_noise, Origin::config};
    if (options_.saturation) info.saturation = {*options_.saturation, Origin::config};
  }

  Frame make_frame(Picture picture, FrameInfo& info) const {
    FramePlanes::Planes planes = planes_.of(info);
    for (std::string& note : planes.notes) info.notes.push_back(std::move(note));
    Frame frame = Frame::adopt(std::move(picture.image), info);
    cv::Mat mask = merge_masks(picture.mask, planes.mask);
    if (!mask.empty()) frame.set_mask(std::move(mask));
    if (!planes.variance.empty()) frame.set_variance(std::move(planes.variance));
    return frame;
  }

  FilesOptions options_;
  std::vector<std::string> files_;
  std::size_t file_ = 0, next_file_ = 0;
  std::uint64_t step_ = 1, total_ = 0;
  std::uint64_t next_plane_ = 0;  // of all planes, over all files
  PictureReader reader_;
  FramePlanes planes_;
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
