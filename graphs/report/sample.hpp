// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Medians of any number of values in bounded memory.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace starflow::report {

/// Keeps a fair sample: of n values each is kept with the same probability (Vitter 1985, algorithm R), by a fixed
/// sequence of numbers, so that the same values give the same sample.
class Sample {
 public:
  explicit Sample(std::size_t most) : most_(most) {}

  void add(double value) {
    ++count_;
    if (kept_.size() < most_) {
      kept_.push_back(value);
      return;
    }
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;  // Knuth, MMIX
    const std::uint64_t at = (state_ >> 11U) % count_;
    if (at < most_) kept_[at] = value;
  }
  void clear() {
    kept_.clear();
    count_ = 0;
  }
  [[nodiscard]] const std::vector<double>& kept() const noexcept { return kept_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// \param part  0.5 = the median. NaN of no value
  [[nodiscard]] double quantile(double part) const {
    if (kept_.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::vector<double> sorted = kept_;
    const auto at = sorted.begin() + std::lround(part * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), at, sorted.end());
    return *at;
  }
  [[nodiscard]] double median() const { return quantile(0.5); }

 private:
  std::vector<double> kept_;
  std::size_t most_;
  std::uint64_t count_ = 0, state_ = 1;
};

}  // namespace starflow::report
