// SPDX-License-Identifier: MIT
#include "flat_top.hpp"

#include "nearest_pixel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <numbers>

namespace starflow {
namespace {

constexpr int kReach = 3;  // px about the star that are looked at
constexpr std::size_t kMost = (2 * kReach + 1) * (2 * kReach + 1);
constexpr double kNever = std::numeric_limits<double>::infinity();

/// Pixels about a star: the highest value, and the box of those that share it and touch.
struct Top {
  double highest = -kNever;
  int count = 0, width = 0, height = 0;
};

template <class T>
class Plateau {
 public:
  Plateau(const FrameView& frame, Plane<T> pixels, int x, int y) : frame_(frame), pixels_(pixels), x_(x), y_(y) {}

  /// How many of the 3x3 about the star share the highest value: one look that most stars end with.
  [[nodiscard]] int alike_in_core() {
    int alike = 0;
    visit(1, [&](int, int, double v) {
      if (v > top_.highest) {
        top_.highest = v;
        alike = 0;
      }
      alike += v == top_.highest ? 1 : 0;
    });
    return alike;
  }

  [[nodiscard]] double highest_in_core() {
    visit(1, [&](int, int, double v) { top_.highest = std::max(top_.highest, v); });
    return top_.highest;
  }

  /// Follows the highest value as far as pixels that share it touch. Nothing where one farther out is higher still.
  [[nodiscard]] Top spread() {
    std::array<bool, kMost> same{};
    bool higher = false;
    visit(kReach, [&](int i, int j, double v) {
      higher = higher || v > top_.highest;
      same[cell(i, j)] = v == top_.highest;
    });
    if (higher) return {};
    std::array<bool, kMost> held{};
    for (int j = -1; j <= 1; ++j) {
      for (int i = -1; i <= 1; ++i) held[cell(i, j)] = same[cell(i, j)];
    }
    for (bool grows = true; grows;) {
      grows = false;
      for (int j = -kReach; j <= kReach; ++j) {
        for (int i = -kReach; i <= kReach; ++i) {
          if (!same[cell(i, j)] || held[cell(i, j)] || !touches(held, i, j)) continue;
          held[cell(i, j)] = grows = true;
        }
      }
    }
    int left = kReach, right = -kReach, up = kReach, down = -kReach;
    for (int j = -kReach; j <= kReach; ++j) {
      for (int i = -kReach; i <= kReach; ++i) {
        if (!held[cell(i, j)]) continue;
        ++top_.count;
        left = std::min(left, i);
        right = std::max(right, i);
        up = std::min(up, j);
        down = std::max(down, j);
      }
    }
    top_.width = right - left + 1;
    top_.height = down - up + 1;
    return top_;
  }

  /// What all values about the star are multiples of, but for a constant; 0 where they have nothing in common. A float
  /// may hold whole numbers, or such in parts of 255.
  [[nodiscard]] double step() const {
    constexpr double kRounding = 2e-3;  // of a step
    constexpr int kMostSteps = 4;       // that the smallest difference may be made of
    if constexpr (!std::is_floating_point_v<T>) return 1;
    std::array<double, kMost> value;
    std::size_t n_values = 0;
    visit(kReach, [&](int, int, double v) { value[n_values++] = v; });
    std::sort(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(n_values));
    double least = kNever;
    for (std::size_t k = 1; k < n_values; ++k) {
      if (value[k] > value[k - 1]) least = std::min(least, value[k] - value[k - 1]);
    }
    if (!std::isfinite(least)) return 0;
    for (int n = 1; n <= kMostSteps; ++n) {
      const double step = least / n, slack = kRounding + 1e-7 * std::abs(top_.highest) / step;
      bool whole = slack < 0.1;
      visit(kReach, [&](int, int, double v) {
        const double steps = (top_.highest - v) / step;
        whole = whole && std::abs(steps - std::round(steps)) < slack;
      });
      if (whole) return step;
    }
    return 0;
  }

  /// Part of the pairs of neighbours below the top that are alike: next to none, but where pixels were made from
  /// others, or hold few steps of light.
  [[nodiscard]] double ordinary_ties() {
    constexpr int kFew = 3;
    std::array<double, kMost> value{};
    value.fill(kNever);
    visit(kReach, [&](int i, int j, double v) { value[cell(i, j)] = v == top_.highest ? kNever : v; });
    int pairs = 0, alike = 0;
    const auto compare = [&](double a, double b) {
      if (a == kNever || b == kNever) return;
      ++pairs;
      alike += a == b ? 1 : 0;
    };
    for (int j = -kReach; j <= kReach; ++j) {
      for (int i = -kReach; i < kReach; ++i) {
        compare(value[cell(i, j)], value[cell(i + 1, j)]);
        compare(value[cell(j, i)], value[cell(j, i + 1)]);
      }
    }
    return alike < kFew ? 0 : static_cast<double>(alike) / pairs;
  }

 private:
  static constexpr std::size_t cell(int i, int j) {
    return static_cast<std::size_t>((j + kReach) * (2 * kReach + 1) + i + kReach);
  }

