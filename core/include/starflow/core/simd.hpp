// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The instruction sets that the kernels were compiled for, and which of them runs.

#include <string>
#include <string_view>
#include <vector>

namespace starflow {

/// \return the names that this CPU can run, best first: of x86 "avx512", "avx2", "sse4", of Arm "sve2", "sve", "neon";
///         last "scalar", which every CPU can.
[[nodiscard]] std::vector<std::string> simd_names();

/// \return the name that runs: the best, until pin_simd() was called.
[[nodiscard]] std::string_view simd_in_use();

/// Lets nothing but the instruction set \p name run from now on, in the whole process, plugins included. Results are
/// the same to the bit on one instruction set, and agree within rounding between them. To be called before anything is
/// measured: stars that are being measured on another thread may use either.
/// \return false, and nothing changes, where \p name is not one of simd_names()
[[nodiscard]] bool pin_simd(std::string_view name);

}  // namespace starflow
