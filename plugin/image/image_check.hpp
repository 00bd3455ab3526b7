// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Is an image file whole? Decoders fill what is missing with grey or zeros, and some complain on standard error.

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace starflow {

/// What is wrong with a file as a whole.
struct ImageFault {
  std::string code;  ///< `image.truncated` or `image.too_large`
  std::string text;
};

/// Walks the chunks of a PNG, the segments of a JPEG and the first directory of a TIFF; other formats pass.
[[nodiscard]] std::optional<ImageFault> check_image(std::span<const unsigned char> file);

}  // namespace starflow
