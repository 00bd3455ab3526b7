// SPDX-License-Identifier: MIT
#include "recipe.hpp"

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <iostream>
#include <vector>

namespace starflow::test {
namespace {

constexpr std::size_t kPlaces = 2000;
constexpr int kExposures = 10;
constexpr std::uint64_t kSeed = 20260301;

/// Where the bias of a coarse method is not the pixels' fault.
bool sampled_enough(const Preset& preset, double fwhm_px) {
  switch (preset.kind) {
    case Kind::adaptive: return fwhm_px >= 2;
    case Kind::stated: return fwhm_px >= 2.5;
    default: return true;
  }
}

void expect_scatter(const RecipeCell& cell, const TrialScore& score) {
  const double got = pooled(score.x, score.y).rms_over_bound();
  switch (cell.preset->kind) {
    case Kind::likelihood:
    case Kind::least_squares:
      if (cell.snr >= 30) {
        EXPECT_GE(got, 0.97) << "better than physics allows: the bound or the scoring is wrong";
        EXPECT_LE(got, 1.03);
      } else {
        EXPECT_LE(got, cell.fwhm_px < 1.5 ? 1.15 : 1.10);
      }
      break;
    case Kind::adaptive: EXPECT_LE(got, 1.05); break;
    case Kind::stated: break;
  }
}

/// The mean pull of flux and background that stands beside its noise: measured, at S/N 10 (of a free beta, 30), 0.052,
/// 0.069 and 0.201 of an error, and less at higher S/N. A bias of second order would fall as 1/SNR, which is how it is
/// held; that it is one has not been shown.
double second_order_pull(const RecipeCell& cell) {
  const MeasureOptions& o = cell.preset->options;
  const double constant = o.free_beta ? 6 : o.method == Method::moffat ? 0.7 : 0.5;
  return constant / cell.snr;
}

/// A beta that the pixels do not tell runs to its bound, of half the stars at S/N 10 and of some hundred at 30; flux
/// and width follow it, and their errors are not normal. Only the position is then held to its errors.
bool beta_is_lost(const RecipeCell& cell) { return cell.preset->options.free_beta && cell.snr < 100; }

void expect_pulls(const RecipeCell& cell, const TrialScore& score) {
  if (cell.preset->options.method == Method::quadratic)
    return;  // a peak in nine pixels of noise: what it gives is stated
  const double off = cell.snr >= 30 ? 0.05 : 0.12;
  const double mean = 4 / std::sqrt(static_cast<double>(score.n));
  EXPECT_NEAR(pooled(score.x, score.y).rms_pull(), 1, off);
  EXPECT_NEAR(score.x.mean_pull(), 0, mean);
  EXPECT_NEAR(score.y.mean_pull(), 0, mean);
  if (!cell.preset->fits() || beta_is_lost(cell)) return;
  EXPECT_NEAR(score.flux.rms_pull(), 1, off);
  EXPECT_NEAR(score.background.rms_pull(), 1, off);
  EXPECT_NEAR(score.fwhm.rms_pull(), 1, off);
  EXPECT_NEAR(score.flux.mean_pull(), 0, mean + second_order_pull(cell));
  EXPECT_NEAR(score.background.mean_pull(), 0, mean + second_order_pull(cell));
}

void expect_small_bias(const RecipeCell& cell, const TrialScore& score) {
  if (!cell.preset->fits() || cell.snr < 100) return;
  EXPECT_LT(std::abs(score.flux.mean_error() / score.flux_adu), cell.preset->options.free_beta ? 0.01 : 0.002);
  EXPECT_LT(std::abs(score.fwhm.mean_error() / cell.fwhm_px), 0.002);
}

void expect_few_failures(const RecipeCell& cell, double peak_over_noise, const TrialScore& score) {
  EXPECT_EQ(score.unflagged, 0U);
  if (cell.preset->options.method == Method::quadratic) return;
  if (peak_over_noise >= 9) {
    EXPECT_EQ(score.failed, 0U);
  } else if (peak_over_noise >= 5.4) {
    EXPECT_LE(static_cast<double>(score.failed), 0.002 * static_cast<double>(score.n));
  }
}

}  // namespace

void PrintTo(const RecipeCell& cell, std::ostream* out) {
  *out << cell.preset->name << ", fwhm " << cell.fwhm_px << " px, snr " << cell.snr;
}

std::string cell_name(const ::testing::TestParamInfo<RecipeCell>& cell) {
  return std::string(cell.param.preset->name) + "Fwhm" + std::to_string(std::lround(10 * cell.param.fwhm_px)) + "Snr" +
         std::to_string(std::lround(cell.param.snr));
}

std::vector<RecipeCell> recipe_cells(std::initializer_list<double> fwhm_px, std::initializer_list<double> snr) {
  std::vector<RecipeCell> cells;
  for (const Preset& preset : method_presets()) {
    for (const double f : fwhm_px) {
      for (const double s : snr) {
        if (sampled_enough(preset, f)) cells.push_back({&preset, f, s});
      }
    }
  }
  return cells;
}

void check_recipe(const RecipeCell& cell) {
  const Preset& preset = *cell.preset;
  const TrialSky sky;
  const StarShape truth = preset.truth(cell.fwhm_px);
  const double flux_e = flux_for_snr(truth, cell.fwhm_px, cell.snr, sky.background_e, sky.read_noise_e);
  MeasureOptions options = preset.options;
  options.fwhm_px = cell.fwhm_px;

  FieldOptions field;
  field.places = kPlaces;
  Trial trial(preset, cell.fwhm_px, flux_e, field, kSeed);
  TrialScore score;
  trial.run(kExposures, options, score);

  const double peak = peak_over_noise(truth, flux_e);
  PrintTo(cell, &std::cout);
  std::cout << " (peak/noise " << peak << "): " << to_string(score, cell.fwhm_px) << '\n';
  EXPECT_EQ(score.n, kPlaces * kExposures);
  EXPECT_EQ(score.other_stamp, 0U) << "the bound was computed for other pixels";
  expect_few_failures(cell, peak, score);
  expect_scatter(cell, score);
  expect_pulls(cell, score);
  expect_small_bias(cell, score);
}

}  // namespace starflow::test
