// SPDX-License-Identifier: MIT
#include "overlay_draw.hpp"

#include "overlay_text.hpp"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

namespace starflow {
namespace {

constexpr int kLeastWidth = 760;     // that the legend wants
constexpr double kFwhmRadius = 1.5;  // ellipses are three FWHM across
constexpr int kShift = 6;            // bits of a pixel that OpenCV is given
constexpr int kMaxCorners = 96;

const cv::Scalar kPaper(30, 26, 24), kHoles(72, 34, 34);

/// An ellipse in pixels of the picture.
struct Ellipse {
  double x, y, a, b, cosine, sine;
};

/// As large as it is drawn: a small one is enlarged as a whole, one wider than the picture is not the star's.
Ellipse ellipse_of(const OverlayMark& mark, int zoom, double least, double most) {
  const double radius = kFwhmRadius * zoom;
  const double minor = std::min(mark.fwhm_minor * radius, most), enlarge = std::max(1.0, least / minor);
  const double angle = mark.theta_deg * std::numbers::pi / 180;
  return {(mark.x + 0.5) * zoom - 0.5,
          (mark.y + 0.5) * zoom - 0.5,
          std::min(mark.fwhm_major * radius * enlarge, most),
          minor * enlarge,
          std::cos(angle),
          std::sin(angle)};
}

/// cv::ellipse makes diamonds of small ones and knows whole degrees alone.
void draw(cv::Mat& on, const Ellipse& e, const cv::Scalar& colour, int thickness) {
  std::array<cv::Point, kMaxCorners> corners;
  const int n = std::clamp(12 + static_cast<int>(2 * std::sqrt(e.a) * 2), 12, kMaxCorners);
  for (int i = 0; i < n; ++i) {
    const double t = 2 * std::numbers::pi * i / n;
    const double u = e.a * std::cos(t), v = e.b * std::sin(t);
    const double x = e.x + u * e.cosine - v * e.sine, y = e.y + u * e.sine + v * e.cosine;
    corners[static_cast<std::size_t>(i)] = {cvRound(std::ldexp(x, kShift)), cvRound(std::ldexp(y, kShift))};
  }
  const cv::Point* first = corners.data();
  cv::polylines(on, &first, &n, 1, true, colour, thickness, cv::LINE_AA, kShift);
}

void draw_cross(cv::Mat& on, const Ellipse& e, const cv::Scalar& colour, int thickness) {
  const double arm = 0.7 * e.b;
  for (const double way : {-1.0, 1.0}) {
    const auto point = [&](double s) {
      return cv::Point(cvRound(std::ldexp(e.x + s * arm, kShift)), cvRound(std::ldexp(e.y + s * way * arm, kShift)));
    };
    cv::line(on, point(-1), point(1), colour, thickness, cv::LINE_AA, kShift);
  }
}

/// The frame, enlarged, what does not count in a colour of its own.
cv::Mat shown(const OverlayPicture& p) {
  cv::Mat colour;
  cv::cvtColor(p.grey, colour, cv::COLOR_GRAY2BGR);
  colour.setTo(kHoles, p.holes);
  if (p.zoom > 1) cv::resize(colour, colour, {}, p.zoom, p.zoom, cv::INTER_NEAREST);
  return colour;
}

/// Numbers of the brightest stars, where they hide neither another number nor one of these stars.
void draw_labels(cv::Mat& on, const std::vector<Ellipse>& ellipses, const OverlayPicture& p, const TextStyle& style) {
  const std::size_t n = std::min(p.labels, p.marks.size());
  std::vector<cv::Rect> taken;
  for (std::size_t i = 0; i < n; ++i) {
    const Ellipse& e = ellipses[i];
    const double r = e.a * 0.7;
    taken.emplace_back(cv::Point2d(e.x - r, e.y - r), cv::Point2d(e.x + r, e.y + r));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Ellipse& e = ellipses[i];
    const std::string text = std::to_string(p.marks[i].id);
    const cv::Size size = text_size(text, style);
    const int x = cvRound(e.x), y = cvRound(e.y), gap = cvRound(e.a) + 3;
    for (const cv::Point corner : {cv::Point(x + gap, y - size.height / 2),
                                   {x - gap - size.width, y - size.height / 2},
                                   {x - size.width / 2, y - gap - size.height},
                                   {x - size.width / 2, y + gap}}) {
      const cv::Rect box(corner, size);
      if ((box & cv::Rect({0, 0}, on.size())) != box) continue;
      if (std::ranges::any_of(taken, [&](const cv::Rect& other) { return !(box & other).empty(); })) continue;
      draw_text(on, text, box.tl(), style, true);
      taken.push_back(box);
      break;
    }
  }
}

/// Smallest radius of a mark, px: less where stars stand close.
double least_radius(const cv::Mat& on, std::size_t stars, double unit) {
  const double spacing =
      std::sqrt(static_cast<double>(on.total()) / static_cast<double>(std::max<std::size_t>(stars, 1)));
  return std::clamp(0.25 * spacing, 2.0, 4.0) * unit;
}

void draw_mark(cv::Mat& on, const Ellipse& e, MarkKind kind, int thickness) {
  if (kind == MarkKind::failed) {
    draw_cross(on, e, mark_colour(kind), thickness);
  } else {
    draw(on, e, mark_colour(kind), thickness);
  }
}

std::vector<Ellipse> draw_marks(cv::Mat& on, const OverlayPicture& p, double unit) {
  std::vector<Ellipse> ellipses;
  const double most = 0.5 * std::hypot(on.cols, on.rows), least = least_radius(on, p.marks.size(), unit);
  for (const OverlayMark& mark : p.marks) ellipses.push_back(ellipse_of(mark, p.zoom, least, most));
  for (std::size_t kind = 0; kind < kMarkNames.size(); ++kind) {
    for (std::size_t i = 0; i < ellipses.size(); ++i) {
      const Ellipse& e = ellipses[i];
      const bool seen = e.x > -e.a && e.y > -e.a && e.x < on.cols + e.a && e.y < on.rows + e.a;
      if (seen && p.marks[i].kind == static_cast<MarkKind>(kind)) draw_mark(on, e, p.marks[i].kind, cvRound(unit));
    }
  }
  return ellipses;
}

/// 1, 2 or 5 times a power of ten: the largest that is no longer than \p most.
double round_length(double most) {
  const double power = std::pow(10, std::floor(std::log10(most)));
  for (const double factor : {5.0, 2.0}) {
    if (factor * power <= most) return factor * power;
  }
  return power;
}

/// Writes the legend from the left to the right and line by line. \return the height that it takes
int draw_legend(cv::Mat* on, const OverlayPicture& p, int width, const TextStyle& style) {
  const int line = line_height(style), pad = line / 2;
  int x = pad, y = 0;
  const auto place = [&](int item_width) {
    if (x > pad && x + item_width > width - pad) {
      x = pad;
      y += line;
    }
    const cv::Point at(x, y);
    x += item_width + line;
    return at;
  };
  const auto write = [&](const std::string& text, cv::Point at) {
    if (on != nullptr) draw_text(*on, text, {at.x, at.y + (line - text_size(text, style).height) / 2}, style, false);
  };
  std::array<std::size_t, kMarkNames.size()> counts{};
  for (const OverlayMark& mark : p.marks) ++counts[static_cast<std::size_t>(mark.kind)];
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    if (counts[kind] == 0) continue;
    const std::string text = std::string(kMarkNames[kind]) + " " + std::to_string(counts[kind]);
    const cv::Point at = place(line + text_size(text, style).width);
    const auto which = static_cast<MarkKind>(kind);
    const double r = 0.3 * line;
    const Ellipse sign{at.x + r + 1, at.y + 0.5 * line, r, r, 1, 0};
    if (on != nullptr) draw_mark(*on, sign, which, 2);
    write(text, {at.x + line, at.y});
  }
  if (p.unplaced > 0) {
    const std::string text = "no position " + std::to_string(p.unplaced);
    write(text, place(text_size(text, style).width));
  }
  if (cv::countNonZero(p.holes) > 0) {
    const cv::Point at = place(line + text_size("no data", style).width);
    if (on != nullptr) cv::rectangle(*on, {at.x, at.y + line / 4, line / 2, line / 2}, kHoles, cv::FILLED);
    write("no data", {at.x + line, at.y});
  }
  const double px = p.frame_px * p.zoom, length = std::max(1.0, round_length(0.15 * width / px));
  const std::string text = std::to_string(std::lround(length)) + " px";
  const int bar = cvRound(length * px);
  const cv::Point at = place(bar + line / 2 + text_size(text, style).width);
  if (on != nullptr) {
    const int middle = at.y + line / 2, tick = line / 5;
    cv::line(*on, {at.x, middle}, {at.x + bar, middle}, style.colour);
    for (const int end : {at.x, at.x + bar}) cv::line(*on, {end, middle - tick}, {end, middle + tick}, style.colour);
  }
  write(text, {at.x + bar + line / 2, at.y});
  return y + line;
}

/// The name on the left and the facts on the right, or below it where both are too long. \return the height
int draw_heading(cv::Mat* on, const OverlayPicture& p, int width, const TextStyle& style) {
  const int line = line_height(style), pad = line / 2;
  const std::string facts = shortened(p.facts, width - 2 * pad, style);
  const int right = text_size(facts, style).width;
  const bool one_line = text_size(p.title, style).width + right + 4 * pad <= width;
  const std::string title = shortened(p.title, width - 2 * pad, style);
  const int drop = (line - text_size(title, style).height) / 2;
  if (on != nullptr) {
    draw_text(*on, title, {pad, drop}, style, false);
    draw_text(*on, facts, one_line ? cv::Point(width - pad - right, drop) : cv::Point(pad, line + drop), style, false);
  }
  return one_line ? line : 2 * line;
}

}  // namespace

