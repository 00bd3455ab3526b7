// SPDX-License-Identifier: MIT
#include <starflow/core/detect.hpp>

#include <starflow/core/measure.hpp>

#include "artefact.hpp"
#include "basins.hpp"
#include "bright_pixels.hpp"
#include "candidate.hpp"
#include "detect_memory.hpp"
#include "hot_pixels.hpp"
#include "lone_stars.hpp"
#include "pixel_noise.hpp"
#include "shared_basins.hpp"
#include "surroundings.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace starflow {
namespace {

constexpr double kTypicalFwhm = 3;    // the filter's, px, where the frame tells nothing
constexpr double kWellSampled = 2.5;  // FWHM, px: of narrower stars too little is left beside a hot pixel
constexpr double kSharpest = 1;       // FWHM, px: where the frame tells nothing, no star is sharper

class Finder {
 public:
  Finder(const FrameView& frame,
         const Background& background,
         const Detector& detector,
         const DetectOptions& options,
         DetectMemory& memory)
      : frame_(frame),
        background_(background),
        detector_(detector),
        options_(options),
        memory_(memory),
        // One level for the frame, as SExtractor's. From the local noise, windows on a Kepler frame gave positions
        // 0.0026 px (median) from SEP's, with this 0.0015.
        isophote_(options.threshold_sigma *
                  (background.reliable() ? background.median_noise() : background.noise(0, 0))) {}

  Detections run(double fwhm_px, ParallelFor parallel) {
    const StarFilter filter(fwhm_px);
    surroundings_.emplace(frame_, background_, fwhm_px);
    star_sigma_ = fwhm_px * kSigmaPerFwhm;
    return run(filter, row_bands(frame_.height, filter), parallel);
  }

  /// \param bands  rows to search
  Detections run(const StarFilter& filter, std::span<const RowBand> bands, ParallelFor parallel) {
    const auto floor = static_cast<float>(options_.extend * options_.threshold_sigma);
    BrightPixels& bright = memory_.bright;
    bright_pixels(frame_, background_, detector_, filter, floor, options_.touch, bands, parallel, memory_.bands,
                  memory_.bright);
    if (artefact_ && fwhm_known_px_ >= kWellSampled && !options_.keep_artefacts && frame_.mosaic == Mosaic::none)
      hot_ = take_off_hot_pixels(frame_, background_, *artefact_, filter, floor,
                                 static_cast<float>(options_.threshold_sigma), options_.touch, bright);
    Prominence prominence;
    prominence.fraction = static_cast<float>(options_.prominence);
    const Basins& basins = memory_.basins;
    split_basins(bright, frame_.width, prominence, options_.touch, memory_.basins);
    seed(bright, basins);
    for (const BrightRun& run : bright.runs) accumulate(run, bright, basins);
    for (Candidate& c : candidates_) judge(c);
    // Where the pixels' colours differ, the filter gives no two stars the same shape. Variances differ little over a
    // star, or with its light as the shapes that are learned do.
    if (artefact_ && hidden_fwhm_px_ > 0 && frame_.mosaic == Mosaic::none) {
      const FilteredStar shape(filter, hidden_fwhm_px_);
      add_hidden_stars(
          {frame_, background_, detector_, *artefact_, bright, basins, filter, shape, options_.threshold_sigma},
          options_.search_again, isophote_, candidates_, memory_.residual, parallel);
      // The light of others, which a hidden star stands in, is no raised sky; a trail beside a star is a trail.
      for (Candidate& c : candidates_) {
        if (c.hidden && part_of_surroundings(c) == flag::trailed) c.artefact |= flag::trailed;
      }
    }
    return collect();
  }

  /// Flags the hot pixels and cosmic rays among the candidates of the next run. \param fwhm_px  of the stars; 0 =
  /// unknown
  void judge_artefacts(double fwhm_px) {
    artefact_.emplace(frame_, background_, detector_, fwhm_px > 0 ? fwhm_px : kSharpest);
    fwhm_known_px_ = fwhm_px;
  }
  /// Adds the hidden stars to those of the next run. \param fwhm_px  of the stars
  void search_again(double fwhm_px) { hidden_fwhm_px_ = fwhm_px; }

 private:
  /// Basins come in falling height, so those above the threshold are the first ones.
  void seed(const BrightPixels& bright, const Basins& basins) {
    for (const Basin& b : basins.basins) {
      const BrightPeak& peak = bright.peaks[b.peak];
      if (bright.height[peak.pixel] < static_cast<float>(options_.threshold_sigma)) break;
      Candidate c;
      c.x = peak.x;
      c.y = peak.y;
      if (b.beside > 0) c.flags |= flag::blended;
      c.beside = static_cast<double>(b.beside);
      c.amplitude = static_cast<double>(bright.height[peak.pixel]);
      c.sums.from_x = c.x;
      c.sums.from_y = c.y;
      candidates_.push_back(c);
    }
  }

