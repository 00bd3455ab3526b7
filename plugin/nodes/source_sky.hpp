// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `source.sky`: simulated frames and the truth about them.

#include "sky_model.hpp"

#include <starflow/sdk/node.hpp>

#include <cstdint>

namespace starflow {

/// Sends frame n of the sky and its truth, for n = 0..frames-1.
class SourceSky final : public Source {
 public:
  explicit SourceSky(const Options& options);
  bool select(std::uint64_t first, std::uint64_t step) override;
  bool next(Context& context) override;
  [[nodiscard]] std::uint64_t total() const override { return total_; }

 private:
  SkyOptions sky_options_;
  SkyModel sky_;
  std::uint64_t frames_, total_;
  std::uint64_t next_ = 0, step_ = 1;
};

}  // namespace starflow
