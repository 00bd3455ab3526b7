// SPDX-License-Identifier: MIT
#include <starflow/sdk/frame.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace starflow {
namespace {

PixelType pixel_type(const cv::Mat& m) {
  switch (m.depth()) {
    case CV_8U: return PixelType::u8;
    case CV_16U: return PixelType::u16;
    case CV_16S: return PixelType::i16;
    case CV_32S: return PixelType::i32;
    case CV_64F: return PixelType::f64;
    default: return PixelType::f32;
  }
}

void check_pixels(const cv::Mat& m) {
  const bool depth = m.depth() == CV_8U || m.depth() == CV_16U || m.depth() == CV_16S || m.depth() == CV_32S ||
                     m.depth() == CV_32F || m.depth() == CV_64F;
  if (m.empty() || m.dims != 2 || m.channels() != 1 || !depth) {
    throw std::invalid_argument("frame has " + std::to_string(m.channels()) + " channels of " +
                                cv::depthToString(m.depth()) + ", " + std::to_string(m.cols) + "x" +
                                std::to_string(m.rows) + " px; supported: " + std::string(kSupportedPixels));
  }
}

void check_plane(const cv::Mat& plane, const cv::Mat& image, int type, const char* what) {
  if (plane.type() != type || plane.size() != image.size()) {
    throw std::invalid_argument(std::string(what) + " is " + std::to_string(plane.cols) + "x" +
                                std::to_string(plane.rows) + " " + cv::typeToString(plane.type()) +
                                ", the frame needs " + std::to_string(image.cols) + "x" + std::to_string(image.rows) +
                                " " + cv::typeToString(type));
  }
}

Mosaic mosaic_of(const std::string& name) {
  const auto* it = std::find(kMosaicNames.begin(), kMosaicNames.end(), name);
  return it == kMosaicNames.end() ? Mosaic::none : static_cast<Mosaic>(it - kMosaicNames.begin());
}

double known_or(const Stated& s, double otherwise) { return std::isnan(s.value) ? otherwise : s.value; }

}  // namespace

Detector FrameInfo::detector() const noexcept {
  const Detector unknown;
  return {known_or(gain, unknown.gain_e_per_adu), known_or(read_noise, unknown.read_noise_e),
          known_or(saturation, unknown.saturation_adu)};
}

Frame::Frame(cv::Mat image, FrameInfo info) : image_(std::move(image)) {
  check_pixels(image_);
  info.width = image_.cols;
  info.height = image_.rows;
  info_ = std::make_shared<const FrameInfo>(std::move(info));
}

Frame Frame::adopt(cv::Mat&& image, FrameInfo info) {
  const bool last_reference = image.u != nullptr && image.u->refcount == 1;
  cv::Mat own;
  if (last_reference) {
    cv::swap(own, image);
  } else {
    own = image.clone();
    image.release();
  }
  return {std::move(own), std::move(info)};
}

Frame Frame::copy(const cv::Mat& image, FrameInfo info) { return {image.clone(), std::move(info)}; }

Frame Frame::borrow(cv::Mat image, FrameInfo info, std::function<void()> release) {
  std::shared_ptr<void> lease(nullptr, [release = std::move(release)](void*) {
    if (release) release();
  });
  Frame frame(std::move(image), std::move(info));
  frame.lease_ = std::move(lease);
  return frame;
}

void Frame::set_mask(cv::Mat mask) {
  check_plane(mask, image_, CV_8UC1, "mask");
  mask_ = std::move(mask);
}

void Frame::set_variance(cv::Mat variance) {
  check_plane(variance, image_, CV_32FC1, "variance");
  variance_ = std::move(variance);
}

FrameView Frame::view() const noexcept {
  FrameView v;
  v.pixels = image_.data;
  v.type = pixel_type(image_);
  v.width = image_.cols;
  v.height = image_.rows;
  v.row_bytes = static_cast<std::ptrdiff_t>(image_.step[0]);
  v.mosaic = mosaic_of(info_->mosaic);
  if (!mask_.empty()) v.mask = {mask_.data, static_cast<std::ptrdiff_t>(mask_.step[0])};
  if (!variance_.empty()) v.variance = {variance_.ptr<float>(), static_cast<std::ptrdiff_t>(variance_.step[0])};
  return v;
}

std::size_t Frame::bytes() const noexcept {
  const auto size = [](const cv::Mat& m) { return m.empty() ? std::size_t{0} : m.total() * m.elemSize(); };
  return size(image_) + size(mask_) + size(variance_);
}

}  // namespace starflow
