// SPDX-License-Identifier: MIT
#include "fits_reader.hpp"

#include "fits_check.hpp"

#include <starflow/sdk/node.hpp>

#include <fitsio.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr int kMaxAxes = 9;
constexpr std::int64_t kBlock = 2880;  // bytes
constexpr int kMaxHdus = 10'000;
constexpr int kMaxSide = 1 << 20;  // px
// A tile of equal pixels packs 1000:1 or better; what claims far more is a broken header, not an image.
constexpr std::int64_t kMaxPacking = 2048;
constexpr std::int64_t kAlwaysAllowed = std::int64_t{64} << 20;  // bytes

std::string status_text(int status) {
  char text[FLEN_STATUS] = {};
  fits_get_errstatus(status, text);
  return text;
}

bool means_truncated(int status) {
  return status == END_OF_FILE || status == READ_ERROR || status == SEEK_ERROR || status == DATA_DECOMPRESSION_ERR;
}

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

struct Axes {
  int count = 0;
  LONGLONG size[kMaxAxes] = {};

  [[nodiscard]] bool has_data() const {
    return count > 0 && std::all_of(size, size + std::min(count, kMaxAxes), [](LONGLONG n) { return n > 0; });
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (int i = 0; i < std::min(count, kMaxAxes); ++i) out += (i > 0 ? "x" : "") + std::to_string(size[i]);
    return out;
  }
};

std::optional<int> whole_number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                                   : std::nullopt;
}

}  // namespace

class FitsReader::Impl {
 public:
  Impl(const std::string& path, const std::string& hdu) : path_(path) {
    if (const auto fault = find_fits_fault(path)) fail("fits.unreadable", "is damaged: " + *fault);
    int status = 0;
    // Not fits_open_file: it reads brackets, URLs and pipes out of a file's name.
    if (fits_open_diskfile(&file_, path.c_str(), READONLY, &status) != 0) {
      file_ = nullptr;
      fail(status, "can't be opened");
    }
    try {
      select(hdu);
      measure();
      read_header();
    } catch (...) {
      close();
      throw;
    }
  }
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] FitsPixels read(int plane);

  int width = 0, height = 0, planes = 1;
  FitsHeader header;

 private:
  void close() noexcept {
    int status = 0;
    if (file_ != nullptr) fits_close_file(file_, &status);
    file_ = nullptr;
    fits_clear_errmsg();
  }
  [[noreturn]] void fail(const std::string& code, const std::string& text) const {
    throw FrameError(code, path_ + " " + text);
  }
  [[noreturn]] void fail(int status, const std::string& text) const {
    fits_clear_errmsg();
    if (means_truncated(status))
      fail("fits.truncated", text + ": the file is cut short or damaged (" + status_text(status) + ")");
    fail("fits.unreadable", text + ": " + status_text(status));
  }

  void select(const std::string& hdu);
  void select_first_image();
  [[nodiscard]] bool move_to(int number);
  [[nodiscard]] Axes image_axes() const;
  [[nodiscard]] std::string contents();
  [[nodiscard]] std::int64_t stored_bytes() const;
  void measure();
  void reopen_padded(std::int64_t file_bytes);
  void read_header();
  void add_cards();

  std::string path_;
  fitsfile* file_ = nullptr;
  int equivalent_bitpix_ = 0;
  bool compressed_ = false;
  Axes axes_;
  std::vector<char> padded_;  // the file in memory, where it was not whole blocks
  void* memory_ = nullptr;
  std::size_t memory_bytes_ = 0;
};

// CFITSIO counts from 1.
bool FitsReader::Impl::move_to(int number) {
  int status = 0;
  fits_movabs_hdu(file_, number, nullptr, &status);
  fits_clear_errmsg();
  return status == 0;
}

// None for a table.
Axes FitsReader::Impl::image_axes() const {
  Axes axes;
  int status = 0;
  int type = ANY_HDU;
  int bitpix = 0;
  fits_get_hdu_type(file_, &type, &status);
  if (status == 0 && type == IMAGE_HDU) fits_get_img_paramll(file_, kMaxAxes, &bitpix, &axes.count, axes.size, &status);
  if (status != 0) axes.count = 0;
  return axes;
}

// "HDU 0: no data; HDU 1 'STARS': table, 101 rows"
std::string FitsReader::Impl::contents() {
  constexpr int kShown = 8;
  std::string out;
  int n = 1;
  for (; n <= kMaxHdus && move_to(n); ++n) {
    if (n > kShown) continue;
    int status = 0;
    char name[FLEN_VALUE] = {};
    if (fits_read_key(file_, TSTRING, "EXTNAME", name, nullptr, &status) != 0) name[0] = '\0';
    status = 0;
    int type = ANY_HDU;
    fits_get_hdu_type(file_, &type, &status);
    std::string what = "no data";
    if (type == IMAGE_HDU) {
      const Axes axes = image_axes();
      if (axes.has_data()) what = "image " + axes.text();
    } else {
      LONGLONG rows = 0;
      fits_get_num_rowsll(file_, &rows, &status);
      what = fmt::format("table, {} rows", rows);
    }
    out += fmt::format("{}HDU {}{}: {}", n > 1 ? "; " : "", n - 1, name[0] != '\0' ? fmt::format(" '{}'", name) : "",
                       what);
  }
  if (n - 1 > kShown) out += fmt::format("; ... {} in all", n - 1);
  fits_clear_errmsg();
  return out;
}

