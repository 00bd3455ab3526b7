// SPDX-License-Identifier: MIT
#include <starflow/core/field_shape.hpp>

#include "median.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <utility>

namespace starflow {
namespace {

constexpr double kClip = 4;
constexpr double kBeyond = 0.5;                // of the range of the stars
constexpr double kSigmaPerDeviation = 1.4826;  // of the median of a normal distribution's deviations
constexpr int kRounds = 12;
constexpr std::size_t kMostSamples = 1024;  // that a median is taken of

/// Of all samples, or of kMostSamples that lie evenly among them.
template <class Value>
double median_of(std::span<const ShapeSample> samples, const Value& value) {
  std::array<double, kMostSamples> values{};
  const std::size_t step = (samples.size() + kMostSamples - 1) / kMostSamples;
  std::size_t n = 0;
  for (std::size_t k = 0; k < samples.size(); k += step) values[n++] = value(samples[k]);
  return upper_median(std::span(values).first(n));
}

std::size_t terms_of(int order) { return order == 0 ? 1 : order == 1 ? 3 : 6; }

}  // namespace

void FieldShape::fit(std::span<ShapeSample> samples, int width, int height) {
  half_x_ = std::max(0.5 * (width - 1), 0.5);
  half_y_ = std::max(0.5 * (height - 1), 0.5);
  stars_ = 0;
  order_ = 0;
  if (samples.size() < kLeastStars) return;
  // A fixed order, so that sums do not depend on how the caller came by the stars.
  const auto place = [](const ShapeSample& s) { return std::tuple(s.y, s.x); };
  std::ranges::sort(samples, {}, place);
  for (ShapeSample& s : samples) s.trust = 1;
  for (int round = 0; round < kRounds; ++round) {  // one far star pulls less than the many do
    approximate(samples);
    const Quantities sigma = scatter(samples);
    for (ShapeSample& s : samples) s.trust = 1 / (1 + std::pow(distance(s, sigma), 2));
  }
  const Quantities sigma = scatter(samples);
  const auto near = [&](const ShapeSample& s) { return distance(s, sigma) <= kClip; };
  const auto rest = std::partition(samples.begin(), samples.end(), near);  // a stable one would allocate
  auto kept = samples.first(static_cast<std::size_t>(rest - samples.begin()));
  if (kept.size() < kLeastStars) kept = samples;
  std::ranges::sort(kept, {}, place);
  for (ShapeSample& s : kept) s.trust = 1;
  approximate(kept);
  stars_ = kept.size();
  note_ranges(kept);
}

/// The polynomials of the highest order that the stars tell.
void FieldShape::approximate(std::span<ShapeSample> samples) {
  order_ = samples.size() >= kCurveStars ? 2 : samples.size() >= kPlaneStars ? 1 : 0;
  while (order_ > 0 && !solve(samples)) --order_;
  if (order_ > 0) return;
  for (std::size_t q = 0; q < kQuantities; ++q) {
    coefficients_[q] = {median_of(samples, [q](const ShapeSample& s) { return s.value[q]; })};
  }
}

/// 1 sigma of each quantity about its polynomial.
FieldShape::Quantities FieldShape::scatter(std::span<const ShapeSample> samples) const {
  constexpr double kRounding = 1e-9;
  Quantities sigma{};
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const double deviation =
        median_of(samples, [&](const ShapeSample& s) { return std::abs(s.value[q] - value(q, terms(s.x, s.y))); });
    sigma[q] = kSigmaPerDeviation * deviation + kRounding;
  }
  return sigma;
}

/// Of the quantity that lies farthest off, sigma.
double FieldShape::distance(const ShapeSample& sample, const Quantities& sigma) const {
  const Terms t = terms(sample.x, sample.y);
  double farthest = 0;
  for (std::size_t q = 0; q < kQuantities; ++q) {
    farthest = std::max(farthest, std::abs(sample.value[q] - value(q, t)) / sigma[q]);
  }
  return farthest;
}

std::array<double, FieldShape::kQuantities> FieldShape::at(double x, double y) const noexcept {
  const Terms t = terms(std::clamp(x, 0.0, 2 * half_x_), std::clamp(y, 0.0, 2 * half_y_));
  std::array<double, kQuantities> out{};
  for (std::size_t q = 0; q < kQuantities; ++q) out[q] = std::clamp(value(q, t), low_[q], high_[q]);
  return out;
}

FieldShape::Terms FieldShape::terms(double x, double y) const noexcept {
  const double u = x / half_x_ - 1, v = y / half_y_ - 1;
  return {1, u, v, u * u, u * v, v * v};
}

double FieldShape::value(std::size_t quantity, const Terms& t) const noexcept {
  double sum = 0;
  for (std::size_t k = 0; k < kTerms; ++k) sum += coefficients_[quantity][k] * t[k];
  return sum;
}

/// Weighted least squares by Cholesky. \return false where the stars' places do not tell all terms
bool FieldShape::solve(std::span<const ShapeSample> samples) {
  constexpr double kSingular = 1e-6;
  const std::size_t n = terms_of(order_);
  std::array<Terms, kTerms> h{};
  std::array<Terms, kQuantities> g{};
  for (const ShapeSample& s : samples) {
    const Terms t = terms(s.x, s.y);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) h[i][j] += s.weight * s.trust * t[i] * t[j];
      for (std::size_t q = 0; q < kQuantities; ++q) g[q][i] += s.weight * s.trust * t[i] * s.value[q];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double whole = h[i][i];
    for (std::size_t j = 0; j <= i; ++j) {
      for (std::size_t k = 0; k < j; ++k) h[i][j] -= h[i][k] * h[j][k];
      if (j < i) h[i][j] /= h[j][j];
    }
    if (!(h[i][i] > kSingular * whole)) return false;
    h[i][i] = std::sqrt(h[i][i]);
  }
  for (std::size_t q = 0; q < kQuantities; ++q) {
    Terms x{};
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = g[q][i];
      for (std::size_t k = 0; k < i; ++k) x[i] -= h[i][k] * x[k];
      x[i] /= h[i][i];
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t k = i + 1; k < n; ++k) x[i] -= h[k][i] * x[k];
      x[i] /= h[i][i];
    }
    coefficients_[q] = x;
  }
  return true;
}

void FieldShape::note_ranges(std::span<const ShapeSample> samples) {
  low_.fill(std::numeric_limits<double>::infinity());
  high_.fill(-std::numeric_limits<double>::infinity());
  for (const ShapeSample& s : samples) {
    for (std::size_t q = 0; q < kQuantities; ++q) {
      low_[q] = std::min(low_[q], s.value[q]);
      high_[q] = std::max(high_[q], s.value[q]);
    }
  }
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const double more = kBeyond * (high_[q] - low_[q]);
    low_[q] -= more;
    high_[q] += more;
  }
}

}  // namespace starflow
