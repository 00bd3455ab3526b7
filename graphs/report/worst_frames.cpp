// SPDX-License-Identifier: MIT
#include "worst_frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

namespace starflow::report {
namespace {

struct Quantity {
  double FrameRow::*value;
  double bad;  ///< 1 = more is worse, -1 = less is
  const char* name;
  const char* unit;
};
constexpr std::array<Quantity, 5> kQuantities = {{{&FrameRow::fwhm, 1, "FWHM", " px"},
                                                  {&FrameRow::ellipticity, 1, "ellipticity", ""},
                                                  {&FrameRow::stars, -1, "stars", ""},
                                                  {&FrameRow::background, 1, "background", ""},
                                                  {&FrameRow::noise, 1, "noise", ""}}};

constexpr double kLeastPart = 0.02;
constexpr std::size_t kOfAKind = 4;

double median_of(std::vector<double>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

}  // namespace

std::vector<WorstFrame> worst_frames(const std::vector<FrameRow>& rows, std::size_t most) {
  std::vector<WorstFrame> all;
  const auto add = [&](std::vector<WorstFrame> some, std::size_t at_most) {
    std::ranges::stable_sort(some, std::greater<>(), &WorstFrame::sigma);
    for (std::size_t i = 0; i < std::min(some.size(), at_most); ++i) {
      const auto same = std::ranges::find(all, some[i].row, &WorstFrame::row);
      if (same == all.end()) {
        all.push_back(some[i]);
      } else if (same->sigma < some[i].sigma) {
        *same = some[i];
      }
    }
  };
  for (const Quantity& q : kQuantities) {
    std::vector<double> values;
    for (const FrameRow& row : rows) {
      if (std::isfinite(row.*q.value)) values.push_back(row.*q.value);
    }
    if (values.size() < 2) continue;
    const double median = median_of(values);
    for (double& v : values) v = std::abs(v - median);
    const double least = std::max(kLeastPart * std::abs(median), q.value == &FrameRow::stars ? std::sqrt(median) : 0);
    const double sigma = std::max(1.4826 * median_of(values), least);
    std::vector<WorstFrame> away;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double value = rows[i].*q.value, distance = q.bad * (value - median) / sigma;
      if (distance > 0)
        away.push_back({i, distance, fmt::format("{} {:.4g}{}, median {:.4g}", q.name, value, q.unit, median)});
    }
    add(std::move(away), kOfAKind);
  }
  std::ranges::stable_sort(all, std::greater<>(), &WorstFrame::sigma);
  for (std::size_t i = 0; i < rows.size() && all.size() < most; ++i) {
    const bool there = std::ranges::find(all, i, &WorstFrame::row) != all.end();
    if (!there && std::isfinite(rows[i].stars)) all.push_back({i, 0, {}});
  }
  if (all.size() > most) all.resize(most);
  return all;
}

}  // namespace starflow::report
