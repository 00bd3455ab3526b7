// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Numeric CSV tables with a header line, as the reference catalogues come.

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow::test {

/// Columns by name; an empty cell is NaN.
struct CsvTable {
  std::map<std::string, std::vector<double>> columns;

  [[nodiscard]] const std::vector<double>& operator[](const std::string& name) const { return columns.at(name); }
  [[nodiscard]] std::size_t size() const { return columns.empty() ? 0 : columns.begin()->second.size(); }
};

/// \throws std::runtime_error where the file can't be read.
inline CsvTable read_csv(const std::string& path) {
  std::ifstream in(path);
  std::string line, cell;
  if (!std::getline(in, line)) throw std::runtime_error("can't read " + path);
  std::vector<std::string> names;
  for (std::istringstream header(line); std::getline(header, cell, ',');) names.push_back(cell);
  CsvTable table;
  for (const std::string& name : names) table.columns[name];
  while (std::getline(in, line)) {
    std::istringstream row(line);
    for (const std::string& name : names) {
      cell.clear();
      std::getline(row, cell, ',');
      table.columns[name].push_back(cell.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                 : std::strtod(cell.c_str(), nullptr));
    }
  }
  return table;
}

}  // namespace starflow::test
