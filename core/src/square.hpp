// SPDX-License-Identifier: MIT
#pragma once

namespace starflow {

[[nodiscard]] constexpr double square(double v) noexcept { return v * v; }

}  // namespace starflow
