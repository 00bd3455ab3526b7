// SPDX-License-Identifier: MIT
#include <starflow/graph/builtin.hpp>

#include <string>

namespace starflow::graph {
namespace {

// The runner hands frames of submit() to the graph itself; nothing is ever pulled from this source.
class PushSource final : public Source {
 public:
  explicit PushSource(const Options&) {}
  bool next(Context&) override { return false; }
};

}  // namespace

void register_builtin(Registrar& registry) {
  NodeType push;
  push.name = std::string(kPushSource);
  push.doc = "Frames that the host program hands over, in the order in which it does.";
  push.outputs = {{"frame", message_type<Frame>, "the frame as it was submitted"}};
  push.make = factory_of<PushSource>();
  registry.add(std::move(push));
}

}  // namespace starflow::graph
