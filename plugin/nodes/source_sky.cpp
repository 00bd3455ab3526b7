// SPDX-License-Identifier: MIT
#include "source_sky.hpp"

#include "register.hpp"

#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace starflow {
namespace {

SkyOptions sky_options(const Options& o) {
  SkyOptions s;
  s.width = static_cast<int>(o.integer("width"));
  s.height = static_cast<int>(o.integer("height"));
  s.stars = static_cast<int>(o.integer("stars"));
  s.fwhm_px = o.number("fwhm");
  s.profile = o.text("model") == "moffat" ? Profile::moffat : Profile::gaussian;
  s.beta = o.number("beta");
  s.ellipticity = o.number("ellipticity");
  s.theta_deg = o.number("theta");
  s.snr_min = o.number("snr_min");
  s.snr_max = o.number("snr_max");
  s.background_adu = o.number("background");
  s.gradient_x_adu = o.number("gradient_x");
  s.gradient_y_adu = o.number("gradient_y");
  s.pedestal_adu = o.number("pedestal");
  s.gain_e_per_adu = o.number("gain");
  s.read_noise_e = o.number("read_noise");
  s.floating = o.text("type") == "f32";
  if (!s.floating) s.saturation_adu = 65535;
  if (o.has("saturation")) s.saturation_adu = o.number("saturation");
  s.hot_pixels = static_cast<int>(o.integer("hot_pixels"));
  s.min_separation = o.number("min_separation");
  s.seed = static_cast<std::uint64_t>(o.integer("seed"));
  return s;
}

OptionSpec number(std::string name, double fallback, double low, double high, std::string unit, std::string doc) {
  OptionSpec s;
  s.name = std::move(name);
  s.form = Accepts::number;
  s.fallback = fallback;
  s.minimum = low;
  s.maximum = high;
  s.unit = std::move(unit);
  s.doc = std::move(doc);
  return s;
}

OptionSpec integer(
    std::string name, std::int64_t fallback, double low, double high, std::string unit, std::string doc) {
  OptionSpec s = number(std::move(name), 0, low, high, std::move(unit), std::move(doc));
  s.form = Accepts::integer;
  s.fallback = fallback;
  return s;
}

OptionSpec choice(std::string name, std::vector<std::string> choices, std::string doc) {
  OptionSpec s;
  s.name = std::move(name);
  s.form = Accepts::text;
  s.fallback = choices.front();
  s.choices = std::move(choices);
  s.doc = std::move(doc);
  return s;
}

std::vector<OptionSpec> options() {
  OptionSpec saturation =
      number("saturation", 0, 0, 1e30, "ADU", "Pixels stop here; 65535 unless set for u16, none for f32.");
  saturation.fallback = {};
  saturation.above_minimum = true;
  return {
      integer("width", 1024, 16, 32768, "px", "Width of a frame."),
      integer("height", 1024, 16, 32768, "px", "Height of a frame."),
      integer("frames", 4, 1, 1e9, "", "Number of frames, each with its own stars."),
      integer("stars", 300, 0, 1e6, "", "Stars of a frame, uniform over it."),
      number("fwhm", 3, 1, 50, "px", "Full width at half maximum, sqrt(major minor)."),
      choice("model", {"gaussian", "moffat"}, "Profile of the stars, integrated over each pixel."),
      number("beta", 3, 1.1, 20, "", "Exponent of a Moffat."),
      number("ellipticity", 0, 0, 0.9, "", "1 - b/a of the stars."),
      number("theta", 0, -90, 90, "deg", "Major axis of the stars, from +x towards +y."),
      number("snr_min", 10, 0.1, 1e6, "", "Faintest star: flux over its Cramer-Rao bound. Log-uniform up to snr_max."),
      number("snr_max", 1000, 0.1, 1e6, "", "Brightest star."),
      number("background", 200, 0, 1e9, "ADU", "Sky at the middle of the frame, with its shot noise."),
      number("gradient_x", 0, -1e9, 1e9, "ADU", "Rise of the sky from the left edge to the right."),
      number("gradient_y", 0, -1e9, 1e9, "ADU", "Rise of the sky from the top to the bottom."),
      number("pedestal", 0, 0, 1e9, "ADU", "Electronic offset, without shot noise."),
      number("gain", 1.5, 1e-6, 1e6, "e-/ADU", "Electrons of one ADU."),
      number("read_noise", 5, 0, 1e6, "e-", "Noise of reading a pixel, 1 sigma."),
      saturation,
      choice("type", {"u16", "f32"}, "Pixels: u16 rounded and held to 0..saturation, or f32."),
      integer("hot_pixels", 0, 0, 1e6, "",
              "Hot pixels, the same in every frame: 10 to 1000 sigma of the sky, log-uniform."),
      number("min_separation", 0, 0, 100, "FWHM", "No two stars are closer than this; 0 = anywhere."),
      integer("seed", 1, 0, 9e15, "", "Another seed, another sky; the same seed, the same bytes.")};
}

}  // namespace

SourceSky::SourceSky(const Options& options)
    : sky_options_(sky_options(options)),
      sky_(sky_options_),
      frames_(static_cast<std::uint64_t>(options.integer("frames"))),
      total_(frames_) {}

bool SourceSky::select(std::uint64_t first, std::uint64_t step) {
  next_ = first;
  step_ = step;
  total_ = first < frames_ ? (frames_ - first - 1) / step + 1 : 0;
  return true;
}

bool SourceSky::next(Context& context) {
  if (next_ >= frames_) return false;
  const std::uint64_t index = next_;
  next_ += step_;
  FrameInfo& info = context.info;
  info.frame_id = index;
  info.source = "sky:" + std::to_string(sky_options_.seed) + "/" + std::to_string(index);
  info.width = sky_options_.width;
  info.height = sky_options_.height;
  info.gain = {sky_options_.gain_e_per_adu, Origin::config};
  info.read_noise = {sky_options_.read_noise_e, Origin::config};
  if (sky_options_.saturation_adu < std::numeric_limits<double>::infinity()) {
    info.saturation = {sky_options_.saturation_adu, Origin::config};
  }
  SkyModel::Picture picture = sky_.draw(index);
  Frame frame = Frame::adopt(std::move(picture.image), info);
  picture.truth.frame = frame.share_info();
  context.out(0, std::move(frame));
  context.out(1, std::move(picture.truth));
  return true;
}

NodeType source_sky_type() {
  return {.name = "source.sky",
          .doc =
              "Simulated frames of stars with known positions: pixel-integrated profiles, sky, Poisson and read noise, "
              "saturation, "
              "hot pixels. `truth` holds the positions and their Cramer-Rao bounds with x, y, flux, widths and "
              "background free.",
          .inputs = {},
          .outputs = {{"frame", message_type<Frame>, "the picture"}, {"truth", message_type<Truth>, "its stars"}},
          .options = options(),
          .make = factory_of<SourceSky>()};
}

}  // namespace starflow