cv::Scalar mark_colour(MarkKind kind) {
  switch (kind) {
    case MarkKind::clean: return {115, 158, 0};       // bluish green
    case MarkKind::blended: return {233, 180, 86};    // sky blue
    case MarkKind::saturated: return {0, 94, 213};    // vermillion
    case MarkKind::doubtful: return {0, 159, 230};    // orange
    case MarkKind::cut: return {66, 228, 240};        // yellow
    case MarkKind::artefact: return {167, 121, 204};  // reddish purple
    case MarkKind::failed: return {255, 255, 255};
  }
  return {};
}

cv::Mat draw_overlay(const OverlayPicture& p) {
  cv::Mat frame = shown(p);
  const int width = std::max(frame.cols, kLeastWidth);
  const double unit = std::clamp(width / 1200.0, 1.0, 2.5);
  const TextStyle style{0.45 * unit, unit < 1.6 ? 1 : 2};
  const std::vector<Ellipse> ellipses = draw_marks(frame, p, std::min(unit, 1.49));
  draw_labels(frame, ellipses, p, {0.85 * style.scale, 1});
  const int heading = draw_heading(nullptr, p, width, style), legend = draw_legend(nullptr, p, width, style);
  cv::Mat page(heading + frame.rows + legend, width, CV_8UC3, kPaper);
  cv::Mat top = page.rowRange(0, heading), bottom = page.rowRange(heading + frame.rows, page.rows);
  frame.copyTo(page(cv::Rect({(width - frame.cols) / 2, heading}, frame.size())));
  draw_heading(&top, p, width, style);
  draw_legend(&bottom, p, width, style);
  return page;
}

}  // namespace starflow
