// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// An open FITS file, on disk or unpacked in memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace starflow {

inline constexpr int kMaxFitsAxes = 9;
inline constexpr int kMaxFitsHdus = 10'000;

/// The axes of an image; none for a table.
struct FitsAxes {
  int count = 0;
  std::array<long long, kMaxFitsAxes> size{};

  [[nodiscard]] bool has_data() const;
  [[nodiscard]] std::string text() const;  ///< "512x512x3"
};

/// What CFITSIO has open; closed by the destructor. Its headers were checked before, see fits_check.hpp.
class FitsFile {
 public:
  /// \throws FrameError `fits.unreadable`, `fits.truncated`, `fits.damaged`, `fits.too_large` or `fits.unsupported`.
  explicit FitsFile(std::string path);
  ~FitsFile();
  FitsFile(const FitsFile&) = delete;
  FitsFile& operator=(const FitsFile&) = delete;

  /// CFITSIO's `fitsfile*`, whose header stays in .cpp files.
  [[nodiscard]] void* handle() const noexcept { return handle_; }
  /// Of the unpacked file, without what it was filled up with.
  [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }
  /// The HDU where the file stands, 1 = primary, as CFITSIO counts.
  [[nodiscard]] int number() const;
  /// \return false where HDU \p number is not there or has a header that can't be read.
  [[nodiscard]] bool move_to(int number) const;
  /// Of the HDU where the file stands.
  [[nodiscard]] FitsAxes axes() const;
  /// Bytes of this HDU's data as its header states them, without padding; the maximum where they overflow.
  [[nodiscard]] std::int64_t stored_bytes() const;
  /// Goes on in memory, filled up to whole blocks: some programs do not fill the last one, which CFITSIO can't read.
  void fill_last_block();
  [[nodiscard]] bool on_disk() const noexcept { return content_.empty(); }  ///< else unpacked in memory
  /// A new descriptor of the unpacked file, for another process; the caller closes it.
  /// \throws FrameError `file.unreadable`
  [[nodiscard]] int share() const;

 private:
  void open_disk();
  void open_memory();
  void close() noexcept;

  std::string path_;
  void* handle_ = nullptr;
  std::int64_t bytes_ = 0;
  std::vector<char> content_;  // empty = on disk
  void* memory_ = nullptr;     // of content_, in the form that CFITSIO asks for
  std::size_t memory_bytes_ = 0;
};

/// Throws the FrameError for a status of CFITSIO. \p text says what failed: "can't be opened"
[[noreturn]] void fail_fits(int status, const std::string& text);

}  // namespace starflow
