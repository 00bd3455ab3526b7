// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A number times itself.

namespace starflow {

[[nodiscard]] constexpr double square(double v) noexcept { return v * v; }

}  // namespace starflow
