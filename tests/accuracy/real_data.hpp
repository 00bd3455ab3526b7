// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the tests on real and peer-made data share: the folder, frames, positions to start from, quantiles.

#include <starflow/core/measure.hpp>
#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "register.hpp"
#include "support/node_harness.hpp"

namespace starflow::test {

/// Needs the outside data; skips its tests without them.
class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("STARFLOW_DATA");
    if (folder == nullptr) GTEST_SKIP() << "STARFLOW_DATA is not set: no real frames, no peers' positions";
    folder_ = folder;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

/// \throws std::runtime_error where \p path can't be read.
[[nodiscard]] inline std::shared_ptr<const Frame> read_frame(const std::string& path) {
  const auto produced = run_source(source_files_type(), {{"paths", path}});
  const Produced& first = produced.at(0);
  if (first.frame() == nullptr) throw std::runtime_error(path + ": " + first.error_text);
  return std::make_shared<const Frame>(*first.frame());
}

/// Level 0, noise 1 everywhere: for pixels whose sky is taken off, or fitted.
[[nodiscard]] inline Background no_background(int width, int height) {
  const std::vector<float> blank(static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
                                 std::numeric_limits<float>::quiet_NaN());
  const auto row_bytes = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(width) * sizeof(float));
  return estimate_background({blank.data(), PixelType::f32, width, height, row_bytes}, {}, serial_for);
}

/// Stars to be measured from these positions on, in this order; their rows carry it as id.
[[nodiscard]] inline Detections starts(const std::vector<double>& x, const std::vector<double>& y, double fwhm_px) {
  Detections d;
  d.resize(x.size());
  d.x = x;
  d.y = y;
  d.fwhm_px = fwhm_px;
  for (std::size_t i = 0; i < x.size(); ++i) {
    d.id[i] = static_cast<std::int64_t>(i);
    d.flags[i] = flag::forced_position;
  }
  return d;
}

/// Row of the table for each id of starts().
[[nodiscard]] inline std::vector<std::size_t> rows_by_id(const StarTable& stars) {
  std::vector<std::size_t> row(stars.size());
  for (std::size_t k = 0; k < stars.size(); ++k) row.at(static_cast<std::size_t>(stars.id[k])) = k;
  return row;
}

/// Row of the star nearest to (x, y) within \p reach px; stars.size() = none.
[[nodiscard]] inline std::size_t nearest_row(const StarTable& stars, double x, double y, double reach) {
  std::size_t best = stars.size();
  for (std::size_t k = 0; k < stars.size(); ++k) {
    const double d = std::hypot(stars.x[k] - x, stars.y[k] - y);
    if (d < reach) {
      reach = d;
      best = k;
    }
  }
  return best;
}

[[nodiscard]] inline double quantile(std::vector<double> v, double q) {
  const auto nth = v.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(v.size() - 1));
  std::ranges::nth_element(v, nth);
  return *nth;
}

}  // namespace starflow::test
