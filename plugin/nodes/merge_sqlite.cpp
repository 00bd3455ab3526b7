// SPDX-License-Identifier: MIT
/// \file
/// Shards of SQLite databases.

#include "merge.hpp"
#include "output_file.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_writer.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>

namespace starflow {
namespace {

constexpr std::uint64_t kFramesAtOnce = 1000;  // in one transaction
constexpr std::size_t kRunFrames = 6, kRunStars = 7;

/// The frames and stars of one shard in the order in which they were written.
struct SqliteShard {
  explicit SqliteShard(const std::string& name)
      : file(name),
        frames(file.query("SELECT * FROM frames ORDER BY frame_id")),
        stars(file.query("SELECT * FROM stars ORDER BY rowid")) {
    more_stars = stars.next();
  }
  SqliteReader file;
  SqliteReader::Rows frames, stars;
  bool more_stars;
};

void copy(const SqliteReader::Rows& from, SqliteWriter::Insert& to) {
  for (std::size_t k = 0; k < from.columns(); ++k) to.bind(k, from.cell(k));
  to.run();
}

/// Tables and indexes as the shard has them, and the row of its run with the sums of all.
void begin(SqliteWriter& out, SqliteReader& shard, const RunSummary& summary) {
  out.execute("BEGIN");
  for (auto made = shard.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"); made.next();)
    out.execute(std::string(std::get<std::string_view>(made.cell(0))));
  auto run = shard.query("SELECT * FROM runs");
  if (!run.next() || run.columns() <= kRunStars) shard.fail("does not tell of its run");
  SqliteWriter::Insert to = out.insert_into("runs", run.columns());
  for (std::size_t k = 0; k < run.columns(); ++k) to.bind(k, run.cell(k));
  to.bind(kRunFrames, static_cast<std::int64_t>(summary.frames));
  to.bind(kRunStars, static_cast<std::int64_t>(summary.stars));
  to.run();
  out.execute("COMMIT");
}

std::uint64_t add_frames(const MergeJob& job, std::deque<SqliteShard>& shards, SqliteWriter& out) {
  SqliteWriter::Insert frames = out.insert_into("frames", shards.front().frames.columns());
  SqliteWriter::Insert stars = out.insert_into("stars", shards.front().stars.columns());
  std::uint64_t n_stars = 0;
  for (std::uint64_t k = 0; k < job.summary.frames; ++k) {
    if (k % kFramesAtOnce == 0) out.execute(k == 0 ? "BEGIN" : "COMMIT; BEGIN");
    SqliteShard& shard = shards[k % shards.size()];
    if (!shard.frames.next() || !shard.frames.is(0, k))
      shard.file.fail(fmt::format("does not have frame {} in its place", k));
    copy(shard.frames, frames);
    for (; shard.more_stars && shard.stars.is(0, k); shard.more_stars = shard.stars.next(), ++n_stars)
      copy(shard.stars, stars);
  }
  if (job.summary.frames > 0) out.execute("COMMIT");
  for (SqliteShard& shard : shards) {
    if (shard.more_stars || shard.frames.next()) shard.file.fail("has rows that are out of their place");
  }
  return n_stars;
}

}  // namespace

std::vector<std::string> merge_sqlite(const MergeJob& job) {
  OutputFile file;
  file.open(job.output, job.replace);
  std::deque<SqliteShard> shards;
  for (const auto& files : job.shards) shards.emplace_back(files.front());
  start_database(file);
  SqliteWriter out(file.unfinished_name());
  file.keep();
  begin(out, shards.front().file, job.summary);
  const std::uint64_t stars = add_frames(job, shards, out);
  out.execute(fmt::format("UPDATE runs SET stars = {}", stars));  // those of this table
  out.close();
  file.commit();
  return {job.output};
}

}  // namespace starflow
