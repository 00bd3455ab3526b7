// SPDX-License-Identifier: MIT
#include "frame_planes.hpp"

#include "option_specs.hpp"
#include "read_for_all.hpp"
#include "source_files_picture.hpp"
#include "table_file.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <system_error>
#include <utility>

namespace starflow {
namespace {

cv::Mat read_mask(const std::string& path) {
  const Picture picture = read_companion(path);
  const int channels = picture.image.channels();
  cv::Mat mask;
  // Of a coloured picture every colour counts; a fourth channel is opacity.
  for (int i = 0; i < std::min(channels, 3); ++i) {
    cv::Mat plane = picture.image, good;
    if (channels > 1) cv::extractChannel(picture.image, plane, i);
    // Not CMP_NE: OpenCV's AVX2 code finds NaN equal to anything, and NaN in a mask is bad.
    cv::compare(plane, cv::Scalar(0), good, cv::CMP_EQ);
    cv::bitwise_not(good, good);
    mask = merge_masks(mask, good);
  }
  return merge_masks(mask, picture.mask);
}

/// \param note  set where pixels have no variance
cv::Mat read_variance(const std::string& path, std::string& note) {
  const Picture picture = read_companion(path);
  if (picture.image.channels() > 1)
    throw FrameError("variance.channels", fmt::format("has {} channels; a variance has one", picture.image.channels()));
  cv::Mat variance;
  picture.image.convertTo(variance, CV_32F);
  if (!picture.mask.empty()) variance.setTo(0, picture.mask);
  const auto bad = static_cast<int>(variance.total()) - cv::countNonZero(variance > 0);
  if (bad > 0) note = fmt::format("variance {}: {} pixels are not above 0 and count as masked", path, bad);
  return variance;
}

/// Reads a file that is for one frame. \throws FrameError `OPTION.missing`, `OPTION.unreadable`
template <class Read>
auto read_for_one(const std::string& option, const std::string& path, Read&& read) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw FrameError(option + ".missing", "has no " + option + ": " + path + " does not exist");
  const std::string begin = "has no usable " + option + ": ";
  try {
    return read(path);
  } catch (const FrameError& e) {
    throw FrameError(option + ".unreadable", begin + path + " " + e.what());
  } catch (const TableError& e) {
    throw FrameError(option + ".unreadable", begin + e.what());
  } catch (const cv::Exception& e) {
    throw FrameError(option + ".unreadable", begin + path + ": " + e.err);
  }
}

void check_size(const std::string& option, const std::string& path, const cv::Mat& plane, const FrameInfo& info) {
  if (plane.empty()) return;
  require_size(option + ".size", option + " " + path, plane.size(), {info.width, info.height});
}

/// Pixels first ... last of a side of \p size pixels; whole where \p last is open.
cv::Range side(int first, int last, int size) { return {first, last == BadPixels::kToTheEdge ? size : last + 1}; }

cv::Mat paint(const std::vector<BadPixels>& list, const std::string& path, const FrameInfo& info) {
  cv::Mat mask = cv::Mat::zeros(info.height, info.width, CV_8UC1);
  for (const BadPixels& bad : list) {
    const cv::Range across = side(bad.x, bad.x_last, info.width), down = side(bad.y, bad.y_last, info.height);
    if (across.end > info.width || down.end > info.height) {
      throw FrameError("bad_pixels.size", fmt::format("is {}x{} px, but the bad pixel of {}:{} is outside of it",
                                                      info.width, info.height, path, bad.number));
    }
    mask(down, across).setTo(255);
  }
  return mask;
}

OptionSpec text_option(std::string name, std::string doc) {
  return option(std::move(name), Accepts::text, std::move(doc) + " " + kFramePatternDoc + ".");
}

}  // namespace

void require_size(const std::string& code, const std::string& what, cv::Size plane, cv::Size frame) {
  if (plane == frame) return;
  throw FrameError(code, fmt::format("is {}x{} px, but {} is {}x{} px; they must be equal", frame.width, frame.height,
                                     what, plane.width, plane.height));
}

cv::Mat merge_masks(const cv::Mat& a, const cv::Mat& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  cv::Mat both;
  cv::bitwise_or(a, b, both);
  return both;
}