  void accumulate(const BrightRun& run, const BrightPixels& bright, const Basins& basins) {
    visit_stretches(run, basins.basin_of, [&](int i, int n) {
      const std::size_t first = run.first + static_cast<std::size_t>(i);
      const auto b = static_cast<std::size_t>(basins.basin_of[first]);  // huge where there is none
      if (b >= candidates_.size()) return;
      const int x = run.x + i;
      candidates_[b].sums.add(bright, first, n, x, run.y, isophote_);
      if (at_edge(frame_, x, run.y) || at_edge(frame_, x + n - 1, run.y)) candidates_[b].sums.flags |= flag::edge;
    });
  }

  void judge(Candidate& c) const {
    c.artefact = artefact_of(c);
    if (c.artefact != 0 && !options_.keep_artefacts) return;
    const Flags part = part_of_surroundings(c);
    c.faint = part == flag::low_snr;
    if (!c.faint) c.artefact |= part;
  }

  /// A saturated star is flat, and bleeds: its shape tells nothing.
  [[nodiscard]] Flags artefact_of(const Candidate& c) const {
    const PixelSums& p = c.sums;
    if (!artefact_ || p.n_pix == 0 || (p.flags & flag::saturated) != 0) return 0;
    const Flags artefact = artefact_->judge(p.peak_x, p.peak_y);
    const bool star = artefact != 0 && artefact_->hides_star(p.peak_x, p.peak_y, c.x, c.y, options_.threshold_sigma);
    return star ? 0 : artefact;
  }

  /// Bright, beside no peak as the next one on a line is, and of no more pixels than a star is.
  [[nodiscard]] bool stands_alone(const Candidate& c) const {
    constexpr double kBright = 3, kRoom = 1.6, kAlike = 0.3;  // thresholds; of the pixels; of the peak
    if (c.amplitude < kBright * options_.threshold_sigma) return false;
    if (c.beside >= std::max(options_.threshold_sigma, kAlike * c.amplitude)) return false;
    // Filtered by its own shape a star is sqrt(2) times as wide.
    const double area = 4 * std::numbers::pi * star_sigma_ * star_sigma_;
    return c.sums.n_above < kRoom * area * std::log(c.amplitude / (options_.extend * options_.threshold_sigma));
  }

  /// A peak of a trail, or of a sky that the mesh did not follow, does not stand out of what lies around it.
  [[nodiscard]] Flags part_of_surroundings(const Candidate& c) const {
    constexpr double kMostly = 0.5;  // of the peak
    if (!surroundings_ || c.sums.n_pix == 0 || (c.sums.flags & flag::saturated) != 0) return 0;
    if (stands_alone(c)) return 0;
    const int x = static_cast<int>(std::lround(c.x)), y = static_cast<int>(std::lround(c.y));
    const Surroundings::View view = surroundings_->look(x, y);
    const double noise = std::sqrt(sky_variance(frame_, background_, x, y));
    Surroundings::View sky = view;
    sky.line = 0;
    if (c.amplitude - surroundings_->response(sky, noise) < options_.threshold_sigma) return flag::low_snr;
    if (view.line == 0) return 0;
    const double star = c.amplitude - surroundings_->response(view, noise);
    return star < std::max(options_.threshold_sigma, (1 - kMostly) * c.amplitude) ? flag::trailed : 0;
  }

  Detections collect() {
    Detections d;
    for (const HotPixel& h : hot_) {
      d.hot_x.push_back(h.x);
      d.hot_y.push_back(h.y);
      if (h.height > static_cast<float>(options_.threshold_sigma)) ++d.rejected_hot;
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& c = candidates_[i];
      if (c.sums.n_above < options_.min_pixels) {
        ++d.rejected_small;
      } else if (c.artefact != 0 && !options_.keep_artefacts) {
        ++((c.artefact & flag::hot_pixel) != 0    ? d.rejected_hot
           : (c.artefact & flag::cosmic_ray) != 0 ? d.rejected_cosmic
                                                  : d.rejected_trail);
      } else if (c.faint) {
        ++d.rejected_faint;
      } else {
        order.push_back(i);
      }
    }
    std::ranges::sort(order, [this](std::size_t a, std::size_t b) {
      const Candidate &p = candidates_[a], &q = candidates_[b];
      if (p.flux() != q.flux()) return p.flux() > q.flux();
      return p.y != q.y ? p.y < q.y : p.x < q.x;
    });
    d.resize(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) write(candidates_[order[k]], k, d);
    return d;
  }

  static void write(const Candidate& c, std::size_t k, Detections& d) {
    const PixelSums& p = c.sums;
    d.x[k] = c.x;
    d.y[k] = c.y;
    d.peak[k] = p.peak;
    d.flux[k] = c.flux();
    d.n_pix[k] = p.n_pix;
    d.id[k] = static_cast<std::int64_t>(k);
    d.flags[k] = c.flags | c.artefact | p.flags;
    if (!(p.weight > 0) || c.hidden) return;  // what pixels a hidden star has hold the light of the other more than its
    const double mx = p.sx / p.weight, my = p.sy / p.weight;
    d.iso_x[k] = p.from_x + mx;
    d.iso_y[k] = p.from_y + my;
    d.xx[k] = p.sxx / p.weight - mx * mx;
    d.yy[k] = p.syy / p.weight - my * my;
    d.xy[k] = p.sxy / p.weight - mx * my;
  }

