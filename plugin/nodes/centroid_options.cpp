// SPDX-License-Identifier: MIT
#include "centroid_options.hpp"

#include "background_options.hpp"
#include "option_specs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

// Each in the order of its enum.
constexpr std::array<std::string_view, 3> kOutlineNames = {"circular", "axis_aligned", "rotated"};
constexpr std::array<std::string_view, 2> kSamplingNames = {"integrated", "center"};
constexpr std::array<std::string_view, 2> kEstimatorNames = {"mle", "least_squares"};
constexpr std::array<std::string_view, 3> kLevelNames = {"global", "annulus", "fit"};
constexpr std::array<std::string_view, 3> kNoiseNames = {"map", "annulus", "model"};
constexpr std::array<std::string_view, 2> kMosaicPixelNames = {"all", "green"};
constexpr std::array<std::string_view, 3> kWindowNames = {"fwhm", "half_light", "given"};
constexpr std::array<std::string_view, 3> kNeighbourNames = {"ignore", "mask", "group"};
constexpr std::string_view kFree = "free";

/// Names that the seed of this project used for the same methods.
struct Alias {
  std::string_view name;
  Method method;
};
constexpr std::array<Alias, 3> kAliases = {
    {{"weighted_moments", Method::windowed}, {"gaussian_fit", Method::gaussian}, {"moffat_fit", Method::moffat}}};

template <class Enum, class Names>
Enum one_of(const Names& names, std::string_view name) {
  return static_cast<Enum>(std::ranges::find(names, name) - std::begin(names));
}

Method method_of(std::string_view name) {
  const auto* alias = std::ranges::find(kAliases, name, &Alias::name);
  if (alias != kAliases.end()) return alias->method;
  return name.find('.') != std::string_view::npos ? Method::plugin : one_of<Method>(kMethodNames, name);
}

std::string_view name_of(Method method) { return kMethodNames[static_cast<std::size_t>(method)]; }

bool fits(Method m) { return m == Method::gaussian || m == Method::moffat; }

/// Which methods have an option.
enum class Of : std::uint8_t { windowed, fits, moffat };

struct Ownership {
  std::string_view option;
  Of methods;
};
constexpr std::array<Ownership, 12> kOwnerships = {{{"shape", Of::fits},
                                                    {"mosaic", Of::fits},
                                                    {"sampling", Of::fits},
                                                    {"estimator", Of::fits},
                                                    {"beta", Of::moffat},
                                                    {"fixed.shape", Of::fits},
                                                    {"fixed.fwhm", Of::fits},
                                                    {"fixed.ellipticity", Of::fits},
                                                    {"fixed.theta", Of::fits},
                                                    {"fixed.beta", Of::moffat},
                                                    {"window.from", Of::windowed},
                                                    {"window.sigma_px", Of::windowed}}};

bool has_option(Method method, Of methods) {
  switch (methods) {
    case Of::windowed: return method == Method::windowed;
    case Of::moffat: return method == Method::moffat;
    case Of::fits: break;
  }
  return fits(method);
}

/// The names of the methods that have an option.
std::vector<std::string> names_of(Of methods) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::size(kMethodNames); ++i) {
    if (has_option(static_cast<Method>(i), methods)) names.emplace_back(kMethodNames[i]);
  }
  for (const Alias& a : kAliases) {
    if (has_option(a.method, methods)) names.emplace_back(a.name);
  }
  return names;
}

/// Refuses each of \p options that is given.
void refuse(const Options& o, std::initializer_list<const char*> options, const std::string& why) {
  for (const char* option : options) {
    if (o.has(option)) throw OptionError(option, why);
  }
}

/// \throws OptionError where the minor axis of what is held is narrower than any that is fitted.
void refuse_narrow_axis(const HeldShape& held) {
  const double minor = held.fwhm_px * std::sqrt(1 - held.ellipticity);  // NaN where either is free
  if (!(minor < kMinAxisFwhmPx)) return;
  const double most = 1 - kMinAxisFwhmPx * kMinAxisFwhmPx / (held.fwhm_px * held.fwhm_px);
  throw OptionError("fixed.ellipticity",
                    fmt::format("with fixed.fwhm {} px the minor axis would be {:.3g} px wide, and {} px is the least; "
                                "allowed is an ellipticity up to {:.3g}, or a fixed.fwhm from {:.3g} px",
                                held.fwhm_px, minor, kMinAxisFwhmPx, std::floor(1000 * most) / 1000,
                                std::ceil(1000 * kMinAxisFwhmPx / std::sqrt(1 - held.ellipticity)) / 1000));
}

