// SPDX-License-Identifier: MIT
/// \file
/// The border of libstarflow_image.so: one exported symbol.

#include "image_library.hpp"
#include "image_check.hpp"
#include "overlay_draw.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow {
namespace {

void check_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0)));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (const auto fault = check_image(bytes)) throw FrameError(fault->code, fault->text);
}

int count_pages(const std::string& path) {
  try {
    return static_cast<int>(cv::imcount(path, cv::IMREAD_UNCHANGED));
  } catch (const cv::Exception&) {
    return 1;
  }
}

void read(const std::string& path, ImagePixels& out) {
  check_file(path);
  try {
    if (cv::haveImageReader(path)) out.image = cv::imread(path, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception& e) {
    throw FrameError("image.unreadable", "can't be decoded: " + e.err);
  }
  if (out.image.empty()) {
    throw FrameError("image.unreadable",
                     "is neither a FITS file nor an image that OpenCV can decode (PNG, TIFF, JPEG, ...)");
  }
  const int channels = out.image.channels();
  if (channels != 1 && channels != 3 && channels != 4) {
    throw FrameError("image.unsupported",
                     "has " + std::to_string(channels) + " channels; grey, colour and colour with alpha are read");
  }
  out.pages = count_pages(path);
}

void draw(const OverlayPicture& picture, std::vector<unsigned char>& png) {
  try {
    // The levels are the pixels' noise, which packs no better for more work.
    if (cv::imencode(".png", draw_overlay(picture), png, {cv::IMWRITE_PNG_COMPRESSION, 1})) return;
  } catch (const cv::Exception& e) {
    throw std::runtime_error("a picture can't be drawn: " + e.err);
  }
  throw std::runtime_error("a picture can't be encoded as PNG");
}

void shrink(const std::string& path, int longest_px, std::vector<unsigned char>& jpeg) {
  check_file(path);
  try {
    cv::Mat image = cv::imread(path, cv::IMREAD_COLOR);
    if (image.empty()) throw std::runtime_error("is no image");
    const double scale = static_cast<double>(longest_px) / std::max(image.cols, image.rows);
    if (scale < 1) cv::resize(image, image, {}, scale, scale, cv::INTER_AREA);
    if (cv::imencode(".jpg", image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 82})) return;
  } catch (const cv::Exception& e) {
    throw std::runtime_error("can't be made small: " + e.err);
  }
  throw std::runtime_error("can't be encoded as JPEG");
}

}  // namespace
}  // namespace starflow

extern "C" __attribute__((visibility("default")))
const starflow::ImageLibraryDescriptor starflow_image_reader{starflow::kImageLibraryMagic,
                                                             sizeof(starflow::ImageLibraryDescriptor),
                                                             starflow::kImageLibraryApi,
                                                             starflow::kPluginAbiTag,
                                                             starflow::read,
                                                             starflow::draw,
                                                             starflow::shrink};
