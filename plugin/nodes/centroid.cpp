// SPDX-License-Identifier: MIT
/// \file
/// Node `centroid`: frame and detections in, measured stars out.

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>
#include <starflow/sdk/stages.hpp>

#include "centroid_options.hpp"
#include "option_specs.hpp"
#include "plugin_method.hpp"
#include "register.hpp"

#include <memory>
#include <string>

namespace starflow {
namespace {

class Centroid final : public Node {
 public:
  explicit Centroid(const Options& o) {
    MeasureOptions options = read_centroid(o);
    if (options.method == Method::plugin) plugin_ = std::make_unique<PluginMethod>(o, o.text("method"));
    options.plugin = plugin_.get();
    stage_ = CentroidStage(options, plugin_ ? plugin_->name() : std::string());
  }

  void process(Context& c) override {
    c.out(0, stage_(c.in<Frame>(0), c.in<DetectionList>(1), c.parallel()));
    if (!plugin_) return;
    if (const std::string what = plugin_->complaint(); !what.empty()) {
      c.log(LogLevel::warning, "method " + plugin_->name() + " threw: " + what +
                                   "; its stars are windowed centroids with flags (said once)");
    }
  }

 private:
  std::unique_ptr<PluginMethod> plugin_;
  CentroidStage stage_;
};

}  // namespace

NodeType centroid_type() {
  return {.name = "centroid",
          .doc = "Measures every detection: position with covariance, flux, shape, flags.",
          .inputs = {{"frame", message_type<Frame>, "the frame that was searched"},
                     {"detections", message_type<DetectionList>, "what to measure"}},
          .outputs = {{"stars", message_type<StarList>, "one row a detection"}},
          .options = live(centroid_option_table()),
          .make = factory_of<Centroid>(),
          .takes_methods = true};
}

}  // namespace starflow
