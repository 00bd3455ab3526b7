// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The parallel loop that a caller hands in, so that the mathematics knows no scheduler. No call allocates.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace starflow {

/// A callable by reference: valid while the callable lives. Two pointers, never allocates.
template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
      FunctionRef(F&& f)
  noexcept  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload): a view, as string_view is
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

/// Body of a parallel loop: the half-open range [begin, end).
using RangeBody = FunctionRef<void(std::size_t begin, std::size_t end)>;

/// Runs `body` over [0, n) in ranges of at most `grain`, cut at multiples of `grain` whatever the thread count, so
/// that results that depend on the cuts are the same for any number of threads. Returns when all are done.
using ParallelFor = FunctionRef<void(std::size_t n, std::size_t grain, RangeBody body)>;

/// The loop for one thread.
inline constexpr auto serial_for = [](std::size_t n, std::size_t grain, RangeBody body) {
  for (std::size_t begin = 0; begin < n; begin += grain) body(begin, begin + grain < n ? begin + grain : n);
};

}  // namespace starflow
