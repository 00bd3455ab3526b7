// SPDX-License-Identifier: MIT
#include "image_reader.hpp"

#include "companion.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <dlfcn.h>

#include <cmath>
#include <limits>
#include <string>

namespace starflow {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw FrameError("image.no_reader", text); }

const ImageReaderDescriptor* load() {
  const Companion found = find_companion(kImageLibrary);
  if (found.file.empty()) {
    refuse(std::string(kImageLibrary) + ", which reads PNG, TIFF and JPEG, was not found in " + found.searched +
           "; build it with Debian package libopencv-imgcodecs-dev or set STARFLOW_PLUGIN_PATH");
  }
  void* library = dlopen(found.file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: frames keep its memory
  if (library == nullptr) {
    const char* reason = dlerror();
    refuse(found.file.string() + " can't be loaded (" + (reason != nullptr ? reason : "no reason given") +
           "); it needs OpenCV's imgcodecs, Debian package libopencv-imgcodecs406");
  }
  const auto* reader = static_cast<const ImageReaderDescriptor*>(dlsym(library, kImageReaderSymbol));
  if (reader == nullptr || reader->magic != kImageReaderMagic || reader->size < sizeof(ImageReaderDescriptor) ||
      reader->api != kImageReaderApi || std::string_view(reader->abi_tag) != kPluginAbiTag) {
    refuse(found.file.string() + " is not the image reader of this starflow; install the one of the same version");
  }
  return reader;
}

}  // namespace

ImagePixels ImageReader::read(const std::string& path) {
  if (library_ == nullptr) library_ = load();
  ImagePixels out;
  library_->read(path, out);
  return out;
}

cv::Mat take_channel(const cv::Mat& bgr, std::string_view channel) {
  const int index = channel == "blue" ? 0 : channel == "green" ? 1 : 2;
  cv::Mat plane;
  if (channel != "luminance") {
    cv::extractChannel(bgr, plane, index);
    return plane;
  }
  const int depth = bgr.depth() == CV_64F ? CV_64F : CV_32F;
  constexpr double kWeights[] = {0.0722, 0.7152, 0.2126};  // blue, green, red
  cv::Mat sum(bgr.size(), depth, cv::Scalar(0));
  for (int i = 0; i < 3; ++i) {
    cv::extractChannel(bgr, plane, i);
    plane.convertTo(plane, depth);
    cv::scaleAdd(plane, kWeights[i], sum, sum);
  }
  const double largest = largest_value(bgr.depth());
  for (int i = 0; i < 3 && !std::isnan(largest); ++i) {
    cv::extractChannel(bgr, plane, i);
    cv::Mat full;
    cv::compare(plane, cv::Scalar(largest), full, cv::CMP_GE);
    sum.setTo(cv::Scalar(largest), full);
  }
  return sum;
}

double largest_value(int depth) {
  switch (depth) {
    case CV_8U: return 255;
    case CV_16U: return 65535;
    case CV_16S: return 32767;
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace starflow
