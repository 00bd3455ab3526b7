// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Shapes of stars by their place in the frame.

#include "sample.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starflow::report {

/// A grid of cells over the frame, which holds what its stars look like.
class FieldMap {
 public:
  static constexpr std::uint64_t kLeastStars = 3;  ///< that a cell is shown by

  struct Cell {
    Sample fwhm{kKept};
    double e1 = 0, e2 = 0;  ///< sums of ellipticity times cos and sin of twice the angle
    std::uint64_t stars = 0;
    /// Of the mean of these vectors: ellipticity, and the direction of the major axis, degrees from +x towards +y.
    [[nodiscard]] double ellipticity() const;
    [[nodiscard]] double theta_deg() const;
    [[nodiscard]] bool shown() const noexcept { return stars >= kLeastStars; }
    void merge(const Cell& other);
  };

  /// Sets the shape of the grid, once: later frames are laid over the first one, whatever their size.
  /// \param width, height  px, above 0
  void set_frame(double width, double height);
  /// \param u, v  place in the frame, 0 to 1; what is outside is left out
  void add(double u, double v, double fwhm, double ellipticity, double theta_deg);

  [[nodiscard]] int columns() const noexcept { return columns_; }
  [[nodiscard]] int rows() const noexcept { return rows_; }
  [[nodiscard]] double aspect() const noexcept { return aspect_; }  ///< height over width
  [[nodiscard]] const Cell& cell(int column, int row) const {
    return cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                  static_cast<std::size_t>(column)];
  }
  [[nodiscard]] std::uint64_t stars() const noexcept { return stars_; }
  [[nodiscard]] bool any_shown() const;
  /// The same with cells that hold enough stars, as small as that allows.
  [[nodiscard]] FieldMap readable() const;

 private:
  static constexpr std::size_t kKept = 400;
  int columns_ = 0, rows_ = 0;
  double aspect_ = 1;
  std::uint64_t stars_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace starflow::report
