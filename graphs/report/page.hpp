// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The report: one page that needs nothing but itself.

#include "sections.hpp"

#include <string>
#include <vector>

namespace starflow::report {

/// The whole HTML file. Its bytes follow from the arguments alone.
[[nodiscard]] std::string page(const Results& results, const std::vector<Card>& cards, const std::string& title);

}  // namespace starflow::report
