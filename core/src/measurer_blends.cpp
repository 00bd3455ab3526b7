// SPDX-License-Identifier: MIT
#include "blends.hpp"
#include "measurer.hpp"
#include "square.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace starflow {
namespace {

/// The limits of positions.
struct Box {
  double x_low, x_high, y_low, y_high;
};

Box box_of(const Detections& d, std::span<const std::uint32_t> stars) {
  Box box{d.x[stars[0]], d.x[stars[0]], d.y[stars[0]], d.y[stars[0]]};
  for (const std::uint32_t s : stars) {
    box = {std::min(box.x_low, d.x[s]), std::max(box.x_high, d.x[s]), std::min(box.y_low, d.y[s]),
           std::max(box.y_high, d.y[s])};
  }
  return box;
}

/// Leaves the pixels of the members' stamps in a lane. \return how many there are
PixelCensus keep_stamps(StarBlock& block, std::size_t lane, const GroupProblem& problem, int radius) {
  PixelCensus out;
  for (int j = -block.radius; j <= block.radius; ++j) {
    for (int i = -block.radius; i <= block.radius; ++i) {
      bool needed = false;
      for (std::size_t s = 0; s < problem.size; ++s) {
        const GroupProblem::Member& m = problem.member[s];
        needed = needed || (std::abs(i - static_cast<int>(std::lround(m.x))) <= radius &&
                            std::abs(j - static_cast<int>(std::lround(m.y))) <= radius);
      }
      const std::size_t k =
          block.index(static_cast<std::size_t>(i + block.radius), static_cast<std::size_t>(j + block.radius), lane);
      float& v = block.variance[k];
      if (!needed) {
        block.value[k] = 0;
        v = StarBlock::kMasked;
      } else if (v > 0 && v < StarBlock::kMissing) {
        ++out.n_pix;
      } else if (v != StarBlock::kOutside) {
        ++out.n_masked;
      }
    }
  }
  block.clean[lane] = false;
  block.plain = 0;
  return out;
}

}  // namespace

void Measurer::run_again(std::size_t begin, std::size_t end, std::span<StarRow> rows) {
  again_ = true;
  run_list(begin, end, job_.blends->crowded, rows);
}

/// Whether a star's group is fitted first.
bool Measurer::waits(std::size_t star) const {
  return plan_.neighbours == Neighbours::group && !again_ && job_.blends->groups.slot(star) != StarGroups::kNone;
}

void Measurer::take_out_neighbours() {
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    job_.blends->near(star_[lane], near_);
    for (const std::uint32_t other : near_.all()) take_out(block_, lane, plan_.group_fit, job_.blends->model[other]);
  }
}

void Measurer::mask_neighbours() {
  const Blends& blends = *job_.blends;
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    if (!blends.groups.crowded(star_[lane])) continue;
    blends.near(star_[lane], near_);
    for (const std::uint32_t other : near_.all())
      mask_neighbour(block_, lane, job_.detections, star_[lane], other, plan_.fwhm_px);
  }
}

void Measurer::keep_models() {
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    if (job_.blends->groups.crowded(star_[lane])) job_.blends->model[star_[lane]] = model_of(*row_[lane], plan_);
  }
}

void Measurer::run_groups(std::size_t begin, std::size_t end, bool again) {
  const Blends& blends = *job_.blends;
  for (std::size_t next = begin; next < end;) {
    begin_block(block_, plan_.group_radius, plan_.pitch);
    for (; next < end && block_.size < block_.lanes; ++next) {
      if (again && !blends.touches_others(next)) continue;
      const Box box = box_of(job_.detections, blends.groups.members(next));
      StarRow row;
      row.x = 0.5 * (box.x_low + box.x_high);
      row.y = 0.5 * (box.y_low + box.y_high);
      row.flags = 0;
      LocalSky& sky = sky_[block_.size];
      read_sky(job_.detections.size(), row, sky);
      group_flags_[block_.size] = row.flags;
      star_[block_.size] = next;
      add_star(block_, job_.pixels.about(row.x, row.y, block_reach()), job_.detector, sky, row.x, row.y);
    }
    if (block_.size == 0) continue;
    end_block(block_);
    for (std::size_t lane = 0; lane < block_.size; ++lane) fit_blend(lane, star_[lane]);
  }
}

