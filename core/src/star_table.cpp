// SPDX-License-Identifier: MIT
#include <starflow/core/star_table.hpp>

#include <limits>
#include <type_traits>

namespace starflow {

void StarTable::resize(std::size_t n) {
  for_each_column(*this, [n](auto, auto, auto, auto& column) {
    using Cell = typename std::remove_reference_t<decltype(column)>::value_type;
    if constexpr (std::is_floating_point_v<Cell>) {
      column.resize(n, std::numeric_limits<Cell>::quiet_NaN());
    } else {
      column.resize(n);
    }
  });
}

bool StarTable::consistent() const noexcept {
  bool same = true;
  for_each_column(*this, [&](auto, auto, auto, const auto& column) { same = same && column.size() == size(); });
  return same;
}

void append_rows(const StarTable& from, std::span<const std::uint32_t> rows, StarTable& to) {
  zip_columns(
      [rows](auto, auto, auto, const auto& source, auto& target) {
        target.reserve(target.size() + rows.size());
        for (const std::uint32_t row : rows) target.push_back(source[row]);
      },
      from, to);
  if (to.plugin_method.empty()) to.plugin_method = from.plugin_method;
}

}  // namespace starflow
