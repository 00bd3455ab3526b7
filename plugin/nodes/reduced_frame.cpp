// SPDX-License-Identifier: MIT
#include "reduced_frame.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace starflow {
namespace {

constexpr std::size_t kSample = 200'000;  // values that levels are taken from
constexpr double kBlackSigma = 2, kSoftSigma = 3, kLeastRangeSigma = 30;
constexpr double kBrightPart = 0.9995;  // of the values are no brighter than white
constexpr double kTableSoft = 10;       // softenings up to which the table of the stretch is dense

int factor_for(const Frame& frame, int longest) {
  const int side = std::max(frame.image().cols, frame.image().rows);
  const int factor = std::max(1, (side + longest - 1) / longest);
  const bool mosaic = frame.view().mosaic != Mosaic::none;
  return mosaic ? factor + factor % 2 : factor;
}

template <class T>
void reduce_row(const FrameView& view, const Plane<T>& pixels, int factor, double offset, int row, cv::Mat& out) {
  const int last = std::min((row + 1) * factor, view.height);
  auto* to = out.ptr<float>(row);
  for (int column = 0; column < out.cols; ++column) {
    const int right = std::min((column + 1) * factor, view.width);
    double sum = 0;
    int count = 0;
    for (int y = row * factor; y < last; ++y) {
      const T* from = pixels.row(y);
      for (int x = column * factor; x < right; ++x) {
        if (!is_valid(view, x, y, from[x])) continue;
        sum += static_cast<double>(from[x]) - offset;
        ++count;
      }
    }
    to[column] = count > 0 ? static_cast<float>(sum / count) : std::numeric_limits<float>::quiet_NaN();
  }
}

/// asinh(t) by a table over t / (t + kTableSoft): below a grey level off up to 1e3, a few beyond.
class Asinh {
 public:
  Asinh() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(table_.size());
      table_[i] = static_cast<float>(std::asinh(kTableSoft * u / (1 - u)));
    }
  }
  [[nodiscard]] float operator()(float t) const noexcept {
    const float u = t > 0 ? t / (t + static_cast<float>(kTableSoft)) : 0;
    return table_[std::min(static_cast<std::size_t>(u * static_cast<float>(table_.size())), table_.size() - 1)];
  }

 private:
  std::array<float, 8192> table_{};
};

std::vector<float> sample_of(const cv::Mat& values) {
  const std::size_t step = values.total() / kSample + 1;  // of a row: neither columns nor rows are followed
  std::vector<float> sample;
  std::size_t at = 0;
  for (int y = 0; y < values.rows; ++y) {
    const auto* row = values.ptr<float>(y);
    for (; at < static_cast<std::size_t>(values.cols); at += step) {
      if (std::isfinite(row[at])) sample.push_back(row[at]);
    }
    at -= static_cast<std::size_t>(values.cols);
  }
  return sample;
}

double quantile(std::vector<float>& sample, double part) {
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(sample.size() - 1));
  std::nth_element(sample.begin(), sample.begin() + at, sample.end());
  return sample[static_cast<std::size_t>(at)];
}

}  // namespace

ReducedFrame reduced(const Frame& frame, int longest, double offset) {
  const FrameView view = frame.view();
  ReducedFrame out;
  out.factor = factor_for(frame, longest);
  out.values.create((view.height + out.factor - 1) / out.factor, (view.width + out.factor - 1) / out.factor, CV_32FC1);
  visit_pixels(view, [&](const auto& pixels) {
    for (int row = 0; row < out.values.rows; ++row) reduce_row(view, pixels, out.factor, offset, row, out.values);
  });
  return out;
}

cv::Mat stretched(const cv::Mat& values) {
  cv::Mat grey(values.size(), CV_8UC1, cv::Scalar(0));
  std::vector<float> sample = sample_of(values);
  if (sample.empty()) return grey;
  const double brightest = quantile(sample, kBrightPart);
  const double median = quantile(sample, 0.5);
  for (float& v : sample) v = static_cast<float>(std::abs(static_cast<double>(v) - median));
  double sigma = 1.4826 * quantile(sample, 0.5);
  if (!(sigma > 0)) sigma = (brightest - median) / kLeastRangeSigma;  // most pixels are alike
  if (!(sigma > 0)) sigma = std::max(std::abs(median), 1.0);          // all of them are
  const double black = median - kBlackSigma * sigma, white = std::max(brightest, median + kLeastRangeSigma * sigma);
  const double soft = kSoftSigma * sigma;
  const Asinh asinh;
  const float level = 255 / static_cast<float>(std::asinh((white - black) / soft));
  for (int y = 0; y < values.rows; ++y) {
    const auto* from = values.ptr<float>(y);
    auto* to = grey.ptr<std::uint8_t>(y);
    for (int x = 0; x < values.cols; ++x) {
      if (!std::isfinite(from[x])) continue;
      const auto t = static_cast<float>((static_cast<double>(from[x]) - black) / soft);
      to[x] = cv::saturate_cast<std::uint8_t>(level * asinh(t));
    }
  }
  return grey;
}

}  // namespace starflow
