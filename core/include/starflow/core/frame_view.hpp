// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A borrowed frame of pixels in its native type. The centre of the first pixel is at (0, 0); x points right, y down.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace starflow {

enum class PixelType : std::uint8_t { u8, u16, i16, i32, f32, f64 };

/// The colour filters on the first 2x2 pixels, row by row.
enum class Mosaic : std::uint8_t { none, rggb, bggr, grbg, gbrg };
inline constexpr std::array<std::string_view, 5> kMosaicNames = {"", "RGGB", "BGGR", "GRBG", "GBRG"};

/// Place of a pixel in its square of 2x2 pixels, row by row.
[[nodiscard]] constexpr std::size_t mosaic_phase(int x, int y) noexcept {
  return 2 * (static_cast<unsigned>(y) & 1U) + (static_cast<unsigned>(x) & 1U);
}
[[nodiscard]] constexpr bool is_green(Mosaic mosaic, std::size_t phase) noexcept {
  return mosaic != Mosaic::none && kMosaicNames[static_cast<std::size_t>(mosaic)][phase] == 'G';
}

/// One row-strided plane of elements.
template <class T>
struct Plane {
  const T* data = nullptr;
  std::ptrdiff_t row_bytes = 0;

  [[nodiscard]] const T* row(int y) const noexcept {
    return reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(data) + y * row_bytes);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return data != nullptr; }
};

/// The pixels of one frame, with its optional mask and variance; owns nothing.
/// A pixel counts as masked where the mask is non-zero, the value is not finite or beyond a float, or the variance is
/// not a positive finite number.
struct FrameView {
  const void* pixels = nullptr;
  PixelType type = PixelType::f32;
  int width = 0;   ///< px
  int height = 0;  ///< px
  std::ptrdiff_t row_bytes = 0;
  Plane<std::uint8_t> mask{};  ///< non-zero = bad pixel; null = none
  Plane<float> variance{};     ///< ADU^2 a pixel, background included; null = none
  Mosaic mosaic = Mosaic::none;

  [[nodiscard]] bool empty() const noexcept { return pixels == nullptr || width <= 0 || height <= 0; }
};

/// True where the pixel counts: a number that a float holds, neither masked nor of a variance that is none. \p value is
/// the pixel at (x, y).
template <class T>
[[nodiscard]] bool is_valid(const FrameView& frame, int x, int y, T value) noexcept {
  if constexpr (std::is_floating_point_v<T>) {
    if (!(std::abs(value) <= static_cast<T>(std::numeric_limits<float>::max()))) return false;
  }
  if (frame.mask && frame.mask.row(y)[x] != 0) return false;
  if (frame.variance) {
    const float v = frame.variance.row(y)[x];
    if (!(v > 0 && std::isfinite(v))) return false;
  }
  return true;
}

/// Calls \p visit with the frame's pixels as `Plane<T>` of their native type, and returns what it returns.
template <class Visit>
decltype(auto) visit_pixels(const FrameView& frame, Visit&& visit) {
  switch (frame.type) {
    case PixelType::u8:
      return visit(Plane<std::uint8_t>{static_cast<const std::uint8_t*>(frame.pixels), frame.row_bytes});
    case PixelType::u16:
      return visit(Plane<std::uint16_t>{static_cast<const std::uint16_t*>(frame.pixels), frame.row_bytes});
    case PixelType::i16:
      return visit(Plane<std::int16_t>{static_cast<const std::int16_t*>(frame.pixels), frame.row_bytes});
    case PixelType::i32:
      return visit(Plane<std::int32_t>{static_cast<const std::int32_t*>(frame.pixels), frame.row_bytes});
    case PixelType::f64: return visit(Plane<double>{static_cast<const double*>(frame.pixels), frame.row_bytes});
    case PixelType::f32: break;
  }
  return visit(Plane<float>{static_cast<const float*>(frame.pixels), frame.row_bytes});
}

}  // namespace starflow
