// SPDX-License-Identifier: MIT
#include "filter_options.hpp"

#include "option_specs.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

constexpr double kFarPx = 1e9;

/// \throws OptionError for the first of \p names that was given.
void refuse(const Options& o, std::initializer_list<std::string_view> names, const std::string& why) {
  for (const std::string_view name : names) {
    if (o.has(name)) throw OptionError(std::string(name), why);
  }
}

double number_or(const Options& o, std::string_view name, double otherwise) {
  return o.has(name) ? o.number(name) : otherwise;
}

/// The range from the options \p least and \p most. \throws OptionError where it is empty.
Bounds read_bounds(const Options& o, const std::string& least, const std::string& most) {
  const Bounds all, b{number_or(o, least, all.least), number_or(o, most, all.most)};
  if (b.least > b.most) throw OptionError(most, fmt::format("{} is below {} = {}", b.most, least, b.least));
  return b;
}

/// \throws OptionError where the list has not \p n numbers.
const std::vector<double>& read_list(const Options& o, const std::string& name, std::size_t n, const char* wanted) {
  const std::vector<double>& list = o.numbers(name);
  if (list.size() == n) return list;
  throw OptionError(name, fmt::format("wants {} numbers, {}; got {}", n, wanted, list.size()));
}

void read_region(const Options& o, FilterRules& rules) {
  const bool box = o.has("region.box_px"), circle = o.has("region.circle_px");
  if (!box && !circle) {
    return refuse(o, {"region.keep"}, "there is no region; give \"box_px\" or \"circle_px\" with it");
  }
  if (box && circle) throw OptionError("region.circle_px", "the region is a box already; give one of the two");
  if (o.has("region.keep") && o.text("region.keep") == "outside") rules.region_side = Side::outside;
  if (box) {
    const auto& b = read_list(o, "region.box_px", 4, "[left, top, right, bottom]");
    if (!(b[0] <= b[2] && b[1] <= b[3])) {
      throw OptionError("region.box_px",
                        "the box is empty: wants [left, top, right, bottom] with left <= right and "
                        "top <= bottom");
    }
    rules.box = Box{b[0], b[1], b[2], b[3]};
    return;
  }
  const auto& c = read_list(o, "region.circle_px", 3, "[x, y, radius]");
  if (!(c[2] > 0)) throw OptionError("region.circle_px", fmt::format("the radius is {}; wants one above 0 px", c[2]));
  rules.circle = Circle{c[0], c[1], c[2]};
}

void read_position(const Options& o, FilterRules& rules) {
  if (!o.has("position.x_px") && !o.has("position.y_px")) {
    return refuse(o, {"position.min_px", "position.max_px"}, "the distance from what? Give \"x_px\" and \"y_px\" too");
  }
  if (!o.has("position.x_px")) throw OptionError("position.y_px", "goes with \"x_px\", each needs the other");
  if (!o.has("position.y_px")) throw OptionError("position.x_px", "goes with \"y_px\", each needs the other");
  const Bounds distance = read_bounds(o, "position.min_px", "position.max_px");
  if (!distance.set()) throw OptionError("position.x_px", "how far from there? Give \"min_px\" or \"max_px\" too");
  rules.position = Surroundings{o.number("position.x_px"), o.number("position.y_px"), distance};
}

Flags read_flags(const Options& o) {
  Flags flags = 0;
  for (const std::string& name : o.texts("flags")) {
    for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) {
      if (kFlagNames[bit] == name) flags |= Flags{1} << bit;
    }
  }
  return flags;
}

OptionSpec positive(std::string name, std::string doc, std::string unit, double maximum) {
  return above_zero(number(std::move(name), std::move(doc), std::move(unit), 0, maximum));
}

OptionSpec flags() {
  OptionSpec spec;
  spec.name = "flags";
  spec.form = Accepts::text_list;
  spec.doc = "Rows with any of these flags go; the flag is the reason.";
  spec.choices = {kFlagNames.begin(), kFlagNames.end()};
  return spec;
}

std::vector<OptionSpec> place_table() {
  OptionSpec keep;
  keep.name = "region.keep";
  keep.form = Accepts::text;
  keep.doc = "Which side of the region stays; inside unless given.";
  keep.choices = {"inside", "outside"};
  const auto list = [](std::string name, std::string doc) {
    OptionSpec spec = number(std::move(name), std::move(doc), "px", -kFarPx, kFarPx);
    spec.form = Accepts::number_list;
    return spec;
  };
  return {list("region.box_px", "A box: [left, top, right, bottom]. Reason: region."),
          list("region.circle_px", "A circle: [x, y, radius]. Reason: region."),
          keep,
          positive("edge_px", "Rows closer than this to the border of the frame go. Reason: frame_edge.", "px", kFarPx),
          number("position.x_px", "With y_px, the place that distances are taken from. Reason: position.", "px",
                 -kFarPx, kFarPx),
          number("position.y_px", "With x_px, the place that distances are taken from.", "px", -kFarPx, kFarPx),
          number("position.min_px", "Rows closer than this to the place go.", "px", 0, kFarPx),
          number("position.max_px", "Rows farther than this from the place go.", "px", 0, kFarPx)};
}

