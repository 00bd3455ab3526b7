// SPDX-License-Identifier: MIT
/// \file
/// Node `match`: brings the stars of each frame onto a reference and gives them the numbers of their tracks.

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include "option_specs.hpp"
#include "position_file.hpp"
#include "register.hpp"
#include "registration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr double kUnknownFwhm = 3;  // px
constexpr Flags kNoStar = flag::hot_pixel | flag::cosmic_ray | flag::duplicate | flag::nonfinite_input;

RegistrationOptions read_match(const Options& o) {
  RegistrationOptions r;
  r.transform = o.text("transform") == "affine" ? TransformKind::affine : TransformKind::similarity;
  r.brightest = static_cast<std::size_t>(o.integer("brightest"));
  r.least_stars = static_cast<std::size_t>(o.integer("least_stars"));
  if (r.brightest < r.least_stars) throw OptionError("brightest", "is below least_stars: no frame could be matched");
  return r;
}

/// The rows that are stars, the brightest first as they come.
struct Sound {
  std::vector<std::size_t> row;
  std::vector<MeasuredPoint> star;
};

Sound sound_stars(const StarTable& stars) {
  Sound sound;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    if ((stars.flags[k] & kNoStar) != 0 || !std::isfinite(stars.x[k]) || !std::isfinite(stars.y[k])) continue;
    sound.row.push_back(k);
    sound.star.push_back({{stars.x[k], stars.y[k]}, std::hypot(stars.x_err[k], stars.y_err[k]) / std::sqrt(2.0)});
  }
  return sound;
}

class MatchNode final : public Node {
 public:
  explicit MatchNode(const Options& o)
      : options_(read_match(o)),
        radius_fwhm_(o.number("radius")),
        list_(o.has("reference") ? o.text("reference") : std::string()) {}

  void start(StartContext& context) override {
    if (list_.empty()) return;
    context.claim_input(list_);
    try {
      read_list();
    } catch (const TableError& e) {
      throw OptionError("reference", e.what());
    }
  }

  void process(Context& c) override {
    const auto& in = c.in<StarList>(0);
    const Sound sound = sound_stars(in.stars);
    RegistrationOptions options = options_;
    options.radius_px = radius_fwhm_ * (in.fwhm_px > 0 ? in.fwhm_px : kUnknownFwhm);
    StarList out = in;
    out.tracks = {};
    out.tracks.resize(out.stars.size());
    const bool begins = reference_.empty() && sound.star.size() >= options.least_stars;
    if (begins) begin(in, sound, options.radius_px);
    FrameRegistration told;
    told.reference = name_;
    const std::optional<Registration> found = begins ? on_itself(sound)
                                              : catalogue_
                                                  ? register_stars(sound.star, reference_, *catalogue_, options)
                                                  : std::nullopt;
    if (found) {
      told.done = true;
      told.stars = found->stars;
      told.rms_px = found->rms_px;
      told.to_reference = found->to_reference.coefficients();
      follow(*found, sound, out.tracks);
    } else {
      c.log(LogLevel::warning,
            fmt::format("{}: {} stars, too few of which agree with {}: it gets no tracks", in.frame->source,
                        sound.star.size(), name_.empty() ? "a frame before it" : name_));
    }
    out.registration = std::make_shared<const FrameRegistration>(std::move(told));
    c.out(0, std::move(out));
  }

