// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The files of assets/, as the build puts them into the program.

#include <string_view>

namespace starflow::report::assets {

extern const std::string_view kStyle, kScript;
/// uPlot 1.6.32, MIT licence, Leon Sorokin: https://github.com/leeoniya/uPlot
extern const std::string_view kPlot, kPlotStyle, kPlotLicence;

}  // namespace starflow::report::assets
