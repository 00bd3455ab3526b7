// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The stars of a frame as the filtered frame sees them, in strips of rows so that those about a place are found at
/// once and far strips can be worked on at the same time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

inline constexpr double kMaxWayFwhm = 0.75;  ///< that a star may move from its seed, along each axis

/// Of a star in the filtered frame.
struct StarLight {
  double x = 0, y = 0;   ///< px
  double amplitude = 0;  ///< height of its peak, sigma
  double reach = 0;      ///< px: beyond, it is far below the noise

  bool operator==(const StarLight&) const = default;
};

struct SceneStar {
  double x = 0, y = 0;            ///< px
  double seed_x = 0, seed_y = 0;  ///< where it was found, px: its place in the strips
  double amplitude = 0;           ///< height of its peak in the filtered frame, sigma
  double reach = 0;               ///< px: beyond, its light is far below the noise
  std::int32_t basin = -1;        ///< that it was found in; -1 = none
  std::int32_t round = 0;         ///< of the search that found it; 0 = the first
  bool settled = false;           ///< fitted, and nothing near it has changed since
  bool is_star = true;            ///< false: saturated, or an artefact: its shape is not that of a star
  StarLight taken;                ///< off the residual; amplitude 0 = none

  [[nodiscard]] StarLight light() const noexcept { return {x, y, amplitude, reach}; }
};

class StarScene {
 public:
  /// \param height  of the frame, px
  /// \param strip_rows  no less than the distance over which stars matter to each other
  StarScene(int height, int strip_rows);

  /// Adds stars and puts all in order: by strip, then seed_x, then seed_y. Numbers of stars change.
  void add(std::span<const SceneStar> more);
  /// Takes out the stars for which \p unwanted(number) is true. Those about them stay as they are.
  template <class Unwanted>
  void remove_if(const Unwanted& unwanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < stars.size(); ++i) {
      if (!unwanted(i)) stars[kept++] = stars[i];
    }
    stars.resize(kept);
    index();
  }

  [[nodiscard]] std::size_t strips() const noexcept { return first_.size() - 1; }
  [[nodiscard]] int strip_rows() const noexcept { return rows_; }
  /// Numbers [first(s), first(s + 1)) are those of the stars of strip \p s.
  [[nodiscard]] std::size_t first(std::size_t strip) const noexcept { return first_[strip]; }
  [[nodiscard]] std::size_t strip_of(double y) const noexcept;

  /// Calls visit(number) for the stars of the strips about (x, y) whose seeds are at most \p radius (no more than a
  /// strip) from it along x.
  template <class Visit>
  void visit_near(double x, double y, double radius, const Visit& visit) const {
    const std::size_t s = strip_of(y), last = s + 1 < strips() ? s + 1 : s;
    for (std::size_t strip = s > 0 ? s - 1 : 0; strip <= last; ++strip) {
      for (std::size_t i = first_right_of(strip, x - radius); i < first_[strip + 1]; ++i) {
        if (seed_x_[i] > x + radius) break;
        visit(i);
      }
    }
  }

  /// Calls visit(number, number of another) for each star of a strip with those of the strips about it whose seeds are
  /// at most \p radius (no more than a strip) from its own along x; in the order of visit_near().
  template <class Visit>
  void visit_pairs(std::size_t strip, double radius, const Visit& visit) const {
    const std::size_t low = strip > 0 ? strip - 1 : 0, high = strip + 1 < strips() ? strip + 1 : strip;
    std::array<std::size_t, 3> begin{};
    for (std::size_t s = low; s <= high; ++s) begin[s - low] = first_[s];
    for (std::size_t i = first_[strip]; i < first_[strip + 1]; ++i) {
      for (std::size_t s = low; s <= high; ++s) {
        std::size_t& from = begin[s - low];
        while (from < first_[s + 1] && seed_x_[from] < seed_x_[i] - radius) ++from;
        for (std::size_t j = from; j < first_[s + 1] && seed_x_[j] <= seed_x_[i] + radius; ++j) {
          if (j != i) visit(i, j);
        }
      }
    }
  }

  std::vector<SceneStar> stars;  ///< x, y, amplitude and reach may be changed

 private:
  void index();
  [[nodiscard]] std::size_t first_right_of(std::size_t strip, double x) const noexcept;

  int rows_;
  std::vector<std::size_t> first_;
  std::vector<double> seed_x_;  // of the stars, side by side
};

}  // namespace starflow
