// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reading, before the first frame, of files that are for all frames.

#include "table_file.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <string>

namespace starflow {

/// What \p read makes of the file. \throws OptionError naming \p option where that fails
template <class Read>
auto read_for_all(const std::string& option, const std::string& path, Read&& read) {
  try {
    return read(path);
  } catch (const FrameError& e) {
    throw OptionError(option, path + " " + e.what());
  } catch (const TableError& e) {
    throw OptionError(option, e.what());
  } catch (const cv::Exception& e) {
    throw OptionError(option, path + ": " + e.err);
  }
}

}  // namespace starflow
