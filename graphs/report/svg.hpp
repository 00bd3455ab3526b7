// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Charts that need no script: an SVG with two axes and what is put on them.

#include <string>
#include <string_view>
#include <vector>

namespace starflow::report {

struct Axis {
  double low = 0, high = 1;  ///< of a logarithmic axis log10 of the values
  bool log = false;
  std::string label;
};

/// Round values from low to high, about \p wanted of them; of a logarithmic axis its whole decades.
[[nodiscard]] std::vector<double> ticks(const Axis& axis, int wanted);

class Chart {
 public:
  /// \param width, height  of the plot itself, px
  Chart(double width, double height, Axis x, Axis y);

  [[nodiscard]] double x(double value) const;  ///< px from the left
  [[nodiscard]] double y(double value) const;  ///< px from the top
  [[nodiscard]] double width() const noexcept { return width_; }
  [[nodiscard]] double height() const noexcept { return height_; }

  /// A rectangle between values. \param title  what a pointer over it tells; may be empty
  void cell(double x0, double y0, double x1, double y1, std::string_view colour, std::string_view title);
  /// A line through points, in values. \param style  attributes
  void line(const std::vector<std::pair<double, double>>& points, std::string_view style);
  void circle(double x_value, double y_value, double radius, std::string_view style, std::string_view title);
  /// Any markup, in px of the plot.
  void add(std::string_view markup) { body_ += markup; }

  /// \param name  what the chart shows, for those who can't see it
  [[nodiscard]] std::string svg(std::string_view name) const;

 private:
  double width_, height_;
  Axis x_, y_;
  std::string body_;
};

/// Dark violet to yellow (viridis, van der Walt & Smith 2015), which grey print and any colour vision keep in order.
/// \param part  0 to 1; beyond is as 0 or 1. \return "#rrggbb"
[[nodiscard]] std::string colour_of(double part);

/// A bar of those colours with its ends named.
[[nodiscard]] std::string colour_bar(double low, double high, std::string_view label);

}  // namespace starflow::report