  static bool touches(const std::array<bool, kMost>& held, int i, int j) {
    for (int v = std::max(j - 1, -kReach); v <= std::min(j + 1, kReach); ++v) {
      for (int u = std::max(i - 1, -kReach); u <= std::min(i + 1, kReach); ++u) {
        if (held[cell(u, v)]) return true;
      }
    }
    return false;
  }

  /// Calls visit(i, j, value) for the valid pixels within \p reach.
  template <class Visit>
  void visit(int reach, const Visit& visit) const {
    for (int j = std::max(-reach, -y_); j <= std::min(reach, frame_.height - 1 - y_); ++j) {
      const T* row = pixels_.row(y_ + j);
      for (int i = std::max(-reach, -x_); i <= std::min(reach, frame_.width - 1 - x_); ++i) {
        const T value = row[x_ + i];
        if (is_valid(frame_, x_ + i, y_ + j, value)) visit(i, j, static_cast<double>(value));
      }
    }
  }

  const FrameView& frame_;
  Plane<T> pixels_;
  int x_, y_;
  Top top_;
};

/// Whether the middle of a Gaussian star stands out of what is a pixel beside it, to both sides, by more than noise.
bool wider_than_a_peak(const Top& top, double height, double sigma, double step, double fwhm_px) {
  constexpr double kSure = 6, kSteps = 2, kArea = 0.04;  // FWHM^2: chance alone makes three alike on a wide star
  if (std::max(top.width, top.height) < 3 || top.count < 1 + kArea * fwhm_px * fwhm_px) return false;
  const double fall = height * -std::expm1(-4 * std::numbers::ln2 / (fwhm_px * fwhm_px));
  return fall > std::max(kSure * std::numbers::sqrt2 * sigma, kSteps * step);
}

/// Whether noise makes the top's pixels differ but once in a million stars. \param ties  part of ordinary neighbours
/// that are alike. Two of the same mean are with the probability step / (2 sqrt(pi) sigma), others less often.
bool parted_by_noise(const Top& top, double sigma, double step, double ties) {
  constexpr double kChance = 1e-6;
  const double alike = std::clamp(step / (2 * std::sqrt(std::numbers::pi) * sigma), ties, 1.0);
  return std::pow(alike, top.count - 1) < kChance;
}

/// Whether pixels may stand above the level: the largest number that the type holds is none that somebody measured.
bool level_was_given(const FrameView& frame, const Detector& detector) {
  return visit_pixels(frame, [&]<class T>(Plane<T>) {
    if constexpr (std::is_integral_v<T>) {
      return detector.saturation_adu < static_cast<double>(std::numeric_limits<T>::max());
    }
    return detector.saturation_adu < static_cast<double>(std::numeric_limits<float>::max());
  });
}

}  // namespace

TopNoise top_noise(double level, double noise, const Detector& detector, double fwhm_px) noexcept {
  const double gain = detector.gain_e_per_adu;
  return {level, noise, gain > 0 ? 1 / gain : 0.0, fwhm_px};
}

double flat_top(const FrameView& frame, int x, int y, const TopNoise& star) noexcept {
  if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) return kNever;
  return visit_pixels(frame, [&]<class T>(Plane<T> pixels) {
    constexpr double kBright = 20;  // sigma
    Plateau<T> plateau(frame, pixels, x, y);
    if (plateau.alike_in_core() < 2) return kNever;
    const Top top = plateau.spread();
    const double height = top.highest - star.level;
    if (top.count < 3 || !(height > kBright * star.noise)) return kNever;
    const double sigma = std::sqrt(star.noise * star.noise + height * star.per_gain);
    const double rounding = std::is_same_v<T, float> ? 1e-7 * std::abs(top.highest) : 0;
    const double step = std::max(plateau.step(), rounding);
    constexpr double kMadeUp = 0.25;  // pixels that repeat others
    const double ties = plateau.ordinary_ties();
    if (ties > kMadeUp) return kNever;
    const bool cut =
        parted_by_noise(top, sigma, step, ties) || wider_than_a_peak(top, height, sigma, step, star.fwhm_px);
    return cut ? top.highest : kNever;
  });
}

double common_top(const FrameView& frame,
                  const Background& background,
                  const Detector& detector,
                  const Detections& detections,
                  double fwhm_px) noexcept {
  if (level_was_given(frame, detector)) return kNever;
  return visit_pixels(frame, [&]<class T>(Plane<T> pixels) {
    double highest = -kNever;
    int cut = 0;  // stars there, up to two
    for (std::size_t i = 0; i < detections.size(); ++i) {
      const double at_x = detections.x[i], at_y = detections.y[i];
      if (!(at_x > -1 && at_y > -1 && at_x < frame.width && at_y < frame.height)) continue;
      const auto [x, y] = nearest_pixel(frame, at_x, at_y);
      const double top = Plateau<T>(frame, pixels, x, y).highest_in_core();
      if (top > highest) cut = 0;
      highest = std::max(highest, top);
      if (top < highest || cut == 2) continue;
      const TopNoise star = top_noise(background.level(x, y), background.noise(x, y), detector, fwhm_px);
      cut += flat_top(frame, x, y, star) == highest ? 1 : 0;
    }
    return cut == 2 ? highest : kNever;
  });
}

}  // namespace starflow
