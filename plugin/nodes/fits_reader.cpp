// SPDX-License-Identifier: MIT
#include "fits_reader.hpp"

#include "fits_file.hpp"
#include "fits_pixels.hpp"
#include "fits_plain.hpp"
#include "fits_select.hpp"
#include "fits_tiles.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <fitsio.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <utility>

namespace starflow {
namespace {

constexpr std::int64_t kBlock = 2880;  // bytes
constexpr int kMaxSide = 1 << 20;      // px
// A tile of equal pixels packs 1000:1 or better; what claims far more is a broken header, not an image.
constexpr std::int64_t kMaxPacking = 2048;
constexpr std::int64_t kAlwaysAllowed = std::int64_t{64} << 20;  // bytes

/// How a pixel of one equivalent BITPIX is read.
struct PixelForm {
  int depth;     ///< of OpenCV
  int datatype;  ///< of CFITSIO
  const char* note = nullptr;
};

PixelForm form_of(int equivalent_bitpix) {
  switch (equivalent_bitpix) {
    case BYTE_IMG: return {CV_8U, TBYTE};
    case SBYTE_IMG:
    case SHORT_IMG: return {CV_16S, TSHORT};
    case USHORT_IMG: return {CV_16U, TUSHORT};
    case LONG_IMG: return {CV_32S, TINT};
    case FLOAT_IMG: return {CV_32F, TFLOAT};
    case ULONG_IMG: return {CV_64F, TDOUBLE, "32-bit unsigned pixels read as f64"};
    case LONGLONG_IMG:
    case ULONGLONG_IMG: return {CV_64F, TDOUBLE, "64-bit integer pixels read as f64, exact up to 2^53"};
    default: return {CV_64F, TDOUBLE};
  }
}

void add_cards(fitsfile* file, FitsHeader& header) {
  int status = 0;
  int count = 0;
  fits_get_hdrspace(file, &count, nullptr, &status);
  for (int i = 1; i <= count; ++i) {
    char key[FLEN_KEYWORD] = {};
    char value[FLEN_VALUE] = {};
    char comment[FLEN_COMMENT] = {};
    status = 0;
    if (fits_read_keyn(file, i, key, value, comment, &status) == 0 && value[0] != '\0') header.add(key, value, comment);
  }
  fits_clear_errmsg();
}

}  // namespace

class FitsReader::Impl {
 public:
  Impl(const std::string& path, const std::string& hdu) : file_(path), axes_(select_image(file_, hdu)) {
    if (axes_.count > kMaxFitsAxes)
      throw FrameError("fits.not_2d", fmt::format("has {} axes; up to {} are read", axes_.count, kMaxFitsAxes));
    read_types();
    check_size();
    check_sum();
    read_header();
  }

  [[nodiscard]] FitsPixels read(int plane) const;

  int width = 0, height = 0, planes = 1;
  FitsHeader header;

 private:
  [[nodiscard]] fitsfile* cfitsio() const { return static_cast<fitsfile*>(file_.handle()); }
  void read_types();
  void check_size();
  void check_sum() const;
  void read_header();
  [[nodiscard]] FitsPlane plane_at(int plane, int datatype) const;
  [[nodiscard]] bool plain() const;
  void read_plain(int plane, cv::Mat& image) const;

  FitsFile file_;
  FitsAxes axes_;
  int bitpix_ = 0;             // as stored
  int equivalent_bitpix_ = 0;  // with BZERO and BSCALE
  bool compressed_ = false;
  std::int64_t data_start_ = 0;  // byte of the file
};

void FitsReader::Impl::read_types() {
  int status = 0;
  compressed_ = fits_is_compressed_image(cfitsio(), &status) != 0;
  fits_get_img_type(cfitsio(), &bitpix_, &status);
  fits_get_img_equivtype(cfitsio(), &equivalent_bitpix_, &status);
  if (status != 0) fail_fits(status, "has a header that can't be read");
}

// Checks the claims of the header against the file before anything of that size is allocated.
void FitsReader::Impl::check_size() {
  std::int64_t pixels = 1;
  std::int64_t plane_count = 1;
  bool overflow = false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(axes_.count); ++i) {
    overflow |= __builtin_mul_overflow(pixels, axes_.size[i], &pixels);
    if (i >= 2) overflow |= __builtin_mul_overflow(plane_count, axes_.size[i], &plane_count);
  }
  int status = 0;
  LONGLONG start = 0;
  fits_get_hduaddrll(cfitsio(), nullptr, &start, nullptr, &status);
  if (status != 0) fail_fits(status, "has a header that can't be read");
  data_start_ = start;
  const std::int64_t stored = file_.stored_bytes();
  if (stored > file_.bytes() - start) {
    throw FrameError(
        "fits.truncated",
        fmt::format("is cut short: an image of {} px needs {} bytes from byte {} on, the file ends after {}",
                    axes_.text(), stored, start, file_.bytes()));
  }
  const std::int64_t largest = std::max(kAlwaysAllowed, file_.bytes() * kMaxPacking);
  if (overflow || axes_.size[0] > kMaxSide || axes_.size[1] > kMaxSide ||
      plane_count > std::numeric_limits<int>::max() || pixels > largest / std::max(std::abs(bitpix_) / 8, 1)) {
    throw FrameError("fits.too_large",
                     fmt::format("claims {} px, more than can be in a file of {} bytes or above {} px a side",
                                 axes_.text(), file_.bytes(), kMaxSide));
  }
  width = static_cast<int>(axes_.size[0]);
  height = static_cast<int>(axes_.size[1]);
  planes = static_cast<int>(plane_count);
  if (start + stored > file_.bytes() / kBlock * kBlock) file_.fill_last_block();
}

