// SPDX-License-Identifier: MIT
#include "field_map.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow::report {
namespace {

constexpr int kColumns = 12, kStep = 4;  // rows are a multiple of the step, so that cells can be merged
constexpr double kStarsInCell = 8;       // on average, or cells are merged
constexpr double kRadians = std::numbers::pi / 180;

}  // namespace

double FieldMap::Cell::ellipticity() const { return std::hypot(e1, e2) / static_cast<double>(stars); }
double FieldMap::Cell::theta_deg() const { return 0.5 * std::atan2(e2, e1) / kRadians; }

void FieldMap::set_frame(double width, double height) {
  if (columns_ > 0 || !(width > 0) || !(height > 0)) return;
  aspect_ = std::clamp(height / width, 0.25, 2.0);
  columns_ = kColumns;
  rows_ = kStep * std::max(1, static_cast<int>(std::lround(kColumns * aspect_ / kStep)));
  cells_.resize(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_));
}

void FieldMap::add(double u, double v, double fwhm, double ellipticity, double theta_deg) {
  const bool inside = u >= 0 && u <= 1 && v >= 0 && v <= 1;
  if (columns_ == 0 || !inside || !std::isfinite(fwhm) || !std::isfinite(ellipticity) || !std::isfinite(theta_deg))
    return;
  const int column = std::min(static_cast<int>(u * columns_), columns_ - 1);
  const int row = std::min(static_cast<int>(v * rows_), rows_ - 1);
  Cell& c = cells_[static_cast<std::size_t>(row * columns_ + column)];
  c.fwhm.add(fwhm);
  c.e1 += ellipticity * std::cos(2 * theta_deg * kRadians);
  c.e2 += ellipticity * std::sin(2 * theta_deg * kRadians);
  ++c.stars;
  ++stars_;
}

void FieldMap::Cell::merge(const Cell& other) {
  for (const double value : other.fwhm.kept()) fwhm.add(value);
  e1 += other.e1;
  e2 += other.e2;
  stars += other.stars;
}

FieldMap FieldMap::readable() const {
  int factor = 1;
  while (factor < kStep && static_cast<double>(stars_) < kStarsInCell * columns_ * rows_ / (factor * factor))
    factor *= 2;
  FieldMap out;
  out.columns_ = columns_ / factor;
  out.rows_ = rows_ / factor;
  out.aspect_ = aspect_;
  out.stars_ = stars_;
  out.cells_.resize(cells_.size() / static_cast<std::size_t>(factor * factor));
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      const int to = row / factor * out.columns_ + column / factor;
      out.cells_[static_cast<std::size_t>(to)].merge(cell(column, row));
    }
  }
  return out;
}

bool FieldMap::any_shown() const {
  return std::ranges::any_of(cells_, [](const Cell& c) { return c.shown(); });
}

}  // namespace starflow::report