/// The members of a group as they are thought to be, in a lane of the block.
GroupProblem Measurer::problem_of(std::size_t lane, std::size_t group) const {
  GroupProblem problem;
  const double pitch = plan_.pitch, unit = block_.unit_adu[lane];
  // A stretch that is held may be the other one that was tried.
  problem.known = plan_.group_fit.stretch != StretchFreedom::either_axis;
  double extent = 0;
  for (const std::uint32_t star : job_.blends->groups.members(group)) {
    const double x = (job_.detections.x[star] - block_.centre_x[lane]) / pitch;
    const double y = (job_.detections.y[star] - block_.centre_y[lane]) / pitch;
    GroupProblem::Member& m = problem.member[problem.size++] = {x, y, plan_.fit.move_limit, x, y, 0};
    const GroupStar& known = job_.blends->fitted[job_.blends->groups.slot(star)];
    problem.known = problem.known && known.fitted;
    if (known.fitted) {  // by the fit before
      const auto& p = known.fit.value;
      m.start_x = (p[kFitX] - block_.centre_x[lane]) / pitch;
      m.start_y = (p[kFitY] - block_.centre_y[lane]) / pitch;
      m.flux = p[kFitFlux] / unit;
      problem.level = p[kFitLevel] * square(pitch) / unit;
      problem.width = p[kFitWidth];
      problem.e1 = p[kFitE1];
      problem.e2 = p[kFitE2];
      problem.beta = p[kFitBeta];
    }
    extent = std::max({extent, std::abs(x), std::abs(y)});
  }
  problem.radius = std::min(static_cast<int>(std::ceil(extent)) + plan_.group_fit.radius, block_.radius);
  for (std::size_t a = 0; a < problem.size; ++a) {  // two that change places, or meet, would be one
    for (std::size_t b = 0; b < problem.size; ++b) {
      GroupProblem::Member &p = problem.member[a], &q = problem.member[b];
      if (a != b) p.limit = std::min(p.limit, 0.5 * std::hypot(p.x - q.x, p.y - q.y));
    }
  }
  return problem;
}

void Measurer::fit_blend(std::size_t lane, std::size_t group) {
  Blends& blends = *job_.blends;
  const auto members = blends.groups.members(group);
  GroupProblem problem = problem_of(lane, group);
  for (std::size_t s = 0; s < members.size(); ++s) {  // each outsider with the first member that it is near to
    blends.near(members[s], near_);
    for (const std::uint32_t other : near_.all()) {
      if (blends.groups.group_of(other) == group) continue;
      const bool taken = std::ranges::any_of(members.first(s), [&](std::uint32_t m) {
        return std::abs(job_.detections.x[m] - job_.detections.x[other]) <= blends.reach_px &&
               std::abs(job_.detections.y[m] - job_.detections.y[other]) <= blends.reach_px;
      });
      if (!taken) take_out(block_, lane, plan_.group_fit, blends.model[other]);
    }
  }
  const PixelCensus pixels = keep_stamps(block_, lane, problem, plan_.group_fit.radius);
  group_.fitted = 0;
  const int most = 3 * static_cast<int>(members.size()) + plan_.group_fit.free_parameters();
  if (pixels.n_pix > most) {
    fit_group(block_, lane, plan_.group_fit, problem, group_);
  } else {
    for (Fit& fit : group_.star) fit.termination = Termination::too_few_pixels;
  }
  const double pitch = plan_.pitch, unit = block_.unit_adu[lane];
  for (std::size_t s = 0; s < members.size(); ++s) {
    GroupStar& out = blends.fitted[blends.groups.first(group) + s];
    out.fit = group_.star[s];
    out.n_pix = pixels.n_pix;
    out.n_masked = pixels.n_masked;
    out.flags = group_flags_[lane];
    out.parameters = group_.parameters;
    out.fitted = out.fit.termination == Termination::converged;
    out.together = out.fitted && group_.fitted > 1;
    auto& p = out.fit.value;
    p[kFitX] = block_.to_frame_x(lane, p[kFitX]);
    p[kFitY] = block_.to_frame_y(lane, p[kFitY]);
    p[kFitFlux] *= unit;
    p[kFitLevel] *= unit / square(pitch);
    auto& v = out.fit.variance;
    v[kFitFlux] *= square(unit);
    v[kFitLevel] *= square(unit / square(pitch));
  }
}

/// What became of the star of a lane in its group; null where it is in none.
const GroupStar* Measurer::group_star(std::size_t lane) const {
  if (!again_) return nullptr;
  const std::uint32_t slot = job_.blends->groups.slot(star_[lane]);
  return slot == StarGroups::kNone ? nullptr : &job_.blends->fitted[slot];
}

/// Says why a star that its group was fitted without was measured on its own.
void Measurer::left_out(const GroupStar& from, StarRow& row) const {
  const Termination reason = from.fit.termination;
  if (reason == Termination::converged) return;
  row.termination = reason;
  row.flags |= flag_of(reason) | flag::fallback_method;
}

/// Takes over what the group's fit gave for the star of a lane.
void Measurer::accept_group(const GroupStar& from, std::size_t lane, StarRow& row) {
  const double pitch = plan_.pitch, unit = block_.unit_adu[lane];
  Fit fit = from.fit;
  auto &p = fit.value, &v = fit.variance;
  p[kFitX] = (p[kFitX] - block_.centre_x[lane]) / pitch;
  p[kFitY] = (p[kFitY] - block_.centre_y[lane]) / pitch;
  p[kFitFlux] /= unit;
  v[kFitFlux] /= square(unit);
  p[kFitLevel] *= square(pitch) / unit;
  v[kFitLevel] *= square(square(pitch) / unit);
  PixelCensus pixels;
  pixels.n_pix = from.n_pix;
  pixels.n_masked = from.n_masked;
  accept_fit(fit, pixels, from.parameters, lane, row);
  row.flags |= from.flags;
  if (from.together) row.flags |= flag::group_fit;
}

}  // namespace starflow
