// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Ways to measure, for tests that hold for all of them: one a preset, or every combination of the options.

#include <starflow/core/measure.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace starflow::test {

/// A way to measure and its name, which is a C++ identifier.
struct MeasureCase {
  std::string name;
  MeasureOptions options;
};
inline void PrintTo(const MeasureCase& one, std::ostream* out) { *out << one.name; }

inline bool fits_profile(Method m) { return m == Method::gaussian || m == Method::moffat; }

/// What the node makes of `"method": ...` alone.
inline MeasureOptions options_of(Method method) {
  MeasureOptions o;
  o.method = method;
  o.outline = method == Method::moffat ? Outline::circular : Outline::axis_aligned;
  o.level = fits_profile(method) ? LevelFrom::fit : LevelFrom::global;
  return o;
}

inline std::string method_name(Method m) { return std::string(kMethodNames[static_cast<std::size_t>(m)]); }

/// The presets of configs/methods, and one with the sky of a ring.
inline std::vector<MeasureCase> preset_cases() {
  const auto of = [](std::string name, Method method, auto change) {
    MeasureCase one{std::move(name), options_of(method)};
    change(one.options);
    return one;
  };
  const auto plain = [](MeasureOptions&) {};
  return {of("windowed", Method::windowed, plain),
          of("windowed_halflight", Method::windowed, [](auto& o) { o.window = WindowFrom::half_light; }),
          of("adaptive", Method::adaptive, plain),
          of("moments", Method::moments, plain),
          of("quadratic", Method::quadratic, plain),
          of("gaussian", Method::gaussian, plain),
          of("gaussian_circular", Method::gaussian, [](auto& o) { o.outline = Outline::circular; }),
          of("gaussian_rotated", Method::gaussian, [](auto& o) { o.outline = Outline::rotated; }),
          of("gaussian_ls", Method::gaussian, [](auto& o) { o.estimator = Estimator::least_squares; }),
          of("moffat", Method::moffat, plain),
          of("moffat_rotated", Method::moffat, [](auto& o) { o.outline = Outline::rotated; }),
          of("moffat_free", Method::moffat, [](auto& o) { o.free_beta = true; }),
          of("gaussian_annulus", Method::gaussian, [](auto& o) {
            o.level = LevelFrom::annulus;
            o.noise = NoiseFrom::annulus;
          })};
}

namespace detail {

/// Every outline, sampling, estimator and exponent that \p base can have; itself alone where it fits no profile.
inline std::vector<MeasureCase> profiles(const MeasureCase& base) {
  if (!fits_profile(base.options.method)) return {base};
  std::vector<MeasureCase> cases;
  for (const Outline outline : {Outline::circular, Outline::axis_aligned, Outline::rotated}) {
    for (const Sampling sampling : {Sampling::integrated, Sampling::center}) {
      for (const Estimator estimator : {Estimator::mle, Estimator::least_squares}) {
        for (const bool free_beta : {false, true}) {
          if (free_beta && base.options.method != Method::moffat) continue;
          MeasureCase one = base;
          one.options.outline = outline;
          one.options.sampling = sampling;
          one.options.estimator = estimator;
          one.options.free_beta = free_beta;
          one.name += " outline " + std::to_string(static_cast<int>(outline)) + " sampling " +
                      std::to_string(static_cast<int>(sampling)) + " estimator " +
                      std::to_string(static_cast<int>(estimator)) + (free_beta ? " free beta" : "");
          cases.push_back(std::move(one));
        }
      }
    }
  }
  return cases;
}

/// \p base with every level and noise, in the windows that its method has.
inline void add_skies(const MeasureCase& base, std::vector<MeasureCase>& cases) {
  for (const LevelFrom level : {LevelFrom::global, LevelFrom::annulus, LevelFrom::fit}) {
    if (level == LevelFrom::fit && !fits_profile(base.options.method)) continue;
    for (const NoiseFrom noise : {NoiseFrom::map, NoiseFrom::annulus, NoiseFrom::model}) {
      for (const WindowFrom window : {WindowFrom::fwhm, WindowFrom::half_light, WindowFrom::given}) {
        if (window != WindowFrom::fwhm && base.options.method != Method::windowed) continue;
        MeasureCase one = base;
        one.options.level = level;
        one.options.noise = noise;
        one.options.window = window;
        one.options.window_sigma_px = window == WindowFrom::given ? 1.5 : 0;
        one.options.pedestal_adu = noise == NoiseFrom::model ? 50 : 0;
        one.name += " level " + std::to_string(static_cast<int>(level)) + " noise " +
                    std::to_string(static_cast<int>(noise)) + " window " + std::to_string(static_cast<int>(window));
        cases.push_back(std::move(one));
      }
    }
  }
}

}  // namespace detail

/// Every method x outline x sampling x estimator x exponent x level x noise x window.
inline std::vector<MeasureCase> every_case() {
  std::vector<MeasureCase> cases;
  for (const Method method :
       {Method::windowed, Method::adaptive, Method::moments, Method::quadratic, Method::gaussian, Method::moffat}) {
    for (const MeasureCase& profile : detail::profiles({method_name(method), options_of(method)})) {
      detail::add_skies(profile, cases);
    }
  }
  return cases;
}

}  // namespace starflow::test
