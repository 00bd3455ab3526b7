// SPDX-License-Identifier: MIT
#include "sink_jsonl.hpp"

#include "merge.hpp"
#include "record_options.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <nlohmann/json.hpp>

namespace starflow {

SinkJsonl::SinkJsonl(const Options& options) : path_(options.text("path")), style_(record_style(options)) {
  if (path_.empty()) throw OptionError("path", "is empty; give a file, or \"-\" for standard output");
}

void SinkJsonl::start(StartContext& context) {
  run_ = {std::string(context.config_hash()), std::string(context.version())};
  const nlohmann::json past = last_checkpoint(context);
  open_output(context, file_, "path", path_, past.value("file", nlohmann::json()));
  stars_ = past.value("stars", std::uint64_t{0});
}

std::vector<std::string> SinkJsonl::files() const {
  check_resumable("path", path_);
  return {path_};
}

std::string SinkJsonl::checkpoint() { return nlohmann::json{{"file", place_of(file_)}, {"stars", stars_}}.dump(); }

void SinkJsonl::write(Context& context) {
  const auto* stars = context.input(0).as<StarList>();
  const FrameInfo& info = measured_frame(context, stars);
  text_.clear();
  append_frame_record(text_, info, stars, context.outcome(), context.errors(), style_,
                      identity_of_frame(run_, context.config_hash()));
  if (stars != nullptr) {
    append_star_records(text_, info, stars->stars, style_, stars->tracks);
    append_rejected_records(text_, info, stars->listed, style_);
    stars_ += stars->stars.size();
  }
  file_.write(text_);
  if (file_.is_stream()) file_.flush();  // whoever reads along shall see each frame when it is there
}

void SinkJsonl::close(const RunSummary& summary) {
  text_.clear();
  append_run_record(text_, summary, stars_, run_);
  if (summary.complete && !file_.failed()) {
    file_.write(text_);
    file_.commit();
    return;
  }
  try {
    if (!file_.failed()) file_.write(text_);
  } catch (const RunError&) {
    // The run has ended already, and its first error is the one to tell.
  }
  report_ = leave_unfinished({{"incomplete_output", &file_}});
}

NodeType sink_jsonl_type() {
  return {
      .name = "sink.jsonl",
      .doc =
          "Writes one JSON line for each frame, measured or failed, and for each star, and a last one about the run.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {},
      .options = sink_options("-", "File to write, as PATH.part until the run is complete; \"-\" is standard output."),
      .make = factory_of<SinkJsonl>(),
      .merge = merge_jsonl};
}

}  // namespace starflow
