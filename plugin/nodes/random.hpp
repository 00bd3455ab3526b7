// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Random numbers that are the same with every standard library, whose own distributions are not.

#include <array>
#include <cstdint>

namespace starflow {

/// xoshiro256++ (Blackman & Vigna 2021), seeded through splitmix64. The bits depend on the seeds alone; normal() and
/// poisson() also on the last bit of the C library's log and exp.
class Random {
 public:
  /// Each pair of seed and stream gives its own sequence.
  Random(std::uint64_t seed, std::uint64_t stream) noexcept;

  [[nodiscard]] std::uint64_t bits() noexcept;
  [[nodiscard]] double uniform() noexcept;  ///< in (0, 1), 53 bits
  [[nodiscard]] double log_uniform(double low, double high) noexcept;
  [[nodiscard]] double normal() noexcept;  ///< mean 0, sigma 1; Marsaglia's polar method
  /// Exact Poisson numbers: Knuth's product below a mean of 10, above it Hoermann's PTRS (1993, Insurance: Mathematics
  /// and Economics 12, 39). A mean that is not positive gives 0.
  [[nodiscard]] double poisson(double mean) noexcept;

 private:
  std::array<std::uint64_t, 4> state_{};
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace starflow
