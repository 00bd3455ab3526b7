// SPDX-License-Identifier: MIT
/// \file
/// A plugin whose node takes a frame and sends a frame: with it a graph can run in a circle.

#include <starflow/sdk/plugin.hpp>

namespace {

struct Pass final : starflow::Node {
  explicit Pass(const starflow::Options&) {}
  void process(Context& context) override { context.send(0, context.input(0)); }
};

void init(starflow::Registrar& registrar) {
  const starflow::PortSpec frame{"frame", starflow::message_type<starflow::Frame>, "any"};
  registrar.add({"loop.pass", "Passes a frame on.", {frame}, {frame}, {}, starflow::factory_of<Pass>()});
}

}  // namespace

STARFLOW_PLUGIN("loop", "1.0.0", "MIT", init);
