// SPDX-License-Identifier: MIT
/// \file
/// Node `calibrate`: takes bias and dark off frames, and divides them by a flat.

#include "calibration.hpp"
#include "frame_planes.hpp"
#include "register.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace starflow {
namespace {

class Calibrate final : public Node {
 public:
  explicit Calibrate(const Options& o) : options_(o) {}

  void start(StartContext& context) override {
    calibration_ = read_calibration(options_, context);
    if (!options_.dark.empty() && !options_.scale_dark && std::isnan(calibration_.exposure_s)) {
      context.log(LogLevel::warning, options_.dark +
                                         " has no exposure time (EXPTIME); with dark_exposure_s those of the frames "
                                         "would be compared with it");
    }
  }

  void process(Context& c) override {
    const auto& in = c.in<Frame>(0);
    require_size("calibrate.size", calibration_.path, calibration_.size(), in.image().size());
    const double exposure = exposure_of(in.info());
    FrameInfo info = in.info();
    const double full = info.saturation.value;
    // As high as any pixel becomes that is not saturated; those that are get this value.
    info.saturation.value = static_cast<double>(static_cast<float>(
        (full - calibration_.least_offset - exposure * calibration_.least_per_second) * calibration_.most_gain));
    cv::Mat image(in.image().size(), CV_32FC1);
    c.parallel()(static_cast<std::size_t>(image.rows), kRowsAtOnce, [&](std::size_t begin, std::size_t end) {
      const cv::Range rows(static_cast<int>(begin), static_cast<int>(end));
      const cv::Mat from = in.image().rowRange(rows);
      cv::Mat to = image.rowRange(rows);
      calibrate(from, rows, exposure, to);
      if (std::isfinite(full)) to.setTo(info.saturation.value, from >= full);
    });
    Frame out = Frame::adopt(std::move(image), std::move(info));
    if (const cv::Mat mask = merge_masks(in.mask(), calibration_.bad); !mask.empty()) out.set_mask(mask);
    if (!in.variance().empty()) out.set_variance(scaled(in.variance()));
    c.out(0, std::move(out));
  }

 private:
  static constexpr std::size_t kRowsAtOnce = 16;  // of all planes they stay in the cache

  /// 0 where it does not matter. \throws FrameError where the dark does not go with it
  [[nodiscard]] double exposure_of(const FrameInfo& info) const {
    const double exposure = info.exposure_s, wanted = calibration_.exposure_s;
    if (!calibration_.per_second.empty()) {
      if (exposure >= 0) return exposure;
      throw FrameError("calibrate.exposure", "has no exposure time (EXPTIME), which scale_dark needs");
    }
    if (std::abs(exposure - wanted) > options_.exposure_tolerance * wanted) {
      throw FrameError("calibrate.exposure",
                       fmt::format("was exposed for {:g} s, dark {} for {:g} s; a dark of that exposure is needed, or "
                                   "scale_dark",
                                   exposure, options_.dark, wanted));
    }
    return 0;
  }

  void calibrate(const cv::Mat& from, const cv::Range& rows, double exposure, cv::Mat& to) const {
    if (calibration_.offset.empty()) {
      from.convertTo(to, CV_32F);
    } else {
      cv::subtract(from, calibration_.offset.rowRange(rows), to, cv::noArray(), CV_32F);
    }
    if (!calibration_.per_second.empty()) cv::scaleAdd(calibration_.per_second.rowRange(rows), -exposure, to, to);
    if (!calibration_.gain.empty()) cv::multiply(to, calibration_.gain.rowRange(rows), to);
  }

  [[nodiscard]] cv::Mat scaled(const cv::Mat& variance) const {
    if (calibration_.gain.empty()) return variance;
    cv::Mat out;
    cv::multiply(variance, calibration_.gain, out);
    cv::multiply(out, calibration_.gain, out);
    return out;
  }

  CalibrationOptions options_;
  Calibration calibration_;
};

}  // namespace

NodeType calibrate_type() {
  return {
      .name = "calibrate",
      .doc =
          "Takes a bias and a dark off frames, and divides them by a flat; frames and masters are raw, of one size. "
          "The noise that the masters add is not counted.",
      .inputs = {{"frame", message_type<Frame>, "the frame as the sensor gave it"}},
      .outputs = {{"frame", message_type<Frame>,
                   "the same as 32-bit floats; pixels that no master tells, and hot ones, are masked"}},
      .options = calibration_option_table(),
      .make = factory_of<Calibrate>()};
}

}  // namespace starflow
