// SPDX-License-Identifier: MIT
/// \file
/// Node `detections.file`: measures at positions from a file instead of those that detection finds.

#include "background_options.hpp"
#include "pixel_origin.hpp"
#include "position_file.hpp"
#include "register.hpp"

#include <starflow/core/detect.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace starflow {
namespace {

/// The pixel at (x, y) above the background; 0 where there is none, or a masked one.
double pixel_above_background(const FrameView& frame, const Background& background, double x, double y) {
  // Compared as numbers: a position far outside does not fit into an int.
  if (!(x >= -0.5 && y >= -0.5 && x < frame.width - 0.5 && y < frame.height - 0.5)) return 0;
  const int i = static_cast<int>(std::floor(x + 0.5)), j = static_cast<int>(std::floor(y + 0.5));
  return visit_pixels(frame, [&](const auto& plane) {
    const auto value = plane.row(j)[i];
    return is_valid(frame, i, j, value) ? static_cast<double>(value) - background.level(x, y) : 0.0;
  });
}

class DetectionsFile final : public Node {
 public:
  explicit DetectionsFile(const Options& o)
      : path_(o.text("path")),
        origin_(pixel_origin(o.text("origin"))),
        fwhm_px_(read_fwhm(o)),
        background_(read_background(o)) {}

  void start(StartContext& context) override {
    context.claim_input(path_);
    std::error_code ignored;
    if (std::filesystem::is_directory(path_, ignored))
      throw OptionError("path", path_ + " is a folder; give a CSV file");
    std::ifstream file(path_, std::ios::binary);
    if (!file) throw OptionError("path", "can't read " + path_ + ": " + std::generic_category().message(errno));
    try {
      positions_ = read_positions(file, path_);
    } catch (const PositionFileError& e) {
      throw OptionError("path", e.what());
    }
    const double shift = origin_offset_px(origin_);
    for (double& x : positions_.x) x -= shift;
    for (double& y : positions_.y) y -= shift;
  }

  void process(Context& c) override {
    const auto& frame = c.in<Frame>(0);
    const FrameView view = frame.view();
    DetectionList out;
    out.frame = frame.share_info();
    const auto background = std::make_shared<const Background>(estimate_background(view, background_, c.parallel()));
    out.background = background;
    Detections& d = out.detections;
    d.resize(positions_.x.size());
    d.x = positions_.x;
    d.y = positions_.y;
    d.id = positions_.id;
    for (std::size_t i = 0; i < d.size(); ++i) {
      d.peak[i] = d.flux[i] = pixel_above_background(view, *background, d.x[i], d.y[i]);
      d.xx[i] = d.yy[i] = d.xy[i] = 0;
      d.n_pix[i] = 0;
      d.flags[i] = flag::forced_position;
    }
    d.fwhm_measured = fwhm_px_ == 0;
    d.fwhm_px = d.fwhm_measured ? measure_fwhm(view, *background, frame.info().detector(), c.parallel()) : fwhm_px_;
    c.out(0, std::move(out));
  }

 private:
  std::string path_;
  PixelOrigin origin_;
  double fwhm_px_;
  BackgroundOptions background_;
  Positions positions_;
};

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs = {
      {.name = "path",
       .form = Accepts::text,
       .doc = "CSV file whose header names the columns id, x and y; others are ignored.",
       .required = true,
       .result_neutral = true},
      {.name = "origin",
       .form = Accepts::text,
       .fallback = std::string("center0"),
       .doc = "How the file counts pixels: the centre of the first is (0, 0), (1, 1) or (0.5, 0.5).",
       .choices = pixel_origin_choices()},
      fwhm_option("measured from the frame")};
  for (OptionSpec& s : background_options()) specs.push_back(std::move(s));
  return specs;
}

}  // namespace

NodeType detections_file_type() {
  return {.name = "detections.file",
          .doc =
              "Positions from a file for every frame. Each keeps its id and is measured, even where nothing is or "
              "outside of the "
              "frame; the flags say so.",
          .inputs = {{"frame", message_type<Frame>, "the frame to measure"}},
          .outputs = {{"detections", message_type<DetectionList>, "the positions and the background of the frame"}},
          .options = options(),
          .make = factory_of<DetectionsFile>()};
}

}  // namespace starflow
