// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The instruction set that the run uses.

#include <string>

namespace starflow::bench {

/// Holds every kernel to \p name, in any case ("avx2"). Call it before the first measurement.
/// \return false where this CPU or this build has no such set
[[nodiscard]] bool choose_simd(const std::string& name);

[[nodiscard]] std::string chosen_simd();
[[nodiscard]] std::string simd_names();  ///< those that choose_simd() takes, with blanks between

}  // namespace starflow::bench
