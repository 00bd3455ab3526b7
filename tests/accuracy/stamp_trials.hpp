// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars drawn many times, each alone in a cell of a large frame, on a sky whose level and noise are known exactly.

#include "random.hpp"

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/star_profile.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starflow::test {

/// The sky and the sensor of the trials.
struct TrialSky {
  double background_e = 100, read_noise_e = 5, gain_e_per_adu = 1.5, pedestal_adu = 500;

  [[nodiscard]] double level_adu() const;
  [[nodiscard]] double noise_e() const;
  [[nodiscard]] double noise_adu() const { return noise_e() / gain_e_per_adu; }
  [[nodiscard]] Detector detector() const;
};

/// A background of this level and noise to the rounding of a float: an estimate from pure noise, then one from the same
/// noise shifted and stretched by what the first was off.
[[nodiscard]] Background flat_background(double level_adu, double noise_adu);

/// Area about the true position that starts are drawn from, uniformly.
enum class StartArea : std::uint8_t { square, disc };

struct FieldOptions {
  StarShape shape;
  double flux_e = 0;
  std::size_t places = 2000;
  int half_cell_px = 10;  ///< a cell is 2 half_cell_px + 1 wide; the light beyond is missing
  StartArea start_area = StartArea::square;
  double start_reach_px = 0.5;  ///< half side of the square, radius of the disc
};

/// A frame of cells with one star each. The sub-pixel phases are uniform; place and start of a star stay the same from
/// exposure to exposure, so that its pixels, and with them its bounds, do too.
class StampField {
 public:
  /// \param random  draws the phases and the starts
  StampField(const FieldOptions& options, const TrialSky& sky, Random& random);

  [[nodiscard]] std::size_t size() const noexcept { return x_.size(); }
  [[nodiscard]] double x(std::size_t place) const noexcept { return x_[place]; }  ///< px
  [[nodiscard]] double y(std::size_t place) const noexcept { return y_[place]; }  ///< px
  [[nodiscard]] const Detections& starts() const noexcept { return starts_; }
  /// The place whose cell holds (x, y); size() where none does.
  [[nodiscard]] std::size_t place_of(double x, double y) const noexcept;

  void expose(Random& noise);  ///< Poisson light and normal read noise
  void expose_without_noise();
  [[nodiscard]] FrameView view() const noexcept;

 private:
  TrialSky sky_;
  std::size_t columns_ = 0, cell_ = 0;
  int width_ = 0, height_ = 0;
  std::vector<double> x_, y_;
  std::vector<double> expected_e_;
  std::vector<float> pixels_;  // ADU
  Detections starts_;
};

}  // namespace starflow::test
