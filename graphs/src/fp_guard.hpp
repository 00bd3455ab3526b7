// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Keeps the floating-point modes of a thread: a library linked with -ffast-math switches denormals off in whoever
/// loads it.

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#define STARFLOW_HAS_X86_FP 1
#else
#define STARFLOW_HAS_X86_FP 0
#endif

namespace starflow::graph {

/// The modes at its making, put back by restore(). On other machines than x86 it does nothing.
class FpGuard {
 public:
  FpGuard() noexcept : saved_(now()) {}

  /// \return true where they had changed.
  bool restore() const noexcept {
#if STARFLOW_HAS_X86_FP
    const State state = now();
    // The low six bits of MXCSR are flags of past operations, no modes.
    constexpr std::uint32_t kModes = 0xFFC0U;
    const bool changed = (state.mxcsr & kModes) != (saved_.mxcsr & kModes) || state.x87 != saved_.x87;
    if (changed) {
      _mm_setcsr(saved_.mxcsr);
      __asm__ volatile("fldcw %0" : : "m"(saved_.x87));
    }
    return changed;
#else
    return false;
#endif
  }

 private:
  struct State {
    std::uint32_t mxcsr = 0;
    std::uint16_t x87 = 0;
  };
  static State now() noexcept {
    State state;
#if STARFLOW_HAS_X86_FP
    state.mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(state.x87));
#endif
    return state;
  }

  State saved_;
};

}  // namespace starflow::graph

#undef STARFLOW_HAS_X86_FP
