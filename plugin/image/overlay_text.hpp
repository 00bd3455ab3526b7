// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Text on a picture.

#include <opencv2/core/mat.hpp>

#include <string>

namespace starflow {

struct TextStyle {
  double scale = 0.45;  ///< of OpenCV's plain font, whose letters are 22 px high
  int thickness = 1;
  cv::Scalar colour{225, 225, 225};
};

/// Of the letters with what hangs below them.
[[nodiscard]] cv::Size text_size(const std::string& text, const TextStyle& style);
/// Room for one line, with what lies between lines.
[[nodiscard]] int line_height(const TextStyle& style);
/// \p text with its middle left out where it is wider than \p most px.
[[nodiscard]] std::string shortened(const std::string& text, int most, const TextStyle& style);
/// \param corner   upper left
/// \param outline  dark, for text on the frame itself
void draw_text(cv::Mat& on, const std::string& text, cv::Point corner, const TextStyle& style, bool outline);

}  // namespace starflow
