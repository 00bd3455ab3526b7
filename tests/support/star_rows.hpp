// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A small table of stars that no rule of a filter objects to, for tests that spoil one number.

#include <starflow/core/star_table.hpp>

#include <cstddef>

namespace starflow::test {

/// Good stars far from each other and from the frame's border, brightest first, at x = 20, 30, ...; y = 40.
inline StarTable good_stars(std::size_t n) {
  StarTable t;
  t.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto k = static_cast<double>(i);
    t.x[i] = 20 + 10 * k;
    t.y[i] = 40;
    t.flux[i] = 1000 - k;
    t.snr[i] = 100 - k;
    t.fwhm[i] = 4;
    t.sharpness[i] = 0.5;
    t.roundness1[i] = t.roundness2[i] = 0;
  }
  return t;
}

}  // namespace starflow::test
