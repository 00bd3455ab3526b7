// SPDX-License-Identifier: MIT
/// \file
/// Node `mask`: puts a mask and a variance on frames of any source.

#include "frame_planes.hpp"
#include "register.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <string>
#include <utility>

namespace starflow {
namespace {

constexpr std::size_t kFramePort = 0, kMaskPort = 1, kVariancePort = 2;

/// The picture of an optional input, checked. \return null where the input is not connected
const Frame* companion(Node::Context& c, std::size_t port, const char* name, const FrameInfo& info) {
  const auto* frame = c.input(port).as<Frame>();
  if (frame == nullptr) return nullptr;
  require_size(std::string(name) + ".size", fmt::format("the {} of input {}", name, name), frame->image().size(),
               {info.width, info.height});
  return frame;
}

/// Bad are the pixels of \p frame that are not 0, and its own bad ones.
cv::Mat mask_of(const Frame& frame) {
  cv::Mat good;
  cv::compare(frame.image(), cv::Scalar(0), good, cv::CMP_EQ);  // not CMP_NE, see read_mask()
  cv::bitwise_not(good, good);
  return merge_masks(good, frame.mask());
}

cv::Mat variance_of(const Frame& frame) {
  cv::Mat variance;
  frame.image().convertTo(variance, CV_32F);
  if (!frame.mask().empty()) variance.setTo(0, frame.mask());
  return variance;
}

class Mask final : public Node {
 public:
  explicit Mask(const Options& o) : planes_(o) {}

  void start(StartContext& context) override { planes_.start(context); }

  void process(Context& c) override {
    const auto& in = c.in<Frame>(kFramePort);
    FrameInfo info = in.info();
    info.width = in.image().cols;
    info.height = in.image().rows;
    FramePlanes::Planes planes = planes_.of(info);
    for (const std::string& note : planes.notes) c.log(LogLevel::warning, note);
    cv::Mat mask = merge_masks(in.mask(), planes.mask);
    if (const Frame* more = companion(c, kMaskPort, "mask", info)) mask = merge_masks(mask, mask_of(*more));
    cv::Mat variance = planes.variance.empty() ? in.variance() : planes.variance;
    if (const Frame* given = companion(c, kVariancePort, "variance", info)) {
      if (!planes.variance.empty())
        throw FrameError("variance.twice", "has a variance from an input and one from option variance; leave one away");
      variance = variance_of(*given);
    }
    Frame out = in;  // the pixels are shared
    if (!mask.empty()) out.set_mask(std::move(mask));
    if (!variance.empty()) out.set_variance(std::move(variance));
    c.out(0, std::move(out));
  }

 private:
  FramePlanes planes_;
};

}  // namespace

NodeType mask_type() {
  return {.name = "mask",
          .doc =
              "Puts a mask and a variance on frames of any source, beside the mask that they have. The variance "
              "takes the place of theirs.",
          .inputs = {{"frame", message_type<Frame>, "the frame"},
                     {"mask", message_type<Frame>, "pixels that are not 0 are bad", true},
                     {"variance", message_type<Frame>, "ADU^2 of every pixel; 0 and less = bad", true}},
          .outputs = {{"frame", message_type<Frame>, "the same pixels, with mask and variance"}},
          .options = frame_plane_options(),
          .make = factory_of<Mask>()};
}

}  // namespace starflow
