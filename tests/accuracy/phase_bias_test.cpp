// SPDX-License-Identifier: MIT
/// \file
/// Stars without noise at 2,000 random sub-pixel phases: what is left is the bias of the method itself, by how it
/// integrates its model over the pixels. The largest error of any phase counts.

#include "accuracy/trial_score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

namespace starflow {
namespace {

constexpr double kFluxE = 1e6;  // what float pixels round off moves such a star by 1e-6 px

struct Case {
  const test::Preset* preset;
  double fwhm_px;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.preset->name << ", fwhm " << c.fwhm_px << " px"; }

bool by_error_function(const test::Preset& p) {
  return p.options.method == Method::gaussian && p.options.outline != Outline::rotated;
}

double allowed_px(const test::Preset& p) {
  if (by_error_function(p)) return 1e-4;
  return p.options.method == Method::gaussian ? 3e-4 : 1e-3;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const test::Preset& preset : test::method_presets()) {
    if (!preset.fits()) continue;
    for (const double fwhm : {1.2, 1.5, 2.0, 3.0, 4.0}) all.push_back({&preset, fwhm});
  }
  return all;
}

class PhaseBias : public ::testing::TestWithParam<Case> {};

TEST_P(PhaseBias, IsBelowTheLimitAtEveryPhase) {
  const auto& [preset, fwhm] = GetParam();
  test::FieldOptions field;
  field.places = 2000;
  test::Trial trial(*preset, fwhm, kFluxE, field, 20260302);
  MeasureOptions options = preset->options;
  options.fwhm_px = fwhm;
  test::TrialScore score;
  trial.run_without_noise(options, score);

  const double position = std::max(score.x.largest_error(), score.y.largest_error());
  const double width = score.fwhm.largest_error() / fwhm;
  PrintTo(GetParam(), &std::cout);
  std::cout << ": N " << score.n << " failed " << score.failed << " | largest error xy " << position << " px, fwhm "
            << 100 * width << " %, flux " << 100 * score.flux.largest_error() / score.flux_adu << " %, background "
            << score.background.largest_error() << " ADU\n";
  EXPECT_EQ(score.n, field.places);
  EXPECT_EQ(score.failed, 0U);
  EXPECT_LT(position, allowed_px(*preset));
  if (by_error_function(*preset)) {
    EXPECT_LT(width, 5e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PhaseBias, ::testing::ValuesIn(cases()), [](const auto& c) {
  return std::string(c.param.preset->name) + "Fwhm" + std::to_string(std::lround(10 * c.param.fwhm_px));
});

}  // namespace
}  // namespace starflow
