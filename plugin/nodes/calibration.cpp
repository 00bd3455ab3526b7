// SPDX-License-Identifier: MIT
#include "calibration.hpp"

#include "frame_planes.hpp"
#include "read_for_all.hpp"
#include "source_files_picture.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace starflow {
namespace {

struct Master {
  std::string option, path;
  cv::Mat image;  // CV_32FC1; empty = not given
  cv::Mat bad;    // CV_8UC1
  double exposure_s = std::numeric_limits<double>::quiet_NaN();
};

cv::Mat not_finite(const cv::Mat& image) {
  cv::Mat out(image.size(), CV_8UC1);
  for (int y = 0; y < image.rows; ++y) {
    const auto* row = image.ptr<float>(y);
    auto* bad = out.ptr<std::uint8_t>(y);
    for (int x = 0; x < image.cols; ++x) bad[x] = std::isfinite(row[x]) ? 0 : 255;
  }
  return out;
}

Master read_master(const std::string& option, const std::string& path, StartContext& context) {
  Master master{option, path, {}, {}, {}};
  if (path.empty()) return master;
  context.claim_input(master.path);
  FrameInfo info;
  const Picture picture =
      read_for_all(option, master.path, [&](const auto& file) { return read_companion(file, info); });
  if (picture.image.channels() != 1) {
    throw OptionError(option, fmt::format("{} has {} channels; one is needed, as the sensor gives it", master.path,
                                          picture.image.channels()));
  }
  picture.image.convertTo(master.image, CV_32F);
  master.bad = merge_masks(picture.mask, not_finite(master.image));
  master.exposure_s = info.exposure_s;
  return master;
}

void check_sizes(std::span<const Master* const> masters) {
  const Master* first = nullptr;
  for (const Master* m : masters) {
    if (m->image.empty()) continue;
    if (first == nullptr) first = m;
    if (m->image.size() != first->image.size()) {
      throw OptionError(m->option,
                        fmt::format("{} is {}x{} px, but {} {} is {}x{} px; they must be equal", m->path, m->image.cols,
                                    m->image.rows, first->option, first->path, first->image.cols, first->image.rows));
    }
  }
}

float median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The good pixels of \p image, every \p step-th in each direction from (x, y) on.
std::vector<float> good_pixels(const cv::Mat& image, const cv::Mat& bad, int step = 1, int from_x = 0, int from_y = 0) {
  std::vector<float> out;
  for (int y = from_y; y < image.rows; y += step) {
    for (int x = from_x; x < image.cols; x += step) {
      if (bad.at<std::uint8_t>(y, x) == 0) out.push_back(image.at<float>(y, x));
    }
  }
  return out;
}

struct Extremes {
  double least = 0, most = 0;
};

/// Of good pixels; both \p otherwise where there is none.
Extremes extremes(const cv::Mat& image, const cv::Mat& bad, double otherwise) {
  const cv::Mat good = bad == 0;
  Extremes e{otherwise, otherwise};
  if (cv::countNonZero(good) > 0) cv::minMaxLoc(image, &e.least, &e.most, nullptr, nullptr, good);
  return e;
}

/// Pixels of the dark that stand more than \p sigma above its median; the noise from the median deviation.
cv::Mat hot_pixels(const Master& dark, double sigma) {
  constexpr double kSigmaPerDeviation = 1.4826;  // of a normal distribution
  std::vector<float> values = good_pixels(dark.image, dark.bad);
  if (values.empty()) return {};
  const bool whole = std::ranges::all_of(values, [](float v) { return v == std::floor(v); });
  const float middle = median(values);
  for (float& v : values) v = std::abs(v - middle);
  // Of whole numbers more than half may be equal: their rounding is noise too.
  const double rounding = whole ? 1 / std::sqrt(12.0) : 0;
  const double noise = std::max(kSigmaPerDeviation * static_cast<double>(median(values)), rounding);
  const double limit = static_cast<double>(middle) + sigma * noise;
  cv::Mat hot;
  cv::compare(dark.image, limit, hot, cv::CMP_GT);
  return hot;
}

/// Divides by the median of the good pixels, or each place of the 2x2 colour cell by its own.
void normalise(Master& flat, bool by_colour) {
  const int step = by_colour ? 2 : 1;
  for (int p = 0; p < step * step; ++p) {
    const int x0 = p % 2, y0 = p / 2;
    std::vector<float> values = good_pixels(flat.image, flat.bad, step, x0, y0);
    const float middle = values.empty() ? 0.0F : median(values);
    if (!(middle > 0)) {
      throw OptionError(
          "flat", fmt::format("{} has a median of {:g}; it must be above 0, also after flat_dark", flat.path, middle));
    }
    for (int y = y0; y < flat.image.rows; y += step) {
      for (int x = x0; x < flat.image.cols; x += step) flat.image.at<float>(y, x) /= middle;
    }
  }
}

/// 1 / flat, and the pixels where that can't be.
std::pair<cv::Mat, cv::Mat> invert(const Master& flat, double least_flat) {
  cv::Mat gain(flat.image.size(), CV_32FC1), bad(flat.image.size(), CV_8UC1);
  for (int y = 0; y < gain.rows; ++y) {
    for (int x = 0; x < gain.cols; ++x) {
      const float value = flat.image.at<float>(y, x);
      const bool good = flat.bad.at<std::uint8_t>(y, x) == 0 && value >= static_cast<float>(least_flat);
      gain.at<float>(y, x) = good ? 1 / value : 1.0F;
      bad.at<std::uint8_t>(y, x) = good ? 0 : 255;
    }
  }
  return {gain, bad};
}

void add_dark(const CalibrationOptions& o, const Master& bias, const Master& dark, Calibration& c) {
  const double exposure = o.dark_exposure_s.value_or(dark.exposure_s);
  if (!o.scale_dark) {
    c.offset = o.dark_holds_bias || bias.image.empty() ? dark.image : cv::Mat(dark.image + bias.image);
    c.exposure_s = exposure;
    return;
  }
  if (!(exposure > 0)) throw OptionError("dark", dark.path + " has no exposure time (EXPTIME): give dark_exposure_s");
  cv::Mat current = dark.image;
  if (o.dark_holds_bias) current = dark.image - bias.image;
  c.per_second = current / exposure;
  c.offset = bias.image;
}

}  // namespace

