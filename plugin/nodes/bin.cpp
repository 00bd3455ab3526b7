// SPDX-License-Identifier: MIT
/// \file
/// Node `bin`: blocks of pixels as one.

#include "option_specs.hpp"
#include "register.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr int kMostFactor = 64;

enum class Combine : std::uint8_t { sum, mean };

struct Factor {
  int x = 2, y = 2;
  [[nodiscard]] int pixels() const noexcept { return x * y; }
};

/// What the blocks of one row add up to.
struct BlockRow {
  explicit BlockRow(int width) : sum(static_cast<std::size_t>(width)), variance(sum.size()), state(sum.size()) {}
  void clear() {
    std::ranges::fill(sum, 0.0);
    std::ranges::fill(variance, 0.0);
    std::ranges::fill(state, std::uint8_t{0});
  }
  enum : std::uint8_t { kBad = 1, kFull = 2 };
  std::vector<double> sum, variance;  // ADU, ADU^2
  std::vector<std::uint8_t> state;    // of bad and saturated pixels among them
};

/// Adds the pixels of row \p y of the frame up to the end of the last whole block.
template <class T>
void add_row(const FrameView& frame, Plane<T> pixels, int y, double saturation, int factor, BlockRow& blocks) {
  const T* row = pixels.row(y);
  const float* variance = frame.variance ? frame.variance.row(y) : nullptr;
  for (std::size_t block = 0; block < blocks.sum.size(); ++block) {
    const int first = static_cast<int>(block) * factor;
    for (int x = first; x < first + factor; ++x) {
      const auto value = static_cast<double>(row[x]);
      blocks.sum[block] += value;
      if (variance != nullptr) blocks.variance[block] += static_cast<double>(variance[x]);
      if (!is_valid(frame, x, y, row[x])) blocks.state[block] |= BlockRow::kBad;
      if (value >= saturation) blocks.state[block] |= BlockRow::kFull;
    }
  }
}

class Bin final : public Node {
 public:
  explicit Bin(const Options& o) : combine_(o.text("combine") == "mean" ? Combine::mean : Combine::sum) {
    const std::vector<double> given = std::holds_alternative<std::vector<double>>(o.at("factor"))
                                          ? o.numbers("factor")
                                          : std::vector<double>(2, o.number("factor"));
    const auto fits = [](double f) { return f >= 1 && f <= kMostFactor && f == std::floor(f); };
    if (given.size() != 2 || !std::ranges::all_of(given, fits)) {
      throw OptionError("factor",
                        fmt::format("wants a whole number from 1 to {}, or two, [across, down]", kMostFactor));
    }
    factor_ = {static_cast<int>(given[0]), static_cast<int>(given[1])};
  }

  void process(Context& c) override {
    const auto& in = c.in<Frame>(0);
    const cv::Size size(in.image().cols / factor_.x, in.image().rows / factor_.y);
    if (size.empty()) {
      throw FrameError("bin.size", fmt::format("is {}x{} px, less than one block of {}x{}", in.image().cols,
                                               in.image().rows, factor_.x, factor_.y));
    }
    if (!in.info().mosaic.empty()) {
      throw FrameError("bin.mosaic", "is a colour mosaic (" + in.info().mosaic +
                                         "): blocks would mix its colours; measure it as it is, or set mosaic to none");
    }
    FrameInfo info = binned(in.info());
    const double per_block = combine_ == Combine::mean ? 1.0 / factor_.pixels() : 1.0;
    const double full = in.info().detector().saturation_adu;
    cv::Mat image(size, CV_32FC1), mask(size, CV_8UC1), variance;
    if (!in.variance().empty()) variance.create(size, CV_32FC1);
    c.parallel()(static_cast<std::size_t>(size.height), kRowsAtOnce, [&](std::size_t begin, std::size_t end) {
      const FrameView view = in.view();
      BlockRow blocks(size.width);
      for (int row = static_cast<int>(begin); row < static_cast<int>(end); ++row) {
        blocks.clear();
        visit_pixels(view, [&](auto pixels) {
          for (int y = row * factor_.y; y < (row + 1) * factor_.y; ++y)
            add_row(view, pixels, y, full, factor_.x, blocks);
        });
        for (std::size_t k = 0; k < blocks.sum.size(); ++k) {
          const int x = static_cast<int>(k);
          const double value = per_block * blocks.sum[k];
          // One saturated pixel is enough: its block says at least so much.
          const bool saturated = (blocks.state[k] & BlockRow::kFull) != 0;
          image.at<float>(row, x) = static_cast<float>(saturated ? std::max(value, info.saturation.value) : value);
          mask.at<std::uint8_t>(row, x) = (blocks.state[k] & BlockRow::kBad) != 0 ? 255 : 0;
          if (!variance.empty())
            variance.at<float>(row, x) = static_cast<float>(per_block * per_block * blocks.variance[k]);
        }
      }
    });
    Frame out = Frame::adopt(std::move(image), std::move(info));
    if (cv::countNonZero(mask) > 0) out.set_mask(std::move(mask));
    if (!variance.empty()) out.set_variance(std::move(variance));
    c.out(0, std::move(out));
  }

 private:
  static constexpr std::size_t kRowsAtOnce = 64;

  [[nodiscard]] FrameInfo binned(FrameInfo info) const {
    const int n = factor_.pixels();
    info.binning_x *= factor_.x;
    info.binning_y *= factor_.y;
    info.read_noise.value *= std::sqrt(n);  // electrons of the whole block, also where ADU are of its mean
    if (combine_ == Combine::mean) {
      info.gain.value *= n;
    } else {
      info.saturation.value *= n;
    }
    info.saturation.value = static_cast<double>(static_cast<float>(info.saturation.value));
    return info;
  }

  Factor factor_;
  Combine combine_;
};

}  // namespace

NodeType bin_type() {
  OptionSpec factor =
      option("factor", Accepts::integer | Accepts::number_list,
             "Side of a block, or its two: [across, down]. Pixels beyond the last whole block are left out.", "px");
  factor.fallback = std::int64_t{2};
  factor.minimum = 1;
  factor.maximum = kMostFactor;
  OptionSpec combine = choice(
      "combine", "What becomes of the pixels of a block. Gain, read noise and saturation follow.", {"sum", "mean"});
  combine.fallback = std::string("sum");
  return {.name = "bin",
          .doc =
              "Makes one pixel of each block of pixels. A block with a bad pixel is bad, one with a saturated pixel "
              "saturated. Positions are those of the new pixels; those of the sensor stay as they are.",
          .inputs = {{"frame", message_type<Frame>, "the frame; no colour mosaic"}},
          .outputs = {{"frame", message_type<Frame>, "the blocks, as 32-bit floats, with mask and variance"}},
          .options = live({factor, combine}),
          .make = factory_of<Bin>()};
}

}  // namespace starflow