  const FrameView& frame_;
  const Background& background_;
  const Detector& detector_;
  const DetectOptions& options_;
  DetectMemory& memory_;
  double isophote_;  // ADU above the background
  std::vector<Candidate> candidates_;
  double hidden_fwhm_px_ = 0, fwhm_known_px_ = 0;
  std::optional<ArtefactTest> artefact_;
  std::vector<HotPixel> hot_;
  std::optional<Surroundings> surroundings_;
  double star_sigma_ = 0;  // px
};

}  // namespace

void Detections::resize(std::size_t n) {
  for (auto* column : {&x, &y, &peak, &flux, &xx, &yy, &xy}) column->resize(n);
  for (auto* column : {&iso_x, &iso_y}) column->resize(n, std::numeric_limits<double>::quiet_NaN());
  n_pix.resize(n);
  id.resize(n);
  flags.resize(n);
}

DetectWorkspace::DetectWorkspace() : memory_(std::make_unique<DetectMemory>()) {}
DetectWorkspace::~DetectWorkspace() = default;
DetectWorkspace::DetectWorkspace(DetectWorkspace&&) noexcept = default;
DetectWorkspace& DetectWorkspace::operator=(DetectWorkspace&&) noexcept = default;

double measure_fwhm(const FrameView& frame,
                    const Background& background,
                    const Detector& detector,
                    ParallelFor parallel,
                    DetectWorkspace& workspace) {
  DetectMemory& memory = *workspace.memory_;
  constexpr int kRounds = 5;
  constexpr double kSettled = 0.25;  // the widths depend little on the start
  constexpr std::size_t kMostStars = 300, kEveryBand = 4, kFew = 30, kCrowded = 6;
  DetectOptions bright;
  bright.threshold_sigma = 10;
  bright.search_again = 0;
  MeasureOptions fit;
  double fwhm = kTypicalFwhm, measured = 0;
  for (int round = 0; round < kRounds; ++round) {
    const StarFilter filter(fwhm);
    const std::vector<RowBand> bands = row_bands(frame.height, filter);
    std::vector<RowBand> some;
    for (std::size_t b = kEveryBand / 2; b < bands.size(); b += kEveryBand) some.push_back(bands[b]);
    Detections found = Finder(frame, background, detector, bright, memory).run(filter, some, parallel);
    if (found.size() < kMostStars)
      found = Finder(frame, background, detector, bright, memory).run(filter, bands, parallel);
    const Detections lone = lone_stars(found, fwhm, kMostStars);
    fit.fwhm_px = fwhm;
    const auto width_of = [&](const Detections& stars) {
      measure(frame, background, detector, stars, fit, parallel, memory.fit, memory.stars);
      return common_fwhm(memory.stars);
    };
    // The median bears it where few overlap.
    const bool crowded = lone.size() >= kFew && found.size() >= kCrowded * lone.size();
    const bool many_touch = lone.size() >= kFew && found.size() >= 2 * lone.size();
    found.resize(std::min(found.size(), kMostStars));
    measured = width_of(crowded ? lone : found);
    if (many_touch && !crowded) {  // a trail's peaks are as wide as it looks
      const double of_lone = width_of(lone);
      if (of_lone > 0 && std::abs(measured / of_lone - 1) > kSettled) measured = of_lone;
    }
    if (measured == 0 || std::abs(measured / fwhm - 1) < kSettled) break;
    fwhm = std::clamp(measured, 0.8, 50.0);
  }
  // Far finer than it is known, and coarser than what rounding does to it: that must not reach every window.
  constexpr double kSteps = 1e4;  // a px
  return std::round(kSteps * measured) / kSteps;
}

Detections detect(const FrameView& frame,
                  const Background& background,
                  const Detector& detector,
                  const DetectOptions& options,
                  ParallelFor parallel,
                  DetectWorkspace& workspace) {
  if (frame.empty()) return {};
  const bool automatic = options.fwhm_px <= 0;
  const double fwhm = automatic ? measure_fwhm(frame, background, detector, parallel, workspace) : options.fwhm_px;
  Finder finder(frame, background, detector, options, *workspace.memory_);
  finder.judge_artefacts(fwhm);
  if (fwhm > 0 && options.search_again > 0) finder.search_again(fwhm);
  Detections found = finder.run(fwhm > 0 ? fwhm : kTypicalFwhm, parallel);
  found.fwhm_px = fwhm;
  found.fwhm_measured = automatic && fwhm > 0;
  return found;
}

Detections detect(const FrameView& frame,
                  const Background& background,
                  const Detector& detector,
                  const DetectOptions& options,
                  ParallelFor parallel) {
  DetectWorkspace workspace;
  return detect(frame, background, detector, options, parallel, workspace);
}

double measure_fwhm(const FrameView& frame,
                    const Background& background,
                    const Detector& detector,
                    ParallelFor parallel) {
  DetectWorkspace workspace;
  return measure_fwhm(frame, background, detector, parallel, workspace);
}

}  // namespace starflow