std::vector<OptionSpec> frame_plane_options() {
  OptionSpec variance =
      text_option("variance", "FITS file or image with the variance of every pixel; 0 and less = bad.");
  variance.unit = "ADU^2";
  OptionSpec origin{.name = "bad_pixels_origin",
                    .form = Accepts::text,
                    .fallback = std::string("center0"),
                    .doc = "How bad_pixels counts: its first pixel is (0, 0) or (1, 1).",
                    .choices = {"center0", "fits1"}};
  return {text_option("mask", "FITS file or image of the frames' size; pixels that are not 0 are bad."),
          std::move(variance),
          text_option("bad_pixels",
                      "CSV, JSON Lines or FITS table with the columns x and y, and x_last and y_last where a row is a "
                      "rectangle; a row without y is a whole column, one without x a whole line."),
          std::move(origin)};
}

FramePlanes::FramePlanes(const Options& o) {
  const auto text = [&](const char* name) { return o.has(name) ? o.text(name) : std::string(); };
  text_ = {text("mask"), text("variance"), text("bad_pixels")};
  first_pixel_ = o.text("bad_pixels_origin") == "fits1" ? 1 : 0;
}

void FramePlanes::start(StartContext& context) {
  mask_pattern_ = FramePattern(text_.mask, "mask");
  variance_pattern_ = FramePattern(text_.variance, "variance");
  bad_pixels_pattern_ = FramePattern(text_.bad_pixels, "bad_pixels");
  const auto for_all = [&](const FramePattern& pattern) {
    if (pattern.empty() || pattern.per_frame()) return false;
    context.claim_input(pattern.text());
    return true;
  };
  if (for_all(mask_pattern_)) mask_ = read_for_all("mask", text_.mask, read_mask);
  if (for_all(variance_pattern_)) {
    std::string note;
    variance_ = read_for_all("variance", text_.variance, [&](const auto& path) { return read_variance(path, note); });
    if (!note.empty()) context.log(LogLevel::warning, note);
  }
  if (for_all(bad_pixels_pattern_)) {
    bad_pixels_ = read_for_all("bad_pixels", text_.bad_pixels,
                               [&](const auto& path) { return read_bad_pixels(path, first_pixel_); });
  }
}

bool FramePlanes::per_frame() const noexcept {
  return mask_pattern_.per_frame() || variance_pattern_.per_frame() || bad_pixels_pattern_.per_frame();
}

bool FramePlanes::has_frame_id() const {
  return mask_pattern_.has_frame_id() || variance_pattern_.has_frame_id() || bad_pixels_pattern_.has_frame_id();
}

std::vector<std::string> FramePlanes::paths(const FrameInfo& info) const {
  std::vector<std::string> out;
  for (const FramePattern* pattern : {&mask_pattern_, &variance_pattern_, &bad_pixels_pattern_}) {
    if (pattern->per_frame()) out.push_back(pattern->path(info));
  }
  return out;
}

FramePlanes::Planes FramePlanes::of(const FrameInfo& info) const {
  Planes out{mask_, variance_, {}};
  const std::string mask = mask_pattern_.path(info), variance = variance_pattern_.path(info);
  if (mask_pattern_.per_frame()) out.mask = read_for_one("mask", mask, read_mask);
  if (variance_pattern_.per_frame()) {
    std::string note;
    out.variance = read_for_one("variance", variance, [&](const auto& path) { return read_variance(path, note); });
    if (!note.empty()) out.notes.push_back(std::move(note));
  }
  check_size("mask", mask, out.mask, info);
  check_size("variance", variance, out.variance, info);
  if (bad_pixels_pattern_.empty()) return out;
  const std::string path = bad_pixels_pattern_.path(info);
  const auto read = [&](const auto& file) { return read_bad_pixels(file, first_pixel_); };
  const auto own = bad_pixels_pattern_.per_frame() ? read_for_one("bad_pixels", path, read) : std::vector<BadPixels>();
  out.mask = merge_masks(out.mask, paint(bad_pixels_pattern_.per_frame() ? own : bad_pixels_, path, info));
  return out;
}

}  // namespace starflow