cv::Size Calibration::size() const {
  for (const cv::Mat* plane : {&offset, &per_second, &gain}) {
    if (!plane->empty()) return plane->size();
  }
  return {};
}

Calibration read_calibration(const CalibrationOptions& o, StartContext& context) {
  const Master bias = read_master("bias", o.bias, context), dark = read_master("dark", o.dark, context),
               flat_dark = read_master("flat_dark", o.flat_dark, context);
  Master flat = read_master("flat", o.flat, context);
  const std::array<const Master*, 4> all = {&bias, &dark, &flat, &flat_dark};
  check_sizes(all);
  Calibration c;
  for (const Master* m : {&bias, &dark}) {
    if (m->image.empty()) continue;
    c.offset = m->image;
    c.bad = merge_masks(c.bad, m->bad);
  }
  if (!dark.image.empty()) {
    add_dark(o, bias, dark, c);
    if (o.hot_sigma) c.bad = merge_masks(c.bad, hot_pixels(dark, *o.hot_sigma));
  }
  if (!flat.image.empty()) {
    if (!flat_dark.image.empty()) {
      flat.image -= flat_dark.image;
      flat.bad = merge_masks(flat.bad, flat_dark.bad);
    }
    normalise(flat, o.flat_by_colour);
    auto [gain, bad] = invert(flat, o.flat_min);
    c.gain = gain;
    c.bad = merge_masks(c.bad, bad);
    c.most_gain = extremes(gain, c.bad, 1).most;
  }
  for (const Master* m : all) {
    if (c.path.empty()) c.path = m->path;
  }
  if (!c.offset.empty()) c.least_offset = extremes(c.offset, c.bad, 0).least;
  if (!c.per_second.empty()) c.least_per_second = extremes(c.per_second, c.bad, 0).least;
  return c;
}

}  // namespace starflow
