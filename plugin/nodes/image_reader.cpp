// SPDX-License-Identifier: MIT
#include "image_reader.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace starflow {
ImagePixels ImageReader::read(const std::string& path) {
  try {
    if (library_ == nullptr) library_ = &load_image_library();
  } catch (const std::runtime_error& e) {
    throw FrameError("image.no_reader", e.what());
  }
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
