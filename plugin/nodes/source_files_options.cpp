// SPDX-License-Identifier: MIT
#include "source_files_options.hpp"

#include "frame_planes.hpp"
#include "option_specs.hpp"

#include <starflow/core/frame_view.hpp>

#include <utility>

namespace starflow {
namespace {

constexpr const char* kNoMosaic = "none";

}  // namespace

FilesOptions::FilesOptions(const Options& o)
    : paths(o.texts("paths")), hdu(o.text("hdu")), channel(o.text("channel")), all_planes(o.is_text("plane")) {
  if (o.has("plane") && !all_planes) plane = static_cast<int>(o.integer("plane"));
  const auto number = [&](const char* name) { return o.has(name) ? std::optional(o.number(name)) : std::nullopt; };
  gain = number("gain");
  read_noise = number("read_noise");
  saturation = number("saturation");
  if (o.has("mosaic")) mosaic = o.text("mosaic") == kNoMosaic ? std::string() : o.text("mosaic");
}

std::vector<OptionSpec> files_option_table() {
  using enum Accepts;
  OptionSpec paths = option("paths", text | text_list, "Files, folders and globs (*, ?, [..], ** for any folders).");
  paths.required = true;
  paths.result_neutral = true;
  OptionSpec hdu = option(
      "hdu", text, "FITS extension by number (0 = primary) or name (SCI or SCI,2); empty = the first image with data.");
  hdu.fallback = std::string();
  OptionSpec plane =
      option("plane", integer | text,
             "Plane of a FITS cube, counted from 0, or all for one frame a plane; without it a cube is refused.");
  plane.minimum = 0;
  plane.maximum = 1e9;
  plane.choices = {"all"};
  OptionSpec channel = option(
      "channel", text, "Which channel of a colour image is measured; luminance is 0.2126 R + 0.7152 G + 0.0722 B.");
  channel.choices = {"green", "red", "blue", "luminance"};
  channel.fallback = channel.choices.front();
  OptionSpec read_noise = option("read_noise", number, "Read noise; overrides the header.", "e-");
  read_noise.minimum = 0;
  OptionSpec mosaic = option("mosaic", text,
                             "Colours of the first 2x2 pixels, as the file stores them, or none; overrides BAYERPAT, "
                             "XBAYROFF, YBAYROFF and ROWORDER of the header.");
  mosaic.choices.assign(kMosaicNames.begin() + 1, kMosaicNames.end());
  mosaic.choices.emplace_back(kNoMosaic);
  std::vector<OptionSpec> specs = {
      paths,
      hdu,
      plane,
      channel,
      above_zero(option("gain", number, "Gain; overrides EGAIN and GAIN of the header.", "e-/ADU")),
      read_noise,
      above_zero(option("saturation", number, "Level from which a pixel is saturated; overrides the header.", "ADU")),
      mosaic};
  for (OptionSpec& spec : frame_plane_options()) specs.push_back(std::move(spec));
  return specs;
}

}  // namespace starflow
