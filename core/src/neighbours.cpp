// SPDX-License-Identifier: MIT
#include "neighbours.hpp"

namespace starflow {

void NeighbourGrid::build(
    std::span<const double> x, std::span<const double> y, int width, int height, double reach_px) {
  constexpr double kCellsPerStar = 4;  // nine cells hold about two stars, and the cells stay in cache
  constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  const double area = static_cast<double>(width) * height, stars = std::max<double>(1, static_cast<double>(x.size()));
  const double side = std::max(reach_px, std::sqrt(area / (kCellsPerStar * stars)));
  per_cell_ = 1 / side;
  columns_ = 1 + static_cast<int>(width * per_cell_);
  rows_ = 1 + static_cast<int>(height * per_cell_);
  begin_.assign(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_) + 1, 0);
  cell_of_.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool finite = std::isfinite(x[i]) && std::isfinite(y[i]);
    cell_of_[i] = finite ? static_cast<std::uint32_t>(cell(y[i], rows_) * columns_ + cell(x[i], columns_)) : kNowhere;
    if (finite) ++begin_[cell_of_[i]];
  }
  std::uint32_t total = 0;
  for (std::uint32_t& begin : begin_) begin = total += begin;  // the end of each cell
  entries_.resize(total);
  for (std::size_t i = x.size(); i-- > 0;) {
    if (cell_of_[i] != kNowhere) entries_[--begin_[cell_of_[i]]] = {x[i], y[i], static_cast<std::uint32_t>(i)};
  }
}

}  // namespace starflow
