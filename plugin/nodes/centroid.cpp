// SPDX-License-Identifier: MIT
/// \file
/// Node `centroid`: frame and detections in, measured stars out.

#include <starflow/core/measure.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include "centroid_options.hpp"
#include "register.hpp"
#include "workspace_pool.hpp"

#include <utility>

namespace starflow {
namespace {

class Centroid final : public Node {
 public:
  explicit Centroid(const Options& o) : options_(read_centroid(o)) {}

  void process(Context& c) override {
    const auto& frame = c.in<Frame>(0);
    const auto& found = c.in<DetectionList>(1);
    require_gain(frame);
    StarList out;
    out.frame = frame.share_info();
    out.background_adu = found.background->median_level();
    out.noise_adu = found.background->median_noise();
    out.background_reliable = found.background->reliable();
    out.fwhm_px = used_fwhm_px(found.detections, options_);
    out.fwhm_guessed = !(known_fwhm_px(found.detections, options_) > 0);
    out.rejected = found.rejected;
    const auto workspace = workspaces_.borrow();
    measure(frame.view(), *found.background, frame.info().detector(), found.detections, options_, c.parallel(),
            *workspace, out.stars);
    out.field_shape = workspace->field_shape();
    c.out(0, std::move(out));
  }

 private:
  /// \throws FrameError where the noise can't be computed.
  void require_gain(const Frame& frame) const {
    if (options_.noise != NoiseFrom::model || frame.view().variance || frame.info().detector().gain_e_per_adu > 0) {
      return;
    }
    throw FrameError("centroid.no_gain",
                     "has no gain, which \"noise\": \"model\" needs: set \"gain\" of the node that reads the files "
                     "(parameters.gain of batch.json, or a camera preset), or \"noise\" to \"map\" or \"annulus\"");
  }

  MeasureOptions options_;
  WorkspacePool<MeasureWorkspace> workspaces_;
};

}  // namespace

NodeType centroid_type() {
  return {.name = "centroid",
          .doc = "Measures every detection: position with covariance, flux, shape, flags.",
          .inputs = {{"frame", message_type<Frame>, "the frame that was searched"},
                     {"detections", message_type<DetectionList>, "what to measure"}},
          .outputs = {{"stars", message_type<StarList>, "one row a detection"}},
          .options = centroid_option_table(),
          .make = factory_of<Centroid>()};
}

}  // namespace starflow
