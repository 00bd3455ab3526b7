// SPDX-License-Identifier: MIT
#include "overlay_text.hpp"

#include <opencv2/imgproc.hpp>

#include <cstddef>

namespace starflow {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

}  // namespace

cv::Size text_size(const std::string& text, const TextStyle& style) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, kFont, style.scale, style.thickness, &below);
  return {size.width, size.height + below};
}

int line_height(const TextStyle& style) { return cvRound(1.7 * text_size("Ag", style).height); }

std::string shortened(const std::string& text, int most, const TextStyle& style) {
  std::string out = text;
  for (std::size_t kept = text.size(); text_size(out, style).width > most && kept > 4;) {
    --kept;
    out = text.substr(0, kept / 2) + "..." + text.substr(text.size() - (kept - kept / 2));
  }
  return out;
}

void draw_text(cv::Mat& on, const std::string& text, cv::Point corner, const TextStyle& style, bool outline) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, kFont, style.scale, style.thickness, &below);
  const cv::Point base(corner.x, corner.y + size.height);
  if (outline) cv::putText(on, text, base, kFont, style.scale, {0, 0, 0}, style.thickness + 2, cv::LINE_AA);
  cv::putText(on, text, base, kFont, style.scale, style.colour, style.thickness, cv::LINE_AA);
}

}  // namespace starflow
