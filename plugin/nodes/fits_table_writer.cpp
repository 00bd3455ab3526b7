// SPDX-License-Identifier: MIT
#include "fits_table_writer.hpp"

#include <starflow/sdk/node.hpp>

#include <fitsio.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <variant>

namespace starflow {
namespace {

constexpr std::size_t kBlock = 2880;
constexpr std::int64_t kNull = std::numeric_limits<std::int64_t>::min();

/// A file in memory for the headers that CFITSIO writes.
class Headers {
 public:
  Headers() {
    fits_create_file(&file_, "mem://", &status_);
    check();
  }
  ~Headers() {
    int ignored = 0;
    if (file_ != nullptr) fits_delete_file(file_, &ignored);
  }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;

  void primary() { fits_create_img(file_, BYTE_IMG, 0, nullptr, &status_); }
  void table(std::string_view name,
             std::vector<std::string> types,
             std::vector<std::string> forms,
             std::uint64_t rows) {
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> all;
      for (std::string& t : texts) all.push_back(t.data());
      return all;
    };
    std::string extension(name);
    fits_create_tbl(file_, BINARY_TBL, 0, static_cast<int>(types.size()), pointers(types).data(),
                    pointers(forms).data(), nullptr, extension.data(), &status_);
    auto count = static_cast<LONGLONG>(rows);
    fits_modify_key_lng(file_, "NAXIS2", count, nullptr, &status_);
  }
  void text(const std::string& key, std::string_view value) {
    fits_write_key_longstr(file_, key.c_str(), std::string(value).c_str(), nullptr, &status_);
  }
  void integer(const std::string& key, std::int64_t value) {
    auto number = static_cast<LONGLONG>(value);
    fits_write_key(file_, TLONGLONG, key.c_str(), &number, nullptr, &status_);
  }
  void comment(const std::string& words) { fits_write_comment(file_, words.c_str(), &status_); }

  /// The cards of the present HDU, filled with blanks to whole blocks. \throws RunError where a call failed
  std::string cards() {
    char* all = nullptr;
    int n = 0;
    fits_hdr2str(file_, 0, nullptr, 0, &all, &n, &status_);
    std::string out = status_ == 0 ? all : "";
    int ignored = 0;
    if (all != nullptr) fits_free_memory(all, &ignored);
    check();
    out.resize((out.size() + kBlock - 1) / kBlock * kBlock, ' ');
    return out;
  }

 private:
  void check() const {
    if (status_ == 0) return;
    char words[FLEN_STATUS] = {};
    fits_get_errstatus(status_, words);
    throw RunError(fmt::format("can't make a FITS header: {}", words));
  }

  fitsfile* file_ = nullptr;
  int status_ = 0;
};

char printable(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

void append_big_endian(std::string& out, std::uint64_t bits) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xFFU);
}

std::string form_of(const FitsColumn& c) {
  if (c.column.type == CellType::integer) return "K";
  if (c.column.type == CellType::real) return "D";
  return fmt::format("{}A", c.text_bytes);
}

}  // namespace

std::string fits_primary_header(const FitsKeywords& keywords, std::span<const std::string> comments) {
  Headers headers;
  headers.primary();
  for (const auto& [key, value] : keywords) headers.text(std::string(key), value);
  for (const std::string& words : comments) headers.comment(words);
  return headers.cards();
}

std::string fits_table_header(std::string_view name, std::span<const FitsColumn> columns, std::uint64_t rows) {
  std::vector<std::string> types, forms;
  for (const FitsColumn& c : columns) {
    types.emplace_back(c.column.name);
    forms.push_back(form_of(c));
  }
  Headers headers;
  headers.primary();
  headers.table(name, std::move(types), std::move(forms), rows);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const TableColumn& column = columns[k].column;
    const auto key = [&](const char* begin) { return fmt::format("{}{}", begin, k + 1); };
    const bool standard = !column.unit.starts_with("e-");  // electrons are no unit of FITS 4.0, table 4
    if (standard && !column.unit.empty()) headers.text(key("TUNIT"), column.standard_unit());
    headers.text(key("TCOMM"), standard ? std::string(column.doc) : fmt::format("{}, {}", column.doc, column.unit));
    if (column.type == CellType::integer) headers.integer(key("TNULL"), kNull);
  }
  return headers.cards();
}

std::string fits_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += printable(c);
  return out;
}

void append_fits_cell(std::string& out, const FitsColumn& column, const TableCell& cell) {
  if (column.column.type == CellType::integer) {
    const auto* value = std::get_if<std::int64_t>(&cell);
    append_big_endian(out, std::bit_cast<std::uint64_t>(value != nullptr ? *value : kNull));
  } else if (column.column.type == CellType::real) {
    const auto* value = std::get_if<double>(&cell);
    const bool is_number = value != nullptr && !std::isnan(*value);  // one NaN, whichever bits the other ones have
    append_big_endian(out, std::bit_cast<std::uint64_t>(is_number ? *value : std::nan("")));
  } else {
    const auto* value = std::get_if<std::string_view>(&cell);
    const std::string_view text = value != nullptr ? value->substr(0, column.text_bytes) : std::string_view();
    for (const char c : text) out += printable(c);
    out.append(column.text_bytes - text.size(), ' ');
  }
}

std::string fits_padding(std::uint64_t bytes) { return std::string((kBlock - bytes % kBlock) % kBlock, '\0'); }

}  // namespace starflow
