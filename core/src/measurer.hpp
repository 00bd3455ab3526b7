// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Measures stars batch by batch: pixels, light, position, row.

#include "clean_frame.hpp"
#include "colour_balance.hpp"
#include "group_fit.hpp"
#include "light_lanes.hpp"
#include "measure_plan.hpp"
#include "neighbours.hpp"
#include "star_row.hpp"

#include <starflow/core/background.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace starflow {

struct Blends;
struct GroupStar;

/// What the stars of one call have in common.
struct MeasureJob {
  const CleanFrame& pixels;
  const FrameView& frame;  ///< all of `pixels`
  const Background& background;
  const Detector& detector;
  const Detections& detections;
  const MeasurePlan& plan;
  const NeighbourIndex& neighbours;
  Blends* blends;                         ///< null: neighbours count as nothing
  const FieldShape* field = nullptr;      ///< whose shapes the stars are given
  std::span<const std::uint8_t> again{};  ///< with `field`: the stars to measure, by detection
};

/// Holds the pixels at work; one for each thread. Never allocates.
class Measurer {
 public:
  explicit Measurer(const MeasureJob& job);

  /// Measures the detections [begin, end) into the rows of the same numbers.
  void run(std::size_t begin, std::size_t end, std::span<StarRow> rows);

  /// Measures those of Blends::crowded with the numbers [begin, end) again, without the light of their neighbours.
  void run_again(std::size_t begin, std::size_t end, std::span<StarRow> rows);

  /// Fits the groups [begin, end) of Blends into Blends::fitted. \param again  those that others touch only
  void run_groups(std::size_t begin, std::size_t end, bool again);

 private:
  /// px FWHM; of a narrower star a hole in the core leaves a window too little.
  static constexpr double kTellsCore = 2.5;
  /// Systematic error of a centroid beside missing pixels: of the position, block px^2 an axis, and of the flux in
  /// parts of it.
  struct Missing {
    double square = 0, part = 0;
  };
  /// By how much missing pixels may mislead a fit of a star whose axes it holds: block px, and part of the flux.
  struct Lean {
    double x = 0, y = 0, flux = 0;
    /// Whether errors of these variances, that of the flux in parts of it, leave out too much.
    [[nodiscard]] bool above(double xx, double yy, double of_flux) const;
  };
  using Fits = std::array<Fit, StarBlock::kMaxLanes>;
  using Terminations = std::array<Termination, StarBlock::kMaxLanes>;

  /// Of the pixels that the block holds about each star, px.
  [[nodiscard]] int block_reach() const noexcept { return (block_.radius + 1) * block_.pitch; }
  void run_list(std::size_t begin, std::size_t end, std::span<const std::uint32_t> list, std::span<StarRow> rows);
  [[nodiscard]] bool waits(std::size_t star) const;
  void measure_batch();
  void take_out_neighbours();
  void mask_neighbours();
  void keep_models();
  void fit_blend(std::size_t lane, std::size_t group);
  [[nodiscard]] GroupProblem problem_of(std::size_t lane, std::size_t group) const;
  [[nodiscard]] const GroupStar* group_star(std::size_t lane) const;
  void left_out(const GroupStar& from, StarRow& row) const;
  void accept_group(const GroupStar& from, std::size_t lane, StarRow& row);
  void hold_shape(std::size_t lane, const StarRow& row);
  void read_phases(const StarRow& row, const LocalSky& sky, std::array<MosaicPhase, 4>& phases) const;
  void make_grey();
  [[nodiscard]] GreyStar grey_star(std::size_t lane, const Fit& fit) const;
  bool start_row(std::size_t star, StarRow& row);
  [[nodiscard]] double top_of(const StarRow& row, const LocalSky& sky) const;
  void read_sky(std::size_t star, StarRow& row, LocalSky& sky);
  void describe_light();
  void centroids();
  void fits();
  void apertures();
  void drop_untrue(std::size_t lane) const;
  void accept_centroid(const CentroidLanes& lanes, std::size_t lane, StarRow& row) const;
  [[nodiscard]] bool misfit(double chi2, int dof, double residual, double most_residual, double skew) const;
  [[nodiscard]] bool wrong_width(const Fit& fit, std::size_t lane, int dof) const;
  void set_chi2(const CentroidLanes& lanes, std::size_t lane, StarRow& row) const;
  void test_width();
  void fit_cut_stars(const Terminations& ends);
  [[nodiscard]] bool cut_star(std::size_t lane) const;
  [[nodiscard]] Lean lean(std::size_t lane, double x, double y, double sigma) const;
  [[nodiscard]] bool window_leans(std::size_t lane) const;
  int free_axes(std::size_t lane, Fit& fit, std::optional<Fits>& turned);
  bool put_off(std::size_t lane);
  [[nodiscard]] bool tells_axes(const Fit& round, const Fit& turned) const;
  void accept_fit(const Fit& fit, const PixelCensus& pixels, int parameters, std::size_t lane, StarRow& row) const;
  void fall_back(const Terminations& ends);
  [[nodiscard]] Missing missing_light(const CentroidLanes& lanes, std::size_t lane) const;
  void set_windows(CentroidLanes& lanes) const;
  [[nodiscard]] double own_window(std::size_t lane) const;
  [[nodiscard]] Flags undefined_shape(std::size_t lane) const;
  [[nodiscard]] bool saturated_core(std::size_t lane) const;
  [[nodiscard]] double central_peak(std::size_t lane) const;

  const MeasureJob& job_;
  const MeasurePlan& plan_;
  bool star_in_mesh_ = false;  ///< the level is the mesh's, whose tiles are too small for stars this wide
  StarBlock block_;
  RingBuffer ring_;
  LightLanes light_;
  CentroidLanes centroids_;
  ApertureLanes apertures_;
  std::array<StarRow*, StarBlock::kMaxLanes> row_{};
  std::array<std::size_t, StarBlock::kMaxLanes> star_{};
  std::array<LocalSky, StarBlock::kMaxLanes> sky_;
  bool again_ = false;  ///< the neighbours' light is known
  NearStars near_;
  GroupFit group_;
  std::array<Flags, StarBlock::kMaxLanes> group_flags_{};
  std::array<PixelCensus, StarBlock::kMaxLanes> pixels_;     ///< of the stamps
  std::array<Fit, StarBlock::kMaxLanes> own_width_;          ///< of stars whose width is held: with theirs
  std::array<std::uint8_t, StarBlock::kMaxLanes> is_cut_{};  ///< 1: a fit stands in for the window
  std::array<std::uint32_t, 256> late_{};  // stars that are measured once more, in batches of their like
  std::size_t late_size_ = 0;
  bool puts_off_ = false;
  /// What unknown colours add to the variance of the flux, block units.
  std::array<double, StarBlock::kMaxLanes> colour_variance_{};
};

}  // namespace starflow
