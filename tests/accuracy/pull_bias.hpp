// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The mean pull of a perfect fit. It is not 0: the model bends, and an error bar comes from the values that it belongs
/// to.

#include "method_presets.hpp"

#include <starflow/core/crlb.hpp>
#include <starflow/core/star_profile.hpp>

#include <string>

namespace starflow::test {

/// Means of (value - truth) / reported error.
struct MeanPulls {
  double flux = 0, background = 0, fwhm = 0;
};

/// To second order in the noise, of a fit whose estimating equation is sum_i w_i J_i (data_i - m_i) = 0, with the
/// weights w = 1 / V of the likelihood or w = 1 of least squares, and V = sky's variance + the star's light:
///
///   mean pull of a = bias_a / sigma_a - (grad sigma_a . C e_a) / sigma_a^2
///   bias = H^-1 sum_i [ Hess_i (H^-1 J_i w_i V_i - C J_i) - 1/2 w_i J_i tr(C Hess_i) ]
///
/// H = J^T W J, C = H^-1 J^T W V W J H^-1 the covariance, Hess_i the second derivatives of pixel i. Of the likelihood
/// the first term of the bias is 0, whatever the weights' own derivatives: V = 1/w and C = H^-1. The second term of
/// the pull is the error bar that follows its value: -cov(a, sigma_a) / sigma_a^2 by the delta method.
/// Next is the third power of the noise; bounds of the parameters are not in it.
/// Source: M. J. Box 1971, J. R. Stat. Soc. B 33, 171, from D. R. Cox & E. J. Snell 1968, J. R. Stat. Soc. B 30, 248.
/// \param scene  the truth, of the shape that \p preset expects
[[nodiscard]] MeanPulls second_order_pulls(const Preset& preset, const StarScene& scene, const PixelBox& box);
/// A line of it.
[[nodiscard]] std::string to_string(const MeanPulls& pulls);

}  // namespace starflow::test
