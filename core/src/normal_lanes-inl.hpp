// SPDX-License-Identifier: MIT
/// \file
/// Small symmetric positive definite systems, one in each SIMD lane.

// clang-format off
#if defined(STARFLOW_NORMAL_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_NORMAL_LANES_INL
#undef STARFLOW_NORMAL_LANES_INL
#else
#define STARFLOW_NORMAL_LANES_INL
#endif
// clang-format on

#include "lane_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Index of (i, j), j <= i, in a packed lower triangle; packed() takes them in any order.
HWY_INLINE constexpr std::size_t at(std::size_t i, std::size_t j) { return i * (i + 1) / 2 + j; }
HWY_INLINE constexpr std::size_t packed(std::size_t i, std::size_t j) { return i < j ? at(j, i) : at(i, j); }

/// H = L D L^T for up to N unknowns.
template <class D, std::size_t N>
class Factors {
 public:
  using V = hn::Vec<D>;
  static constexpr std::size_t kTriangle = N * (N + 1) / 2;

  /// \return lanes in which the matrix is positive definite: each pivot above `rounding` of its diagonal
  hn::Mask<D> factor(const Table<D, kTriangle>& h, std::size_t n, double rounding) {
    const D d;
    auto good = hn::Gt(set(d, 1), hn::Zero(d));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        V sum = h.get(at(i, j));
        for (std::size_t k = 0; k < j; ++k) sum = hn::NegMulAdd(raw_.get(at(i, k)), l_.get(at(j, k)), sum);
        raw_.put(at(i, j), sum);
        l_.put(at(i, j), hn::Mul(sum, inverse_.get(j)));
      }
      V pivot = h.get(at(i, i));
      for (std::size_t k = 0; k < i; ++k) pivot = hn::NegMulAdd(raw_.get(at(i, k)), l_.get(at(i, k)), pivot);
      good = hn::And(good, hn::Gt(pivot, hn::Mul(set(d, rounding), h.get(at(i, i)))));
      inverse_.put(i, hn::Div(set(d, 1), pivot));
    }
    return good;
  }

  /// x = H^-1 x.
  void solve(std::size_t n, Table<D, N>& x) const {
    for (std::size_t i = 1; i < n; ++i) {
      V sum = x.get(i);
      for (std::size_t k = 0; k < i; ++k) sum = hn::NegMulAdd(l_.get(at(i, k)), x.get(k), sum);
      x.put(i, sum);
    }
    for (std::size_t i = n; i-- > 0;) {
      V sum = hn::Mul(x.get(i), inverse_.get(i));
      for (std::size_t k = i + 1; k < n; ++k) sum = hn::NegMulAdd(l_.get(at(k, i)), x.get(k), sum);
      x.put(i, sum);
    }
  }

 private:
  Table<D, kTriangle> l_, raw_;  // raw = L D
  Table<D, N> inverse_;          // 1 / D
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