void FitsReader::Impl::select_first_image() {
  bool tables = false;
  bool rows_only = false;
  for (int n = 1; n <= kMaxHdus && move_to(n); ++n) {
    int status = 0;
    int type = ANY_HDU;
    fits_get_hdu_type(file_, &type, &status);
    tables |= type != IMAGE_HDU;
    const Axes axes = image_axes();
    if (axes.has_data() && axes.count >= 2) return;
    rows_only |= axes.has_data();
  }
  if (rows_only) fail("fits.not_2d", "holds no image of two axes (" + contents() + ")");
  if (tables) {
    fail("fits.no_image",
         "holds tables only (" + contents() + "); a list of star positions goes to node detections.file");
  }
  fail("fits.no_image", "holds no image (" + contents() + ")");
}

void FitsReader::Impl::select(const std::string& hdu) {
  if (hdu.empty()) return select_first_image();
  if (const auto number = whole_number(hdu)) {
    if (*number < 0 || *number >= kMaxHdus || !move_to(*number + 1))
      fail("fits.no_hdu", "has no HDU " + hdu + " (" + contents() + ")");
  } else {
    const auto comma = hdu.rfind(',');
    const auto version = comma == std::string::npos ? std::nullopt : whole_number(hdu.substr(comma + 1));
    std::string name = version ? hdu.substr(0, comma) : hdu;
    int status = 0;
    fits_movnam_hdu(file_, ANY_HDU, name.data(), version.value_or(0), &status);
    fits_clear_errmsg();
    if (status != 0) fail("fits.no_hdu", "has no HDU named '" + hdu + "' (" + contents() + ")");
  }
  const Axes axes = image_axes();
  if (!axes.has_data()) fail("fits.no_image", "has no image in HDU " + hdu + " (" + contents() + ")");
  if (axes.count < 2) fail("fits.not_2d", "has one axis only in HDU " + hdu + " (" + contents() + ")");
}

// Bytes of the data as the header states them, without padding; the maximum where they overflow.
std::int64_t FitsReader::Impl::stored_bytes() const {
  const auto key = [&](const std::string& name, LONGLONG otherwise) {
    LONGLONG value = otherwise;
    int status = 0;
    if (fits_read_key(file_, TLONGLONG, name.c_str(), &value, nullptr, &status) != 0) value = otherwise;
    return std::max<LONGLONG>(value, 0);
  };
  int status = 0;
  int bitpix = 8;
  fits_read_key(file_, TINT, "BITPIX", &bitpix, nullptr, &status);
  std::int64_t bytes = 1;
  bool overflow = false;
  const LONGLONG axes = key("NAXIS", 0);
  for (LONGLONG i = 1; i <= axes; ++i)
    overflow |= __builtin_mul_overflow(bytes, key("NAXIS" + std::to_string(i), 1), &bytes);
  overflow |= __builtin_add_overflow(bytes, key("PCOUNT", 0), &bytes);
  overflow |= __builtin_mul_overflow(bytes, std::abs(bitpix) / 8, &bytes);
  fits_clear_errmsg();
  return overflow ? std::numeric_limits<std::int64_t>::max() : bytes;
}