void read_profile(const Options& o, MeasureOptions& m) {
  m.outline = m.method == Method::moffat ? Outline::circular : Outline::axis_aligned;
  if (o.has("shape")) m.outline = one_of<Outline>(kOutlineNames, o.text("shape"));
  if (o.has("sampling")) m.sampling = one_of<Sampling>(kSamplingNames, o.text("sampling"));
  if (o.has("estimator")) m.estimator = one_of<Estimator>(kEstimatorNames, o.text("estimator"));
  if (o.has("beta")) {
    refuse(o, {"fixed.beta"}, "says again what \"beta\" says; give one of the two");
    m.free_beta = o.is_text("beta");
    if (!m.free_beta) m.beta = o.number("beta");
  }
  if (o.has("fixed.beta")) m.beta = o.number("fixed.beta");
  if (m.outline == Outline::circular) {
    refuse(o, {"fixed.ellipticity"},
           "a circular star has none; allowed with \"shape\": \"axis_aligned\" or \"rotated\"");
  }
  if (m.outline != Outline::rotated) {
    refuse(o, {"fixed.theta"}, "the angle belongs to a turned ellipse; allowed with \"shape\": \"rotated\"");
  }
  if (o.has("mosaic")) m.mosaic = one_of<MosaicPixels>(kMosaicPixelNames, o.text("mosaic"));
  if (o.has("fixed.shape")) {
    m.held.field = o.text("fixed.shape") == "faint" ? FieldFor::faint : FieldFor::unclear;
    refuse(o, {"fixed.fwhm", "fixed.ellipticity", "fixed.theta"},
           fmt::format("\"shape\": \"{}\" holds the whole shape; allowed without it", o.text("fixed.shape")));
  }
  if (o.has("fixed.fwhm")) m.held.fwhm_px = o.number("fixed.fwhm");
  if (o.has("fixed.ellipticity")) m.held.ellipticity = o.number("fixed.ellipticity");
  refuse_narrow_axis(m.held);
  if (o.has("fixed.theta")) m.held.theta_deg = o.number("fixed.theta");
}

void read_sky(const Options& o, MeasureOptions& m) {
  m.level = fits(m.method) ? LevelFrom::fit : LevelFrom::global;
  if (o.has("background")) m.level = one_of<LevelFrom>(kLevelNames, o.text("background"));
  if (m.level == LevelFrom::fit && !fits(m.method)) {
    throw OptionError("background",
                      fmt::format("method \"{}\" fits nothing; allowed: \"global\" and \"annulus\"", o.text("method")));
  }
  m.noise = one_of<NoiseFrom>(kNoiseNames, o.text("noise"));
  if (m.noise != NoiseFrom::model) {
    refuse(o, {"pedestal"}, "only the noise model knows a pedestal; allowed with \"noise\": \"model\"");
  }
  if (o.has("pedestal")) m.pedestal_adu = o.number("pedestal");
  if (m.level != LevelFrom::annulus && m.noise != NoiseFrom::annulus) {
    refuse(o, {"annulus.inner", "annulus.outer", "annulus.keep_out"},
           "nothing uses the annulus; allowed with \"background\": \"annulus\" or \"noise\": \"annulus\"");
  }
  if (o.has("annulus.inner")) m.annulus.inner = o.number("annulus.inner");
  if (o.has("annulus.outer")) m.annulus.outer = o.number("annulus.outer");
  if (o.has("annulus.keep_out")) m.annulus.keep_out = o.number("annulus.keep_out");
  if (!(m.annulus.inner < m.annulus.outer)) {
    throw OptionError(o.has("annulus.outer") ? "annulus.outer" : "annulus.inner",
                      "the annulus is empty: annulus.inner must be below annulus.outer");
  }
}

