// SPDX-License-Identifier: MIT
#include "svg.hpp"

#include "html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace starflow::report {
namespace {

constexpr double kLeft = 62, kRight = 14, kTop = 10, kBottom = 46;

std::string tick_text(double value, bool log) {
  if (!log) return fmt::format("{:.6g}", std::abs(value) < 1e-12 ? 0.0 : value);
  return value >= -3 && value <= 4 ? fmt::format("{:g}", std::pow(10, value)) : fmt::format("1e{:g}", value);
}

std::string title_of(std::string_view title) {
  return title.empty() ? std::string() : fmt::format("<title>{}</title>", escaped(title));
}

}  // namespace

std::vector<double> ticks(const Axis& axis, int wanted) {
  const auto [low, high] = std::minmax({axis.low, axis.high});  // an axis may point down
  std::vector<double> all;
  double step = 1;
  if (!axis.log) {
    const double rough = (high - low) / wanted, power = std::pow(10, std::floor(std::log10(rough)));
    step = rough > 5 * power ? 10 * power : rough > 2 * power ? 5 * power : rough > power ? 2 * power : power;
  }
  const double first = std::ceil(low / step - 1e-9);
  for (double k = first; k * step <= high + 1e-9 * step && all.size() < 50; ++k) all.push_back(k * step);
  return all;
}

Chart::Chart(double width, double height, Axis x, Axis y)
    : width_(width), height_(height), x_(std::move(x)), y_(std::move(y)) {}

double Chart::x(double value) const { return (value - x_.low) / (x_.high - x_.low) * width_; }
double Chart::y(double value) const { return (y_.high - value) / (y_.high - y_.low) * height_; }

void Chart::cell(double x0, double y0, double x1, double y1, std::string_view colour, std::string_view title) {
  body_ += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}">{}</rect>)", x(x0),
                       y(y1), x(x1) - x(x0), y(y0) - y(y1), colour, title_of(title));
}

void Chart::line(const std::vector<std::pair<double, double>>& points, std::string_view style) {
  body_ += "<polyline points=\"";
  for (const auto& [px, py] : points) body_ += fmt::format("{:.1f},{:.1f} ", x(px), y(py));
  body_ += fmt::format("\" fill=\"none\" {}/>", style);
}

void Chart::circle(double x_value, double y_value, double radius, std::string_view style, std::string_view title) {
  body_ += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" {}>{}</circle>)", x(x_value), y(y_value), radius,
                       style, title_of(title));
}

std::string Chart::svg(std::string_view name) const {
  std::string out = fmt::format(
      R"(<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {:.0f} {:.0f}" style="max-width:{:.0f}px">)"
      R"svg(<g transform="translate({},{})">)svg",
      escaped(name), width_ + kLeft + kRight, height_ + kTop + kBottom, 1.25 * (width_ + kLeft + kRight), kLeft, kTop);
  const auto text = [&](double px, double py, std::string_view attributes, std::string_view words) {
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" {}>{}</text>)", px, py, attributes, escaped(words));
  };
  for (const double t : ticks(x_, 6)) {
    out += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1:.1f}"/>)", x(t), height_);
    text(x(t), height_ + 16, R"(text-anchor="middle")", tick_text(t, x_.log));
  }
  for (const double t : ticks(y_, 5)) {
    out += fmt::format(R"(<line class="grid" x1="0" x2="{1:.1f}" y1="{0:.1f}" y2="{0:.1f}"/>)", y(t), width_);
    text(-7, y(t) + 4, R"(text-anchor="end")", tick_text(t, y_.log));
  }
  out += fmt::format(R"(<svg width="{0:.1f}" height="{1:.1f}" viewBox="0 0 {0:.1f} {1:.1f}">{2}</svg>)", width_,
                     height_, body_);
  out += fmt::format(R"(<rect class="frame" width="{:.1f}" height="{:.1f}"/>)", width_, height_);
  text(width_ / 2, height_ + 36, R"(text-anchor="middle" class="label")", x_.label);
  out += fmt::format(
      R"svg(<text transform="translate(-46,{:.1f}) rotate(-90)" text-anchor="middle" class="label">{}</text>)svg",
      height_ / 2, escaped(y_.label));
  return out + "</g></svg>\n";
}

std::string colour_of(double part) {
  constexpr std::array<std::array<double, 3>, 10> kStops = {{{0x44, 0x01, 0x54},
                                                             {0x48, 0x28, 0x78},
                                                             {0x3e, 0x49, 0x89},
                                                             {0x31, 0x68, 0x8e},
                                                             {0x26, 0x82, 0x8e},
                                                             {0x1f, 0x9e, 0x89},
                                                             {0x35, 0xb7, 0x79},
                                                             {0x6e, 0xce, 0x58},
                                                             {0xb5, 0xde, 0x2b},
                                                             {0xfd, 0xe7, 0x25}}};
  const double at = std::clamp(std::isfinite(part) ? part : 0.0, 0.0, 1.0) * (kStops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
  const double rest = at - static_cast<double>(below);
  std::string out = "#";
  for (std::size_t i = 0; i < 3; ++i) {
    out += fmt::format("{:02x}",
                       static_cast<int>(std::lround((1 - rest) * kStops[below][i] + rest * kStops[below + 1][i])));
  }
  return out;
}

std::string colour_bar(double low, double high, std::string_view label) {
  constexpr int kSteps = 40;
  std::string out = R"(<svg class="bar" role="img" aria-label="colours" viewBox="0 0 320 34" style="max-width:320px">)";
  for (int i = 0; i < kSteps; ++i) {
    out += fmt::format(R"(<rect x="{}" y="0" width="5.2" height="12" fill="{}"/>)", 60 + 5 * i,
                       colour_of((i + 0.5) / kSteps));
  }
  out += fmt::format(R"(<text x="54" y="11" text-anchor="end">{}</text><text x="266" y="11">{}</text>)",
                     short_number(low), short_number(high));
  out += fmt::format(R"(<text x="160" y="28" text-anchor="middle" class="label">{}</text></svg>)", escaped(label));
  return out + "\n";
}

}  // namespace starflow::report