std::vector<OptionSpec> shape_table() {
  std::vector<OptionSpec> specs;
  for (const auto& [name, why] :
       {std::pair{"sharpness", "sharpness"}, {"roundness1", "roundness"}, {"roundness2", "roundness"}}) {
    const std::string also = fmt::format(", or without it, go. Reason: {}.", why);
    specs.push_back(number(fmt::format("{}.min", name), fmt::format("Rows of less {}{}", name, also), "", -1e9, 1e9));
    specs.push_back(number(fmt::format("{}.max", name), fmt::format("Rows of more {}{}", name, also), "", -1e9, 1e9));
  }
  return specs;
}

}  // namespace

std::vector<OptionSpec> filter_option_table() {
  std::vector<OptionSpec> specs = {
      positive("duplicate_radius",
               "Of two rows this close or closer the one of lower S/N goes, with the flag duplicate. Reason: "
               "duplicate.",
               "FWHM", 10),
      flags()};
  for (OptionSpec& s : place_table()) specs.push_back(std::move(s));
  specs.push_back(positive("snr_min", "Rows of less S/N, or without it, go. Reason: snr.", "", 1e9));
  specs.push_back(
      positive("significance.min",
               "Rows whose flux (of quadratic: in the aperture) and FWHM both are less than this many of their "
               "errors go, and those without flux whose fit did not converge; saturated ones and those fitted in "
               "a group stay. Reason: insignificant.",
               "sigma", 1000));
  specs.push_back(positive("significance.guessed_fwhm",
                           "The same in frames that tell no FWHM, where none is given either; min unless given.",
                           "sigma", 1000));
  for (OptionSpec& s : shape_table()) specs.push_back(std::move(s));
  specs.push_back(positive("neighbour_radius",
                           "Rows with another one this close or closer go, both of them; hot pixels, cosmic rays and "
                           "duplicates are no neighbours. Reason: neighbour.",
                           "FWHM", 1000));
  specs.push_back(positive("fwhm_outlier.sigma",
                           "Rows whose FWHM is farther than this from the median of the good, unsaturated ones go, "
                           "sigma being 1.48 times the median distance; none where fewer than 8 are good. Reason: "
                           "fwhm_outlier.",
                           "sigma", 1000));
  specs.push_back(number("fwhm_outlier.floor",
                         fmt::format("Sigma counts as no less than this; {} unless given.", FilterRules::kSigmaFloor),
                         "median FWHM", 0, 1));
  OptionSpec brightest =
      number("brightest", "Of the rows that are left, this many of the greatest flux stay. Reason: beyond_brightest.",
             "", 1, 1e9);
  brightest.form = Accepts::integer;
  specs.push_back(std::move(brightest));
  OptionSpec list;
  list.name = "list_rejected";
  list.form = Accepts::boolean;
  list.fallback = false;
  list.doc = "The rows that go are written too, as records of type rejected with their reason.";
  specs.push_back(std::move(list));
  return specs;
}

FilterRules read_filter(const Options& o) {
  FilterRules rules;
  rules.duplicate_radius = number_or(o, "duplicate_radius", 0);
  if (o.has("flags")) rules.flags = read_flags(o);
  read_region(o, rules);
  rules.edge_px = number_or(o, "edge_px", 0);
  read_position(o, rules);
  rules.snr_min = number_or(o, "snr_min", 0);
  rules.significance_min = number_or(o, "significance.min", 0);
  rules.significance_guessed = number_or(o, "significance.guessed_fwhm", rules.significance_min);
  rules.sharpness = read_bounds(o, "sharpness.min", "sharpness.max");
  rules.roundness1 = read_bounds(o, "roundness1.min", "roundness1.max");
  rules.roundness2 = read_bounds(o, "roundness2.min", "roundness2.max");
  rules.neighbour_radius = number_or(o, "neighbour_radius", 0);
  rules.fwhm_sigma = number_or(o, "fwhm_outlier.sigma", 0);
  if (rules.fwhm_sigma == 0) {
    refuse(o, {"fwhm_outlier.floor"}, "no width is an outlier without \"sigma\"; give it too");
  }
  rules.fwhm_floor = number_or(o, "fwhm_outlier.floor", FilterRules::kSigmaFloor);
  if (o.has("brightest")) rules.brightest = static_cast<std::size_t>(o.integer("brightest"));
  return rules;
}

}  // namespace starflow
