// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One measured star before it goes into the table.

#include <starflow/core/star_table.hpp>

#include <limits>
#include <type_traits>

namespace starflow {

template <class T>
using RowCell = T;

struct StarRow : StarFields<RowCell> {
  double skew = 0;  ///< third moment of what the model leaves over, in parts of the flux; 0 = none that is seen

  StarRow() : StarFields<RowCell>{} {
    for_each_column(*this, [](auto, auto, auto, auto& field) {
      using T = std::remove_reference_t<decltype(field)>;
      if constexpr (std::is_floating_point_v<T>) field = std::numeric_limits<T>::quiet_NaN();
    });
  }
};

/// The flag that goes with a termination; none for `converged`.
[[nodiscard]] Flags flag_of(Termination t);

/// Widths, angle and axis ratios of a Gaussian with these second moments, px^2. Leaves the widths undefined where they
/// describe no ellipse.
void set_shape(StarRow& row, double xx, double yy, double xy);

/// Errors of the position from its covariance, px^2; a flag where it is none.
void set_errors(StarRow& row, double cov_xx, double cov_yy, double cov_xy);

/// Takes back every error, and what is infinite, of a star whose sums were beyond the numbers; a flag says so.
void drop_overflow(StarRow& row);

/// Takes back the errors of a star that was not fitted without its saturated core: of 218 of S/N above 800 the pulls of
/// a window's position were 5.9 and of its flux 160, of a fit's 0.95 and 1.1.
void drop_errors(StarRow& row);

/// Takes back what a saturated core can't tell.
void drop_shape(StarRow& row);

}  // namespace starflow
