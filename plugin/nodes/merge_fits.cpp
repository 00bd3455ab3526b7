// SPDX-License-Identifier: MIT
/// \file
/// Shards of FITS tables. Headers are those of the shards but for the numbers of rows; the table of the frames has
/// texts as wide as the widest of all shards. FITS standard 4.0, sections 4.1, 4.2.3 and 7.3.

#include "fits_table_writer.hpp"
#include "frame_columns.hpp"
#include "merge.hpp"
#include "output_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

constexpr std::size_t kBlock = 2880, kCard = 80, kValueAt = 10, kNumberBytes = 20;

/// One of our files, read HDU by HDU; all that is read is what sink.fits writes.
class FitsShard {
 public:
  explicit FitsShard(std::string name) : name_(std::move(name)), in_(name_, std::ios::binary) {
    primary = header();
    stars = header();
    star_bytes = number(stars, "NAXIS1");
    star_rows = number(stars, "NAXIS2");
    const auto data = static_cast<std::uint64_t>(in_.tellg());
    const std::uint64_t bytes = star_bytes * star_rows;
    in_.seekg(static_cast<std::streamoff>(data + bytes + fits_padding(bytes).size()));
    read_frames();
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(data));
    next_star();
  }

  /// The row of a star, whose first column is the number of its frame; empty = there is no further one.
  [[nodiscard]] const std::string& star() const noexcept { return star_; }
  [[nodiscard]] std::uint64_t frame_of_star() const {
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < sizeof id; ++i) id = id << 8U | static_cast<unsigned char>(star_[i]);
    return id;
  }
  void next_star() {
    star_.resize(taken_ < star_rows ? star_bytes : 0);
    if (!star_.empty()) read(star_);
    ++taken_;
  }
  [[noreturn]] void fail(const std::string& what) const { throw RunError(name_ + " " + what); }

  std::string primary, stars;  ///< headers
  std::uint64_t star_bytes = 0, star_rows = 0;
  std::vector<std::size_t> widths;  ///< of the columns of the frames
  std::string frames;               ///< their rows
  std::size_t frame_bytes = 0;

 private:
  void read(std::string& bytes) {
    in_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!in_) fail("is cut short");
  }
  std::string header() {
    std::string all, block(kBlock, ' ');
    for (;;) {
      read(block);
      all += block;
      for (std::size_t at = 0; at < kBlock; at += kCard) {
        if (block.compare(at, 4, "END ") == 0) return all;
      }
    }
  }
  /// Where the card of \p key begins.
  [[nodiscard]] std::size_t card(const std::string& header, std::string_view key) const {
    const std::string begin = fmt::format("{:<8}= ", key);
    for (std::size_t at = 0; at < header.size(); at += kCard) {
      if (header.compare(at, begin.size(), begin) == 0) return at;
    }
    fail(fmt::format("has no {} in a header", key));
  }
  [[nodiscard]] std::uint64_t number(const std::string& header, std::string_view key) const {
    return std::strtoull(header.c_str() + card(header, key) + kValueAt, nullptr, 10);
  }
  void read_frames() {
    const std::string cards = header();
    const auto& columns = frame_columns();
    if (number(cards, "TFIELDS") != columns.size()) fail("has other columns in its table FRAMES");
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const bool text = columns[k].type == CellType::text;
      const std::size_t at = card(cards, fmt::format("TFORM{}", k + 1)) + kValueAt + 1;  // behind the quote
      widths.push_back(text ? std::strtoull(cards.c_str() + at, nullptr, 10) : sizeof(double));
      frame_bytes += widths.back();
    }
    frames.resize(number(cards, "NAXIS1") * number(cards, "NAXIS2"));
    if (number(cards, "NAXIS1") != frame_bytes) fail("has rows of another length in its table FRAMES");
    read(frames);
  }

  std::string name_, star_;
  std::ifstream in_;
  std::uint64_t taken_ = 0;
};

void set_rows(std::string& header, std::uint64_t rows) {
  const std::size_t at = header.find("NAXIS2  = ");
  header.replace(at + kValueAt, kNumberBytes, fmt::format("{:>20}", rows));
}

std::uint64_t add_stars(const MergeJob& job, std::deque<FitsShard>& shards, OutputFile& out) {
  std::uint64_t rows = 0;
  for (const FitsShard& shard : shards) rows += shard.star_rows;
  for (FitsShard& shard : shards) {
    set_rows(shard.stars, rows);
    if (shard.primary != shards.front().primary || shard.stars != shards.front().stars)
      shard.fail("has other headers than the first shard");
  }
  out.write(shards.front().primary);
  out.write(shards.front().stars);
  for (std::uint64_t k = 0; k < job.summary.frames; ++k) {
    FitsShard& shard = shards[k % shards.size()];
    for (; !shard.star().empty() && shard.frame_of_star() == k; shard.next_star()) out.write(shard.star());
  }
  for (const FitsShard& shard : shards) {
    if (!shard.star().empty())
      shard.fail(fmt::format("has a star of frame {} out of its place", shard.frame_of_star()));
  }
  return rows * shards.front().star_bytes;
}

/// Texts are filled with blanks up to the width of \p columns.
void add_frame(std::string& out, const FitsShard& shard, std::uint64_t row, const std::vector<FitsColumn>& columns) {
  if ((row + 1) * shard.frame_bytes > shard.frames.size()) shard.fail("has too few rows in its table FRAMES");
  std::size_t at = row * shard.frame_bytes;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    out.append(shard.frames, at, shard.widths[k]);
    at += shard.widths[k];
    if (columns[k].column.type == CellType::text) out.append(columns[k].text_bytes - shard.widths[k], ' ');
  }
}

std::string frames_table(const MergeJob& job, const std::deque<FitsShard>& shards) {
  std::vector<FitsColumn> columns;
  for (const TableColumn& column : frame_columns()) {
    std::size_t widest = 1;
    for (const FitsShard& shard : shards) widest = std::max(widest, shard.widths[columns.size()]);
    columns.push_back({column, widest});
  }
  std::string text = fits_table_header("FRAMES", columns, job.summary.frames);
  const std::size_t header = text.size();
  for (std::uint64_t k = 0; k < job.summary.frames; ++k)
    add_frame(text, shards[k % shards.size()], k / shards.size(), columns);
  return text + fits_padding(text.size() - header);
}

}  // namespace

std::vector<std::string> merge_fits(const MergeJob& job) {
  OutputFile out;
  out.open(job.output, job.replace);
  std::deque<FitsShard> shards;
  for (const auto& files : job.shards) shards.emplace_back(files.front());
  out.write(fits_padding(add_stars(job, shards, out)));
  out.write(frames_table(job, shards));
  out.commit();
  return {job.output};
}

}  // namespace starflow