// Damaged tiles often unpack to pixels that look sound, so the sum that packers write is checked.
void FitsReader::Impl::check_sum() const {
  int status = 0;
  int data_ok = 0;
  int header_ok = 0;
  if (compressed_ && fits_verify_chksum(cfitsio(), &data_ok, &header_ok, &status) == 0 && data_ok < 0) {
    throw FrameError("fits.damaged", "is damaged: the compressed data do not have the sum that DATASUM states");
  }
  fits_clear_errmsg();
}

void FitsReader::Impl::read_header() {
  add_cards(cfitsio(), header);
  const int here = file_.number();
  if (here == 1) return;
  if (file_.move_to(1) && !file_.axes().has_data()) add_cards(cfitsio(), header);
  if (!file_.move_to(here)) throw FrameError("fits.unreadable", "can't be read twice");
}

FitsPlane FitsReader::Impl::plane_at(int plane, int datatype) const {
  FitsPlane at;
  at.datatype = datatype;
  at.pixels = static_cast<long long>(width) * height;
  long long rest = plane;
  for (std::size_t i = 2; i < static_cast<std::size_t>(axes_.count); ++i) {
    at.first[i] = 1 + rest % axes_.size[i];
    rest /= axes_.size[i];
  }
  return at;
}

/// Whether the pixels are 16-bit integers, signed or not, as they stand.
bool FitsReader::Impl::plain() const {
  const bool integers = equivalent_bitpix_ == SHORT_IMG || equivalent_bitpix_ == USHORT_IMG;
  return integers && bitpix_ == SHORT_IMG && !compressed_ && file_.on_disk();
}

void FitsReader::Impl::read_plain(int plane, cv::Mat& image) const {
  constexpr std::uint16_t kSign = 0x8000;
  const std::span pixels(reinterpret_cast<std::uint16_t*>(image.data), image.total());
  const int descriptor = file_.share();
  const bool all = read_plain_pixels(descriptor, data_start_ + plane * static_cast<std::int64_t>(pixels.size_bytes()),
                                     equivalent_bitpix_ == USHORT_IMG ? kSign : std::uint16_t{0}, pixels);
  close(descriptor);
  if (!all) fail_fits(READ_ERROR, "has pixels that can't be read");
}

FitsPixels FitsReader::Impl::read(int plane) const {
  const PixelForm form = form_of(equivalent_bitpix_);
  FitsPixels out;
  if (form.note != nullptr) out.notes.emplace_back(form.note);
  out.image.create(height, width, form.depth);
  const bool integer = form.depth != CV_32F && form.depth != CV_64F;
  cv::Mat mask;
  if (integer && (compressed_ || header.has("BLANK"))) mask = cv::Mat::zeros(height, width, CV_8UC1);
  char* blank = mask.empty() ? nullptr : reinterpret_cast<char*>(mask.data);
  int blanks = 0;
  const FitsPlane at = plane_at(plane, form.datatype);
  if (compressed_) {
    unpack_tiles(file_, at, out.image.data, out.image.total() * out.image.elemSize(), blank, blanks);
  } else if (mask.empty() && plain()) {
    read_plain(plane, out.image);
  } else if (const int status = read_pixels(file_.handle(), at, out.image.data, blank, blanks); status != 0) {
    fail_fits(status, "has pixels that can't be read");
  }
  if (!mask.empty() && blanks != 0) {
    out.image.setTo(0, mask);
    out.mask = std::move(mask);
  }
  return out;
}

FitsReader::FitsReader(const std::string& path, const std::string& hdu) : impl_(std::make_unique<Impl>(path, hdu)) {}
FitsReader::~FitsReader() = default;
int FitsReader::width() const noexcept { return impl_->width; }
int FitsReader::height() const noexcept { return impl_->height; }
int FitsReader::planes() const noexcept { return impl_->planes; }
const FitsHeader& FitsReader::header() const noexcept { return impl_->header; }
FitsPixels FitsReader::read(int plane) const { return impl_->read(plane); }

}  // namespace starflow