void read_window(const Options& o, MeasureOptions& m) {
  if (o.has("window.from")) m.window = one_of<WindowFrom>(kWindowNames, o.text("window.from"));
  if (o.has("window.sigma_px")) m.window_sigma_px = o.number("window.sigma_px");
  if ((m.window == WindowFrom::given) != o.has("window.sigma_px")) {
    throw OptionError("window.sigma_px", "goes with \"from\": \"given\", each needs the other");
  }
}

void read_neighbours(const Options& o, MeasureOptions& m) {
  const bool fits = m.method == Method::gaussian || m.method == Method::moffat;
  m.neighbours = fits ? Neighbours::group : Neighbours::ignore;
  if (o.has("neighbour")) m.neighbours = one_of<Neighbours>(kNeighbourNames, o.text("neighbour"));
  if (m.neighbours != Neighbours::group) {
    refuse(o, {"group_separation", "group_size"}, "nothing is fitted together; allowed with \"neighbour\": \"group\"");
  }
  if (o.has("group_separation")) m.group_separation = o.number("group_separation");
  if (o.has("group_size")) m.group_size = static_cast<int>(o.integer("group_size"));
}

std::vector<std::string> method_choices() {
  std::vector<std::string> names(std::begin(kMethodNames), std::end(kMethodNames));
  for (const Alias& a : kAliases) names.emplace_back(a.name);
  return names;
}

/// Of the methods that fit a profile.
std::vector<OptionSpec> profile_table() {
  constexpr double kMinBeta = 1.1, kMaxBeta = 12;
  OptionSpec beta = number(
      "beta",
      "Exponent of a Moffat, or \"free\": fitted; 2.5 unless given. Free, positions are as good as their errors say "
      "at any S/N, flux and sky from S/N 100 on. At 30 the flux is 2 to 4 % high and scatters by 0.97 to 1.06 of "
      "its error; at 10 half of the stars have beta at 1.5 or 12 (at_bound), the flux is 10 to 15 % high, and it "
      "and the sky scatter by 0.7 to 0.8 of their errors: faint wings tell no exponent, whatever it is fitted as.",
      "", kMinBeta, kMaxBeta);
  beta.form = Accepts::number | Accepts::text;
  beta.choices = {std::string(kFree)};
  OptionSpec theta =
      number("fixed.theta", "Angle of the major axis held at this value; only a rotated fit has it.", "deg", -90, 90);
  theta.above_minimum = true;
  return {
      choice(
          "shape",
          "Outline of the fitted profile; axis_aligned for gaussian and circular for moffat unless given. A star that "
          "missing pixels would shift is an ellipse at any angle where no shape is held.",
          kOutlineNames),
      choice("sampling",
             "What the model's pixel is: the light that falls on it (integrated, unless given), or the profile at its "
             "centre.",
             kSamplingNames),
      choice("estimator", "Maximum likelihood (mle, unless given), or unweighted least squares.", kEstimatorNames),
      beta,
      choice("mosaic",
             "Pixels of a colour mosaic that are fitted: all, with an amplitude of the star in each of the 2x2 places "
             "(unless given), or the green ones.",
             kMosaicPixelNames),
      choice(
          "fixed.shape",
          "field: faint, saturated, blended and trailed stars have the shape that the frame's good stars (S/N 30 and "
          "more, without a flag, alone) have at their place. faint: only those of S/N below 15 that stand alone and "
          "are "
          "no longer than the frame's stars; where fewer than 9 stars are good, S/N 15 is enough.",
          {"field", "faint"}),
      number("fixed.fwhm", "Width of the fitted profile held at this value.", "px", kMinAxisFwhmPx, kMaxFwhmPx),
      number("fixed.ellipticity",
             "1 - b/a of the fitted profile held at this value; axis_aligned: along x or y, as each star fits better.",
             "", 0, 0.9),
      theta,
      number("fixed.beta", "The same as a number for beta.", "", kMinBeta, kMaxBeta)};
}

