// SPDX-License-Identifier: MIT
// Ceres' TinySolver, the fastest library solver for small fits: nothing allocated, the cost function inlined. Its time
// holds the fit alone; stamps and start values are ready.
#include <ceres/tiny_solver.h>

#include <cmath>
#include <memory>
#include <type_traits>

#include "cases.hpp"
#include "elliptical_cost.hpp"

namespace starflow::bench {
namespace {

template <int N>
struct AxisAligned {
  using Scalar = double;
  enum { NUM_RESIDUALS = N * N, NUM_PARAMETERS = 6 };
  const double* z;

  bool operator()(const double* p, double* residual, double* jacobian) const {
    separable_gaussian<N, true>(p, z, residual, jacobian);
    return true;
  }
  static Eigen::Matrix<double, 6, 1> begin(const Start& s) {
    Eigen::Matrix<double, 6, 1> p;
    p << 0, 0, s.height_e, s.sigma_px, s.sigma_px, s.level_e;
    return p;
  }
};

template <class Shape, int N, int Nodes>
struct Rotated {
  using Scalar = double;
  enum { NUM_RESIDUALS = N * N, NUM_PARAMETERS = 7 };
  const double* z;

  bool operator()(const double* p, double* residual, double* jacobian) const {
    rotated_ellipse<Shape, N, Nodes>(p, z, residual, jacobian);
    return true;
  }
  static Eigen::Matrix<double, 7, 1> begin(const Start& s) {
    double width = s.sigma_px;
    if (std::is_same_v<Shape, MoffatProfile>) {
      width *= std::sqrt(2 * std::log(2)) / std::sqrt(std::pow(2, 1 / kMoffatBeta) - 1);  // alpha of the same FWHM
    }
    Eigen::Matrix<double, 7, 1> p;
    p << 0, 0, s.height_e, 1 / (width * width), 0, 1 / (width * width), s.level_e;
    return p;
  }
};

template <class Cost>
std::vector<Position> fit_all(const Field& field, ceres::TinySolver<Cost>& solver, std::vector<Position>& out) {
  for (std::size_t k = 0; k < field.start.size(); ++k) {
    auto p = Cost::begin(field.start[k]);
    const auto& summary = solver.Solve(Cost{field.stamp(k)}, &p);
    out[k] = {field.start[k].x + p[0], field.start[k].y + p[1], static_cast<double>(summary.iterations),
              summary.status == ceres::TinySolver<Cost>::HIT_MAX_ITERATIONS};
  }
  return out;
}

template <class Cost>
void add(std::vector<Case>& cases, const char* name, Profile truth, int side) {
  const auto prepare = [truth](Case& c) {
    const Field& field = field_of(truth, c.stamp);
    const auto solver = std::make_shared<ceres::TinySolver<Cost>>();
    // In TinySolver's favour: its own 1e-8 asks for 0.7 more iterations and moves no position by 1e-4 px.
    solver->options.parameter_tolerance = 1e-6;
    const auto out = std::make_shared<std::vector<Position>>(field.start.size());
    c.run = [&field, solver, out] { fit_all(field, *solver, *out); };
    c.run();
    c.quality = judge(field, *out);
  };
  cases.push_back({name, side, "f64", kStars, prepare, {}, {}});
}

/// Nodes a pixel's side: what the width of the stars asks for, as starflow chooses them.
template <int N, int Nodes>
void add_side(std::vector<Case>& cases) {
  add<AxisAligned<N>>(cases, "tinysolver_gaussian", Profile::gaussian, N);
  add<Rotated<GaussianProfile, N, Nodes>>(cases, "tinysolver_gaussian_rotated", Profile::gaussian, N);
  add<Rotated<MoffatProfile, N, Nodes>>(cases, "tinysolver_moffat_rotated", Profile::moffat, N);
}

}  // namespace

void add_ceres_cases(std::vector<Case>& cases) {
  add_side<9, 3>(cases);
  add_side<15, 3>(cases);
  add_side<21, 2>(cases);
  add_side<31, 2>(cases);
}

}  // namespace starflow::bench
