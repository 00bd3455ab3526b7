// SPDX-License-Identifier: MIT
/// \file
/// Binary and ASCII tables of FITS files.

#include "fits_file.hpp"
#include "fits_select.hpp"
#include "table_file.hpp"

#include <starflow/sdk/node.hpp>

#include <fitsio.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace starflow {
namespace {

constexpr std::int64_t kBlock = 2880;    // bytes
constexpr long long kRowsAtOnce = 4096;  // what is in memory

/// The values of one column in the rows that are in memory.
struct Column {
  std::string name;
  int number = 0;       // 1 = first; 0 = the table has none of that name
  bool whole = false;   // integers
  bool scaled = false;  // integers with TSCAL or TZERO, whose null is TNULL; else that of reals is NaN
  std::vector<long long> integers;
  std::vector<double> reals;
  std::vector<char> nulls;
};

class FitsTable final : public Table {
 public:
  FitsTable(const std::string& path, const TableChoice& choice) : name_(path), file_(path) {
    find_table(choice);
    if (at_image(file_)) throw FrameError("fits.no_table", "has no table in HDU " + choice.hdu);
    check_size();
  }

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept override { return columns_; }
  [[nodiscard]] bool is_fits() const noexcept override { return true; }
  [[nodiscard]] std::int64_t number() const noexcept override { return row_; }
  [[nodiscard]] std::string place() const override {
    const std::string hdu = fmt::format("{}, HDU {}", name_, file_.number() - 1);
    return row_ == 0 ? hdu : fmt::format("{}, row {}", hdu, row_);
  }

  void select(const std::vector<std::string>& names) override {
    chosen_.clear();
    for (const std::string& name : names) chosen_.push_back(column(name));
  }

  bool next(std::vector<Cell>& cells) override {
    if (row_ == rows_) return false;
    const long long at = row_ % kRowsAtOnce;
    ++row_;
    if (at == 0) load();
    cells.clear();
    for (const Column& c : chosen_) cells.push_back(cell(c, static_cast<std::size_t>(at)));
    return true;
  }

 private:
  [[nodiscard]] fitsfile* cfitsio() const { return static_cast<fitsfile*>(file_.handle()); }

  // Ends at an HDU whose columns are in columns_.
  void find_table(const TableChoice& choice) {
    if (!choice.hdu.empty()) {
      select_hdu(file_, choice.hdu);
      read_names();
      return;
    }
    int first = 0;
    for (int n = 1; n <= kMaxFitsHdus && file_.move_to(n); ++n) {
      if (at_image(file_)) continue;
      read_names();
      if (!choice.fits || choice.fits(columns_)) return;
      if (first == 0) first = n;
    }
    if (first == 0) throw FrameError("fits.no_table", "holds no table (" + list_hdus(file_) + ")");
    if (!file_.move_to(first)) throw FrameError("fits.unreadable", "can't be read twice");
    read_names();
  }

  void read_names() {
    columns_.clear();
    int status = 0;
    int count = 0;
    fits_get_num_cols(cfitsio(), &count, &status);
    for (int i = 1; status == 0 && i <= count; ++i) {
      char name[FLEN_VALUE] = {};
      int absent = 0;
      fits_read_key(cfitsio(), TSTRING, ("TTYPE" + std::to_string(i)).c_str(), name, nullptr, &absent);
      columns_.emplace_back(absent == 0 ? name : "");
    }
    fits_clear_errmsg();
  }

  // Checks the claims of the header against the file before anything of that size is read.
  void check_size() {
    int status = 0;
    LONGLONG start = 0;
    LONGLONG rows = 0;
    fits_get_hduaddrll(cfitsio(), nullptr, &start, nullptr, &status);
    fits_get_num_rowsll(cfitsio(), &rows, &status);
    if (status != 0) fail_fits(status, "has a header that can't be read");
    const std::int64_t stored = file_.stored_bytes();
    if (stored > file_.bytes() - start) {
      throw FrameError("fits.truncated",
                       fmt::format("is cut short: a table of {} rows needs {} bytes from byte {} on, the file ends "
                                   "after {}",
                                   rows, stored, start, file_.bytes()));
    }
    if (start + stored > file_.bytes() / kBlock * kBlock) file_.fill_last_block();
    rows_ = rows;
  }

  Column column(const std::string& name) const {
    Column c;
    c.name = name;
    const auto at = std::find(columns_.begin(), columns_.end(), name);
    if (at == columns_.end()) return c;
    if (std::find(at + 1, columns_.end(), name) != columns_.end()) fail("has two columns \"" + name + "\"");
    c.number = static_cast<int>(at - columns_.begin()) + 1;
    int status = 0;
    int type = 0;
    LONGLONG repeat = 0;
    LONGLONG width = 0;
    fits_get_eqcoltypell(cfitsio(), c.number, &type, &repeat, &width, &status);
    int stored = 0;
    fits_get_coltypell(cfitsio(), c.number, &stored, &repeat, &width, &status);
    if (status != 0) fail_fits(status, "has a header that can't be read");
    c.scaled = stored != TFLOAT && stored != TDOUBLE;
    const bool real = type == TFLOAT || type == TDOUBLE;
    const auto whole = {TBYTE, TSBYTE, TSHORT, TUSHORT, TINT, TUINT, TLONG, TULONG, TLONGLONG, TULONGLONG};
    c.whole = std::find(whole.begin(), whole.end(), type) != whole.end();
    if ((!real && !c.whole) || repeat != 1) {
      const char* what = type == TSTRING ? "text" : "something else";
      fail(fmt::format("column {} holds {}, not one number a row", name,
                       repeat != 1 && type != TSTRING ? "arrays" : what));
    }
    return c;
  }

  // The rows from row_ on.
  void load() {
    const long long n = std::min(rows_ - row_ + 1, kRowsAtOnce);
    const auto size = static_cast<std::size_t>(n);
    for (Column& c : chosen_) {
      if (c.number == 0) continue;
      c.nulls.assign(size, 0);
      c.integers.resize(c.whole ? size : 0);
      c.reals.resize(c.whole ? 0 : size);
      void* out = c.whole ? static_cast<void*>(c.integers.data()) : c.reals.data();
      int status = 0;
      int any = 0;
      if (c.whole || c.scaled) {
        fits_read_colnull(cfitsio(), c.whole ? TLONGLONG : TDOUBLE, c.number, row_, 1, n, out, c.nulls.data(), &any,
                          &status);
      } else {  // asked for nulls CFITSIO would take an infinity for one
        fits_read_col(cfitsio(), TDOUBLE, c.number, row_, 1, n, nullptr, out, &any, &status);
      }
      fits_clear_errmsg();
      if (status == NUM_OVERFLOW)
        fail(fmt::format("column {} has a number beyond 64 bits in this row or soon after", c.name));
      if (status != 0) fail(fmt::format("column {} can't be read (status {} of CFITSIO)", c.name, status));
    }
  }

  static Cell cell(const Column& c, std::size_t at) {
    if (c.number == 0) return {};
    if (c.nulls[at] != 0) return nullptr;
    if (c.whole) return static_cast<std::int64_t>(c.integers[at]);
    return std::isnan(c.reals[at]) ? Cell(nullptr) : Cell(c.reals[at]);
  }

  std::string name_;
  FitsFile file_;
  std::vector<std::string> columns_;
  std::vector<Column> chosen_;
  long long rows_ = 0, row_ = 0;
};

}  // namespace

std::unique_ptr<Table> fits_table(const std::string& path, const TableChoice& choice) {
  return std::make_unique<FitsTable>(path, choice);
}

}  // namespace starflow
