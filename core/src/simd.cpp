// SPDX-License-Identifier: MIT
#include <starflow/core/simd.hpp>

#include <cstdint>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline std::int64_t own_target() { return HWY_TARGET; }

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {
namespace {

HWY_EXPORT(own_target);

/// Highway's own names change with its versions.
std::string_view plain_name(std::int64_t target) {
  switch (target) {
    case HWY_AVX3_DL: return "avx512_dl";
    case HWY_AVX3: return "avx512";
    case HWY_AVX2: return "avx2";
    case HWY_SSE4: return "sse4";
    case HWY_SSSE3: return "ssse3";
    case HWY_SVE2_128: return "sve2_128";
    case HWY_SVE_256: return "sve_256";
    case HWY_SVE2: return "sve2";
    case HWY_SVE: return "sve";
    case HWY_NEON: return "neon";
    case HWY_EMU128:
    case HWY_SCALAR: return "scalar";
    default: return "other";
  }
}

/// Of this CPU, whatever is pinned: asked once, before the first pin.
const std::vector<std::int64_t>& targets() {
  static const std::vector<std::int64_t> all = hwy::SupportedAndGeneratedTargets();
  return all;
}

}  // namespace

std::vector<std::string> simd_names() {
  std::vector<std::string> names;
  for (const std::int64_t target : targets()) names.emplace_back(plain_name(target));
  return names;
}

std::string_view simd_in_use() { return plain_name(HWY_DYNAMIC_DISPATCH(own_target)()); }

bool pin_simd(std::string_view name) {
  for (const std::int64_t target : targets()) {
    if (plain_name(target) != name) continue;
    hwy::DisableTargets(~target);
    // The choice lives in the shared library of Highway, hence one for every plugin.
    hwy::GetChosenTarget().Update(target);
    return true;
  }
  return false;
}

}  // namespace starflow
#endif  // HWY_ONCE
