// SPDX-License-Identifier: MIT
#include "fits_file.hpp"

#include "fits_check.hpp"
#include "fits_gzip.hpp"

#include <starflow/sdk/node.hpp>

#include <fcntl.h>
#include <fitsio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

constexpr std::size_t kBlock = 2880;

fitsfile* cfitsio(void* handle) { return static_cast<fitsfile*>(handle); }

void check_headers(const ReadBytes& read) {
  if (const auto fault = find_fits_fault(read)) throw FrameError("fits.damaged", "is damaged: " + *fault);
}

ReadBytes bytes_of(std::ifstream& in) {
  return [&in](std::uint64_t at, std::span<char> to) {
    in.clear();
    in.seekg(static_cast<std::streamoff>(at));
    in.read(to.data(), static_cast<std::streamsize>(to.size()));
    return static_cast<std::size_t>(in.gcount());
  };
}

ReadBytes bytes_of(const std::vector<char>& content) {
  return [&content](std::uint64_t at, std::span<char> to) {
    const std::size_t n = at < content.size() ? std::min<std::size_t>(content.size() - at, to.size()) : 0;
    if (n > 0) std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(at), n, to.begin());
    return n;
  };
}

void fill_up(std::vector<char>& content) { content.resize((content.size() + kBlock - 1) / kBlock * kBlock, '\0'); }

}  // namespace

void fail_fits(int status, const std::string& text) {
  char reason[FLEN_STATUS] = {};
  fits_get_errstatus(status, reason);
  fits_clear_errmsg();
  if (status == END_OF_FILE || status == READ_ERROR || status == SEEK_ERROR)
    throw FrameError("fits.truncated", text + ": the file is cut short or damaged (" + reason + ")");
  if (status == DATA_DECOMPRESSION_ERR) throw FrameError("fits.damaged", text + ": its packed data are wrong");
  throw FrameError("fits.unreadable", text + ": " + reason);
}

bool FitsAxes::has_data() const {
  const auto end = size.begin() + std::min(count, kMaxFitsAxes);
  return count > 0 && std::all_of(size.begin(), end, [](long long n) { return n > 0; });
}

std::string FitsAxes::text() const {
  std::string out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(count, kMaxFitsAxes)); ++i)
    out += (i > 0 ? "x" : "") + std::to_string(size[i]);
  return out;
}

FitsFile::FitsFile(std::string path) : path_(std::move(path)) {
  std::ifstream in(path_, std::ios::binary);
  std::array<char, 6> head{};
  in.read(head.data(), head.size());
  std::string_view begin(head.data(), static_cast<std::size_t>(in.gcount()));
  if (begin.starts_with("\x1f\x9d"))
    throw FrameError("fits.unsupported", "is packed by compress (.Z), which is not read; unpack it with gunzip");
  if (begin.starts_with("\x1f\x8b")) {
    content_ = unpack_gzip(path_);
    bytes_ = static_cast<std::int64_t>(content_.size());
    begin = std::string_view(content_.data(), std::min(content_.size(), head.size()));
    if (begin != "SIMPLE")
      throw FrameError("fits.unreadable", "holds no FITS file (the unpacked data do not begin with SIMPLE)");
    fill_up(content_);
    check_headers(bytes_of(content_));
    open_memory();
    return;
  }
  if (begin != "SIMPLE") throw FrameError("fits.unreadable", "is not a FITS file (it does not begin with SIMPLE)");
  check_headers(bytes_of(in));
  open_disk();
}

FitsFile::~FitsFile() { close(); }

void FitsFile::close() noexcept {
  int status = 0;
  if (handle_ != nullptr) fits_close_file(cfitsio(handle_), &status);
  handle_ = nullptr;
  fits_clear_errmsg();
}

void FitsFile::open_disk() {
  int status = 0;
  fitsfile* opened = nullptr;
  // Not fits_open_file: it reads brackets, URLs and pipes out of a file's name.
  if (fits_open_diskfile(&opened, path_.c_str(), READONLY, &status) != 0) fail_fits(status, "can't be opened");
  handle_ = opened;
  bytes_ = opened->Fptr->filesize;
}

void FitsFile::open_memory() {
  memory_ = content_.data();
  memory_bytes_ = content_.size();
  int status = 0;
  fitsfile* opened = nullptr;
  if (fits_open_memfile(&opened, "memory", READONLY, &memory_, &memory_bytes_, 0, nullptr, &status) != 0)
    fail_fits(status, "can't be opened");
  handle_ = opened;
}

int FitsFile::number() const {
  int number = 1;
  fits_get_hdu_num(cfitsio(handle_), &number);
  return number;
}

bool FitsFile::move_to(int number) const {
  int status = 0;
  fits_movabs_hdu(cfitsio(handle_), number, nullptr, &status);
  fits_clear_errmsg();
  return status == 0;
}

FitsAxes FitsFile::axes() const {
  static_assert(sizeof(LONGLONG) == sizeof(long long));
  FitsAxes axes;
  int status = 0;
  int type = ANY_HDU;
  int bitpix = 0;
  fitsfile* file = cfitsio(handle_);
  fits_get_hdu_type(file, &type, &status);
  if (status == 0 && type == IMAGE_HDU)
    fits_get_img_paramll(file, kMaxFitsAxes, &bitpix, &axes.count, axes.size.data(), &status);
  if (status != 0) axes.count = 0;
  fits_clear_errmsg();
  return axes;
}

std::int64_t FitsFile::stored_bytes() const {
  fitsfile* file = cfitsio(handle_);
  const auto key = [&](const std::string& name, LONGLONG otherwise) {
    LONGLONG value = otherwise;
    int status = 0;
    if (fits_read_key(file, TLONGLONG, name.c_str(), &value, nullptr, &status) != 0) value = otherwise;
    return std::max<LONGLONG>(value, 0);
  };
  int status = 0;
  int bitpix = 8;
  fits_read_key(file, TINT, "BITPIX", &bitpix, nullptr, &status);
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

void FitsFile::fill_last_block() {
  if (!content_.empty()) return;  // filled up already
  std::ifstream in(path_, std::ios::binary);
  content_.assign(std::istreambuf_iterator<char>(in), {});
  fill_up(content_);
  const int here = number();
  close();
  open_memory();
  if (!move_to(here)) throw FrameError("fits.unreadable", "can't be read twice");
}

int FitsFile::share() const {
  const auto fail = [] {
    throw FrameError("file.unreadable", std::string("can't be opened: ") + std::strerror(errno));
  };
  if (content_.empty()) {
    const int disk = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (disk < 0) fail();
    return disk;
  }
  const int memory = memfd_create("starflow-fits", MFD_CLOEXEC);
  if (memory < 0) fail();
  for (std::size_t at = 0; at < content_.size();) {
    const ssize_t n = write(memory, content_.data() + at, content_.size() - at);
    if (n > 0) at += static_cast<std::size_t>(n);
    if (n < 0 && errno != EINTR) {
      ::close(memory);
      fail();
    }
  }
  return memory;
}

}  // namespace starflow
