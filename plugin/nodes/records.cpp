// SPDX-License-Identifier: MIT
#include "records.hpp"

#include "record_options.hpp"
#include "register.hpp"

#include <string>
#include <utility>

namespace starflow {

RecordsNode::RecordsNode(const Options& options) : style_(record_style(options)) {}

void RecordsNode::start(StartContext& context) {
  run_ = {std::string(context.config_hash()), std::string(context.version())};
}

void RecordsNode::process(Context& context) {
  const auto& stars = context.in<StarList>(0);
  const RunIdentity run = identity_of_frame(run_, context.config_hash());
  Records records;
  records.frame = stars.frame;
  append_frame_record(records.text, *stars.frame, &stars, Outcome::ok, {}, style_, run);
  append_star_records(records.text, *stars.frame, stars.stars, style_, stars.tracks);
  append_rejected_records(records.text, *stars.frame, stars.listed, style_);
  context.out(0, std::move(records));
}

NodeType records_type() {
  return {.name = "records",
          .doc = "The JSON lines of a frame and its stars, as sink.jsonl writes them, for nodes and callbacks.",
          .inputs = {{"stars", message_type<StarList>, "a frame's table"}},
          .outputs = {{"records", message_type<Records>, "its lines"}},
          .options = record_style_options(),
          .make = factory_of<RecordsNode>()};
}

}  // namespace starflow
