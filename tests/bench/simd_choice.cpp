// SPDX-License-Identifier: MIT
#include "simd_choice.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <cctype>

namespace starflow::bench {
namespace {

std::string upper(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return s;
}

}  // namespace

bool choose_simd(const std::string& name) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (upper(hwy::TargetName(target)) != upper(name)) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    return true;
  }
  return false;
}

std::string chosen_simd() {
  // Better sets stand at lower bits, and the list begins with the best.
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets.empty() ? "none" : hwy::TargetName(targets.front());
}

std::string simd_names() {
  std::string names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names += (names.empty() ? "" : " ") + std::string(hwy::TargetName(target));
  }
  return names;
}

}  // namespace starflow::bench