/// Of the sky about a star.
std::vector<OptionSpec> sky_table() {
  constexpr double kMaxAnnulus = 20;
  const Annulus d;
  const auto unless = [](double value) { return fmt::format("; {} unless given.", value); };
  return {
      choice("background",
             "Level under a star: the frame's background, a ring about it, or fitted; fit for gaussian and moffat and "
             "global for the rest unless given.",
             kLevelNames),
      number("annulus.inner", "Inner radius of the ring" + unless(d.inner), "FWHM", 0.5, kMaxAnnulus),
      number("annulus.outer", "Outer radius of the ring" + unless(d.outer), "FWHM", 0.5, kMaxAnnulus),
      number("annulus.keep_out", "Pixels of the ring this near to another detection are left out" + unless(d.keep_out),
             "FWHM", 0, kMaxAnnulus),
      with_default(
          choice("noise",
                 "Noise of the sky: the frame's map, the scatter in the ring, or (level - pedestal) / gain + (read "
                 "noise / gain)^2, which needs the gain of the frame. A variance image goes before all of them.",
                 kNoiseNames),
          std::string(kNoiseNames[0])),
      number("pedestal", "Level of a pixel without light, for the noise model; 0 unless given.", "ADU", -1e9, 1e9)};
}

/// Of stars that are near to each other.
std::vector<OptionSpec> neighbour_table() {
  const MeasureOptions d;
  OptionSpec size = number(
      "group_size",
      fmt::format("Most stars of a group, which is cut at its longest distances; {} unless given.", d.group_size), "",
      2, 12);
  size.form = Accepts::integer;
  return {choice("neighbour",
                 "Light of the other stars of the list: it counts as the star's (ignore); pixels in which a neighbour "
                 "is the brighter one are left out (mask); stars that overlap are fitted together, and the others' "
                 "models are taken out (group; mask for the methods that fit no profile). Unless given, group for "
                 "gaussian and moffat, else ignore.",
                 kNeighbourNames),
          number("group_separation",
                 fmt::format("Stars nearer than this to each other are fitted together; {} unless given.",
                             d.group_separation),
                 "FWHM", 0.5, 3),
          std::move(size)};
}

}  // namespace

std::vector<OptionSpec> centroid_option_table() {
  const MeasureOptions d;
  std::vector<OptionSpec> specs = {
      with_default(choice("method", "Estimator of the position.", method_choices()), std::string(name_of(d.method)))};
  for (OptionSpec& s : profile_table()) specs.push_back(std::move(s));
  for (OptionSpec& s : sky_table()) specs.push_back(std::move(s));
  specs.push_back(choice("window.from",
                         "Width of the window of windowed: the frame's FWHM (fwhm, unless given), each star's "
                         "half-light radius (as SExtractor), or given.",
                         kWindowNames));
  specs.push_back(number("window.sigma_px", "Standard deviation of a given window.", "px", 0.2, 50));
  for (OptionSpec& s : neighbour_table()) specs.push_back(std::move(s));
  specs.push_back(fwhm_option("as the detections say"));
  specs.push_back(
      with_default(number("stamp_radius", "Half side of the fitted square.", "FWHM", 0.5, 10), d.stamp_radius));
  specs.push_back(
      with_default(number("move_limit", "A position farther than this from its detection is refused.", "FWHM", 0.1, 10),
                   d.move_limit));
  OptionSpec iterations = number(
      "max_iterations", "Iterations, of all stages together, after which a star counts as not converged.", "", 1, 1000);
  iterations.form = Accepts::integer;
  specs.push_back(with_default(std::move(iterations), std::int64_t{d.max_iterations}));
  for (const auto& [option, methods] : kOwnerships) {
    OptionSpec& spec = *std::ranges::find(specs, option, &OptionSpec::name);
    spec.with_option = "method";
    spec.with_choices = names_of(methods);
  }
  return specs;
}

MeasureOptions read_centroid(const Options& o) {
  MeasureOptions m;
  m.method = method_of(o.text("method"));
  read_profile(o, m);
  read_sky(o, m);
  read_window(o, m);
  read_neighbours(o, m);
  m.fwhm_px = read_fwhm(o);
  m.stamp_radius = o.number("stamp_radius");
  m.move_limit = o.number("move_limit");
  m.max_iterations = static_cast<int>(o.integer("max_iterations"));
  return m;
}

}  // namespace starflow
