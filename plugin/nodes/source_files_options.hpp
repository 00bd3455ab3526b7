// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What source.files can be told.

#include <starflow/sdk/options.hpp>

#include <optional>
#include <string>
#include <vector>

namespace starflow {

struct FilesOptions {
  std::vector<std::string> paths;
  std::string hdu, channel;
  std::optional<int> plane;  ///< of a cube
  bool all_planes = false;
  std::optional<double> gain, read_noise, saturation;
  std::optional<std::string> mosaic;  ///< empty = none, whatever the header says

  explicit FilesOptions(const Options& o);
};

/// The only list of these options.
[[nodiscard]] std::vector<OptionSpec> files_option_table();

}  // namespace starflow
