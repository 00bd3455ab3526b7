// SPDX-License-Identifier: MIT
/// \file
/// Node `detections.file`: measures at positions from a file instead of those that detection finds.

#include "forced_list.hpp"
#include "frame_pattern.hpp"
#include "option_specs.hpp"
#include "position_file.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace starflow {
namespace {

/// Which of a list's frames belongs to the one that is measured.
enum class Match { only, by_id, by_source };

Match read_match(const std::string& name) {
  return name == "by_id" ? Match::by_id : name == "by_source" ? Match::by_source : Match::only;
}

PositionFormat read_format(const Options& o) {
  const auto text = [&](const char* name) { return o.has(name) ? o.text(name) : std::string(); };
  PositionFormat format{text("x_column"), text("y_column"), text("id_column"), std::nullopt, o.text("hdu")};
  if (format.x.empty() != format.y.empty())
    throw OptionError(format.x.empty() ? "x_column" : "y_column", "give both x_column and y_column, or neither");
  if (o.text("origin") != "auto") format.origin = pixel_origin(o.text("origin"));
  return format;
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().native(); }

class DetectionsFile final : public Node {
 public:
  explicit DetectionsFile(const Options& o)
      : text_(o.text("path")), format_(read_format(o)), match_(read_match(o.text("frames"))), forced_(read_forced(o)) {}

  void start(StartContext& context) override {
    pattern_ = FramePattern(text_, "path");
    if (pattern_.per_frame()) return;
    context.claim_input(text_);
    try {
      lists_ = read_positions(text_, format_);
    } catch (const TableError& e) {
      throw OptionError("path", e.what());
    }
    std::size_t rows = 0;
    for (const FramePositions& list : lists_) rows += list.positions.x.size();
    if (rows == 0) throw OptionError("path", text_ + " holds no position");
    if (match_ == Match::only && lists_.size() > 1) throw OptionError("path", several(text_, lists_.size()));
    if (match_ != Match::only && !lists_.front().frame)
      throw OptionError("frames", text_ + " has no frame records, by which positions of several frames are told apart");
  }

  void process(Context& c) override {
    const auto& frame = c.in<Frame>(0);
    if (!pattern_.per_frame()) {
      c.out(0, forced_detections(frame, choose(lists_, text_, frame.info()), forced_, c.parallel()));
      return;
    }
    const std::string path = pattern_.path(frame.info());
    const std::vector<FramePositions> lists = read_list(path);
    c.out(0, forced_detections(frame, choose(lists, path, frame.info()), forced_, c.parallel()));
  }

 private:
  static std::string several(const std::string& path, std::size_t count) {
    return path + " holds the stars of " + std::to_string(count) +
           " frames; set option frames to by_id or by_source, by which each frame gets its own";
  }

  [[nodiscard]] std::vector<FramePositions> read_list(const std::string& path) const {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
      throw FrameError("positions.missing", "has no list of positions: " + path + " does not exist");
    try {
      return read_positions(path, format_);
    } catch (const TableError& e) {
      throw FrameError("positions.unreadable", std::string("has no usable list of positions: ") + e.what());
    }
  }

  [[nodiscard]] bool matches(const ListedFrame& listed, const FrameInfo& info) const {
    if (match_ == Match::by_id) return listed.frame_id == static_cast<std::int64_t>(info.frame_id);
    return file_name(listed.source) == file_name(info.source) && listed.plane == info.plane;
  }

  [[nodiscard]] const Positions& choose(const std::vector<FramePositions>& lists,
                                        const std::string& path,
                                        const FrameInfo& info) const {
    const FramePositions* found = nullptr;
    if (match_ == Match::only) {
      if (lists.size() > 1) throw FrameError("positions.several", several(path, lists.size()));
      found = &lists.front();
    } else {
      for (const FramePositions& list : lists) {
        if (!list.frame || !matches(*list.frame, info)) continue;
        if (found != nullptr)
          throw FrameError("positions.several", path + " has two frame records of this name; set frames to by_id");
        found = &list;
      }
    }
    if (found == nullptr) throw FrameError("positions.no_frame", "is not among the frames of " + path);
    if (found->frame && !found->frame->measured)
      throw FrameError("positions.no_frame", "failed when " + path + " was made, which has no positions for it");
    return found->positions;
  }

  std::string text_;
  PositionFormat format_;
  Match match_;
  ForcedOptions forced_;
  FramePattern pattern_;
  std::vector<FramePositions> lists_;  // of a path without a pattern
};

std::vector<OptionSpec> options() {
  OptionSpec path = option("path", Accepts::text,
                           "CSV, JSON Lines (also starflow's records) or FITS table with positions, gzipped or "
                           "not; {stem}, {name}, {folder} and {frame_id} stand for the frame's, so that each has "
                           "its own list.");
  path.required = true;
  path.result_neutral = true;
  OptionSpec origin = option("origin", Accepts::text,
                             "How the file counts pixels: the centre of the first is (0, 0), (1, 1) or (0.5, 0.5); "
                             "auto = as its frame records say, else by the columns: (1, 1) for those of "
                             "SExtractor, IRAF and astrometry.net, (0, 0) for others.");
  origin.fallback = std::string("auto");
  origin.choices = pixel_origin_choices();
  origin.choices.insert(origin.choices.begin(), "auto");
  OptionSpec hdu =
      option("hdu", Accepts::text, "FITS table by number (0 = primary) or name; empty = the first with positions.");
  hdu.fallback = std::string();
  OptionSpec frames = option("frames", Accepts::text,
                             "Which stars of starflow's records a frame gets: all, where the list is of only one "
                             "frame; those of the frame with the same frame_id; or with the same file name.");
  frames.fallback = std::string("only");
  frames.choices = {"only", "by_id", "by_source"};
  std::vector<OptionSpec> specs = {
      path,
      option("x_column", Accepts::text,
             "Column with x; without it x, xcentroid, XWIN_IMAGE, X_IMAGE and others are tried."),
      option("y_column", Accepts::text, "Column with y, given together with x_column."),
      option("id_column", Accepts::text,
             "Column with whole numbers; without it id, NUMBER, label, ... , else rows from 0."),
      hdu,
      frames,
      origin};
  for (OptionSpec& s : forced_options()) specs.push_back(std::move(s));
  return specs;
}

}  // namespace

NodeType detections_file_type() {
  return {
      .name = "detections.file",
      .doc =
          "Positions from a file for every frame, or for each its own. Each keeps its id and is measured, even where "
          "nothing is or outside of the frame; the flags say so.",
      .inputs = {{"frame", message_type<Frame>, "the frame to measure"}},
      .outputs = {{"detections", message_type<DetectionList>, "the positions and the background of the frame"}},
      .options = options(),
      .make = factory_of<DetectionsFile>()};
}

}  // namespace starflow
