// SPDX-License-Identifier: MIT
/// \file
/// Node `detections.grid`: measures at the points of a regular grid.

#include "forced_list.hpp"
#include "position_grid.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace starflow {
namespace {

GridShape read_grid(const Options& o) {
  GridShape grid;
  if (o.has("spacing_px")) grid.spacing_px = o.number("spacing_px");
  if (o.has("columns") != o.has("rows"))
    throw OptionError(o.has("columns") ? "rows" : "columns", "give both columns and rows, or neither");
  if (o.has("columns")) {
    grid.columns = static_cast<int>(o.integer("columns"));
    grid.rows = static_cast<int>(o.integer("rows"));
  } else if (!grid.spacing_px) {
    throw OptionError("spacing_px", "a grid needs spacing_px, or columns and rows");
  }
  if (1.0 * grid.columns * grid.rows > kMaxGridPositions) {
    throw OptionError("columns", fmt::format("{} columns of {} rows are more than {:.0f} positions", grid.columns,
                                             grid.rows, kMaxGridPositions));
  }
  grid.margin_px = o.number("margin_px");
  if (grid.margin_px > 0 && grid.columns > 0 && grid.spacing_px)
    throw OptionError("margin_px", "has no effect where columns, rows and spacing_px are all given");
  grid.rotation_deg = o.number("rotation_deg");
  grid.offset_x_px = o.number("offset_px.x");
  grid.offset_y_px = o.number("offset_px.y");
  return grid;
}

class DetectionsGrid final : public Node {
 public:
  explicit DetectionsGrid(const Options& o) : grid_(read_grid(o)), forced_(read_forced(o)) {}

  void process(Context& c) override {
    const auto& frame = c.in<Frame>(0);
    const FrameView view = frame.view();
    c.out(0, forced_detections(frame, grid_positions(grid_, view.width, view.height), forced_, c.parallel()));
  }

 private:
  GridShape grid_;
  ForcedOptions forced_;
};

OptionSpec length(std::string name, std::string doc, double minimum, double maximum) {
  return {.name = std::move(name), .doc = std::move(doc), .unit = "px", .minimum = minimum, .maximum = maximum};
}

OptionSpec count(std::string name, std::string doc) {
  return {.name = std::move(name), .form = Accepts::integer, .doc = std::move(doc), .minimum = 1, .maximum = 1e6};
}

std::vector<OptionSpec> options() {
  constexpr double kFar = 1e6;
  OptionSpec margin = length("margin_px",
                             "Left free at the edges: by spacing alone, and where columns and rows are spread over the "
                             "frame.",
                             0, kFar);
  margin.fallback = 0.0;
  OptionSpec rotation{.name = "rotation_deg",
                      .fallback = 0.0,
                      .doc = "About the frame's centre, from +x towards +y.",
                      .unit = "deg",
                      .minimum = -360,
                      .maximum = 360};
  OptionSpec right = length("offset_px.x", "Shift to the right, after the rotation.", -kFar, kFar);
  OptionSpec down = length("offset_px.y", "Shift down, after the rotation.", -kFar, kFar);
  right.fallback = down.fallback = 0.0;
  std::vector<OptionSpec> specs = {
      length("spacing_px", "Between neighbours; alone it fills the frame, one position in its centre.", 1, kFar),
      count("columns", "Positions in a row of the grid; with rows alone spread evenly from margin to margin."),
      count("rows", "Rows of the grid, given together with columns."),
      std::move(margin),
      std::move(rotation),
      std::move(right),
      std::move(down)};
  for (OptionSpec& s : forced_options()) specs.push_back(std::move(s));
  return specs;
}

}  // namespace

NodeType detections_grid_type() {
  return {.name = "detections.grid",
          .doc =
              "A regular grid of positions, centred on the frame, for pinhole masks and tests. Each is measured, "
              "whatever is there; ids count from 0 along the rows.",
          .inputs = {{"frame", message_type<Frame>, "the frame to measure"}},
          .outputs = {{"detections", message_type<DetectionList>, "the positions and the background of the frame"}},
          .options = options(),
          .make = factory_of<DetectionsGrid>()};
}

}  // namespace starflow