// Checks the claims of the header against the file before anything of that size is allocated.
void FitsReader::Impl::measure() {
  axes_ = image_axes();
  if (axes_.count > kMaxAxes) fail("fits.not_2d", fmt::format("has {} axes; up to {} are read", axes_.count, kMaxAxes));
  std::int64_t pixels = 1;
  std::int64_t plane_count = 1;
  bool overflow = false;
  for (int i = 0; i < axes_.count; ++i) {
    overflow |= __builtin_mul_overflow(pixels, axes_.size[i], &pixels);
    if (i >= 2) overflow |= __builtin_mul_overflow(plane_count, axes_.size[i], &plane_count);
  }
  int status = 0;
  int bitpix = 0;
  compressed_ = fits_is_compressed_image(file_, &status) != 0;
  fits_get_img_type(file_, &bitpix, &status);
  fits_get_img_equivtype(file_, &equivalent_bitpix_, &status);
  LONGLONG start = 0;
  fits_get_hduaddrll(file_, nullptr, &start, nullptr, &status);
  if (status != 0) fail(status, "has a header that can't be read");

  const std::int64_t file_bytes = file_->Fptr->filesize;
  const std::int64_t stored = stored_bytes();
  if (stored > file_bytes - start) {
    fail("fits.truncated",
         fmt::format("is cut short: an image of {} px needs {} bytes from byte {} on, the file ends after {}",
                     axes_.text(), stored, start, file_bytes));
  }
  // A damaged tile can send CFITSIO's decoder astray, so the sums that packers write are checked first.
  int data_ok = 0;
  int header_ok = 0;
  if (compressed_ && fits_verify_chksum(file_, &data_ok, &header_ok, &status) == 0 && data_ok < 0) {
    fail("fits.unreadable", "is damaged: the compressed data do not have the sum that DATASUM states");
  }
  if (start + stored > file_bytes / kBlock * kBlock) reopen_padded(file_bytes);
  const std::int64_t largest = std::max(kAlwaysAllowed, file_bytes * kMaxPacking);
  if (overflow || axes_.size[0] > kMaxSide || axes_.size[1] > kMaxSide ||
      plane_count > std::numeric_limits<int>::max() || pixels > largest / (std::abs(bitpix) / 8)) {
    fail("fits.too_large", fmt::format("claims {} px, more than can be in a file of {} bytes or above {} px a side",
                                       axes_.text(), file_bytes, kMaxSide));
  }
  width = static_cast<int>(axes_.size[0]);
  height = static_cast<int>(axes_.size[1]);
  planes = static_cast<int>(plane_count);
}

// Some programs do not fill up the last block, which CFITSIO then can't read.
void FitsReader::Impl::reopen_padded(std::int64_t file_bytes) {
  std::ifstream in(path_, std::ios::binary);
  padded_.assign(std::istreambuf_iterator<char>(in), {});
  if (static_cast<std::int64_t>(padded_.size()) != file_bytes) {
    fail("fits.truncated", "is a packed file whose contents end within a block; unpack it");
  }
  padded_.resize(static_cast<std::size_t>((file_bytes + kBlock - 1) / kBlock * kBlock), 0);
  memory_ = padded_.data();
  memory_bytes_ = padded_.size();
  int number = 1;
  fits_get_hdu_num(file_, &number);
  close();
  int status = 0;
  if (fits_open_memfile(&file_, "padded", READONLY, &memory_, &memory_bytes_, 0, nullptr, &status) != 0) {
    file_ = nullptr;
    fail(status, "can't be opened");
  }
  if (!move_to(number)) fail("fits.unreadable", "can't be read twice");
}

void FitsReader::Impl::add_cards() {
  int status = 0;
  int count = 0;
  fits_get_hdrspace(file_, &count, nullptr, &status);
  for (int i = 1; i <= count; ++i) {
    char key[FLEN_KEYWORD] = {};
    char value[FLEN_VALUE] = {};
    char comment[FLEN_COMMENT] = {};
    status = 0;
    if (fits_read_keyn(file_, i, key, value, comment, &status) == 0 && value[0] != '\0')
      header.add(key, value, comment);
  }
  fits_clear_errmsg();
}

void FitsReader::Impl::read_header() {
  add_cards();
  int number = 1;
  fits_get_hdu_num(file_, &number);
  if (number == 1) return;
  if (move_to(1) && !image_axes().has_data()) add_cards();
  if (!move_to(number)) fail("fits.unreadable", "can't be read twice");
}

FitsPixels FitsReader::Impl::read(int plane) {
  const PixelForm form = form_of(equivalent_bitpix_);
  FitsPixels out;
  if (form.note != nullptr) out.notes.emplace_back(form.note);
  out.image.create(height, width, form.depth);
  LONGLONG first[kMaxAxes] = {1, 1};
  LONGLONG rest = plane;
  for (int i = 2; i < axes_.count; ++i) {
    first[i] = 1 + rest % axes_.size[i];
    rest /= axes_.size[i];
  }
  const LONGLONG count = static_cast<LONGLONG>(width) * height;
  int status = 0;
  int blanks = 0;
  const bool integer = form.depth != CV_32F && form.depth != CV_64F;
  if (integer && (compressed_ || header.has("BLANK"))) {
    cv::Mat mask(height, width, CV_8UC1, cv::Scalar(0));
    fits_read_pixnullll(file_, form.datatype, first, count, out.image.data, reinterpret_cast<char*>(mask.data), &blanks,
                        &status);
    if (blanks != 0) {
      out.image.setTo(0, mask);
      out.mask = std::move(mask);
    }
  } else {
    float nan_f32 = std::numeric_limits<float>::quiet_NaN();
    double nan_f64 = std::numeric_limits<double>::quiet_NaN();
    void* blank = integer                ? nullptr
                  : form.depth == CV_32F ? static_cast<void*>(&nan_f32)
                                         : static_cast<void*>(&nan_f64);
    fits_read_pixll(file_, form.datatype, first, count, blank, out.image.data, &blanks, &status);
  }
  if (status != 0) fail(status, "has pixels that can't be read");
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
