// SPDX-License-Identifier: MIT
/// \file
/// Node `crop`: a part of each frame.

#include "mosaic_from.hpp"
#include "option_specs.hpp"
#include "register.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr double kFarPx = 1 << 24;

/// \throws OptionError for a box that holds no pixel
cv::Rect read_box(const Options& o) {
  const std::vector<double>& b = o.numbers("box_px");
  const char* const wanted =
      "wants 4 whole numbers from 0 on, [left, top, right, bottom]: the first and the last pixel";
  if (b.size() != 4) throw OptionError("box_px", fmt::format("{}; got {}", wanted, b.size()));
  for (const double v : b) {
    if (!(v >= 0 && v <= kFarPx && v == std::floor(v)))
      throw OptionError("box_px", fmt::format("{}; got {}", wanted, v));
  }
  if (b[0] > b[2] || b[1] > b[3])
    throw OptionError("box_px", "the box is empty: wants [left, top, right, bottom] with left <= right, top <= bottom");
  return {cv::Point(static_cast<int>(b[0]), static_cast<int>(b[1])),
          cv::Point(static_cast<int>(b[2]) + 1, static_cast<int>(b[3]) + 1)};
}

class Crop final : public Node {
 public:
  explicit Crop(const Options& o) : box_(read_box(o)) {}

  void process(Context& c) override {
    const Message& message = c.input(0);
    const auto& in = c.in<Frame>(0);
    if ((box_ & cv::Rect({0, 0}, in.image().size())) != box_) {
      throw FrameError("crop.size", fmt::format("is {}x{} px; box_px [{}, {}, {}, {}] reaches beyond", in.image().cols,
                                                in.image().rows, box_.x, box_.y, box_.br().x - 1, box_.br().y - 1));
    }
    FrameInfo info = in.info();
    info.roi_x += box_.x * info.binning_x;
    info.roi_y += box_.y * info.binning_y;
    info.mosaic = mosaic_from(info.mosaic, box_.x, box_.y);
    // The pixels stay where they are, and the frame that owns them as long as they are read.
    Frame out = Frame::borrow(in.image()(box_), std::move(info), [message] {});
    if (!in.mask().empty()) out.set_mask(in.mask()(box_));
    if (!in.variance().empty()) out.set_variance(in.variance()(box_));
    c.out(0, std::move(out));
  }

 private:
  cv::Rect box_;
};

}  // namespace

NodeType crop_type() {
  OptionSpec box = number("box_px",
                          "The part: [left, top, right, bottom], its first and last pixels. Positions count from its "
                          "first pixel; those of the sensor stay as they are.",
                          "px", 0, kFarPx);
  box.form = Accepts::number_list;
  box.required = true;
  return {.name = "crop",
          .doc = "Takes a part of each frame, without a copy. A frame that does not hold all of it fails.",
          .inputs = {{"frame", message_type<Frame>, "the frame"}},
          .outputs = {{"frame", message_type<Frame>, "the part, with its mask, variance and colours"}},
          .options = live({box}),
          .make = factory_of<Crop>()};
}

}  // namespace starflow
