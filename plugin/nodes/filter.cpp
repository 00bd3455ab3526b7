// SPDX-License-Identifier: MIT
/// \file
/// Node `filter`: measured stars in, those that pass every rule out.

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>
#include <starflow/sdk/stages.hpp>

#include "filter_options.hpp"
#include "option_specs.hpp"
#include "register.hpp"

namespace starflow {
namespace {

class Filter final : public Node {
 public:
  explicit Filter(const Options& o) : stage_(read_filter(o), o.flag("list_rejected")) {}
  void process(Context& c) override { c.send(0, Message::of(stage_(c.input(0).share<StarList>()))); }

 private:
  FilterStage stage_;
};

}  // namespace

NodeType filter_type() {
  return {
      .name = "filter",
      .doc =
          "Takes stars out of a table by rules, which are off unless given. The frame's record counts each row that "
          "goes by its reason: the first rule that takes it, in the order duplicate_radius, flags (by bit), region, "
          "edge_px, position, snr_min, significance, sharpness, roundness1, roundness2, neighbour_radius, "
          "fwhm_outlier, "
          "brightest.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {{"stars", message_type<StarList>, "those that stay, in their order"}},
      .options = live(filter_option_table()),
      .make = factory_of<Filter>()};
}

}  // namespace starflow