 private:
  void read_list() {
    const std::vector<FramePositions> lists = read_positions(list_, {});
    if (lists.size() != 1)
      throw OptionError("reference",
                        fmt::format("{} holds the stars of {} frames; give the list of one", list_, lists.size()));
    const Positions& p = lists.front().positions;
    if (p.x.size() < options_.least_stars)
      throw OptionError("reference", fmt::format("{} holds {} positions; least_stars is {}", list_, p.x.size(),
                                                 options_.least_stars));
    const auto [left, right] = std::ranges::minmax(p.x);
    const auto [top, bottom] = std::ranges::minmax(p.y);
    catalogue_.emplace(static_cast<int>(right) + 1, static_cast<int>(bottom) + 1, kUnknownFwhm);
    for (std::size_t k = 0; k < p.x.size(); ++k) {
      if (p.id[k] < 0)
        throw OptionError("reference", fmt::format("{} has the id {}; ids of tracks are 0 or more", list_, p.id[k]));
      add({{p.x[k], p.y[k]}, 0}, p.id[k]);
    }
    name_ = list_;
    for (std::size_t k = 0; k < catalogue_->size(); ++k) reference_.push_back((*catalogue_)[k].at);
  }

  void begin(const StarList& in, const Sound& sound, double radius_px) {
    catalogue_.emplace(in.frame->width, in.frame->height, radius_px);
    for (const MeasuredPoint& star : sound.star) {
      reference_.push_back(star.at);
      add(star, next_id_);
    }
    name_ = in.frame->source;
  }

  static Registration on_itself(const Sound& sound) {
    Registration r;
    r.stars = sound.star.size();
    r.partner.resize(r.stars);
    std::iota(r.partner.begin(), r.partner.end(), std::size_t{0});
    return r;
  }

  void add(const MeasuredPoint& star, std::int64_t id) {
    catalogue_->add(star);
    id_.push_back(id);
    next_id_ = std::max(next_id_, id + 1);
  }

  /// Stars without a partner begin a track of their own.
  void follow(const Registration& found, const Sound& sound, StarTracks& tracks) {
    for (std::size_t k = 0; k < sound.row.size(); ++k) {
      const std::size_t row = sound.row[k];
      const StarPoint at = found.to_reference(sound.star[k].at);
      std::size_t partner = found.partner[k];
      if (partner == Registration::kNone) {
        partner = catalogue_->size();
        add({at, sound.star[k].error}, next_id_);
      }
      const StarPoint place = (*catalogue_)[partner].at;
      tracks.track_id[row] = id_[partner];
      tracks.x_ref[row] = at.x;
      tracks.y_ref[row] = at.y;
      tracks.x_residual[row] = at.x - place.x;
      tracks.y_residual[row] = at.y - place.y;
    }
  }

  RegistrationOptions options_;
  double radius_fwhm_;
  std::string list_, name_;  // of the reference
  std::vector<StarPoint> reference_;
  std::optional<StarCatalogue> catalogue_;
  std::vector<std::int64_t> id_;  // of the stars of the catalogue
  std::int64_t next_id_ = 0;
};

}  // namespace

NodeType match_type() {
  return {
      .name = "match",
      .doc =
          "Follows the stars over the frames of one field: finds how each frame lies on a reference by the triangles "
          "that "
          "its brightest stars make (shifted, turned, scaled or mirrored, whatever the way), and gives each star the "
          "track_id that it has in all frames, its place in the reference frame and how far that is from its track's. "
          "A star that the reference does not have begins a track where it is first seen. A frame that does not match "
          "keeps its stars, without tracks; its record says so (registration). JSON Lines hold all this; tables where "
          "option columns of their sink names it.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {{"stars", message_type<StarList>, "the same with their tracks"}},
      .options =
          {option("reference", Accepts::text,
                  "Star list, the brightest first, whose ids become those of the tracks (CSV, JSON Lines or FITS "
                  "table, as detections.file reads them); left out: the first frame with least_stars stars."),
           with_default(
               choice("transform", "How frames differ: affine, or similarity (shift, rotation, scale) for few stars.",
                      {"affine", "similarity"}),
               std::string("affine")),
           with_default(above_zero(number("radius", "A star farther from its place is another one.", "FWHM", 0, 100)),
                        1.0),
           whole("brightest", 60, 3, 500, "Stars of either frame that make triangles."),
           whole("least_stars", 6, 4, 500, "Stars that must agree, and more than chance brings together.")},
      .make = factory_of<MatchNode>(),
      .serial = true};
}

}  // namespace starflow
