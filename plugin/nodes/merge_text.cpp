// SPDX-License-Identifier: MIT
/// \file
/// Shards of JSON Lines and of CSV.

#include "merge.hpp"
#include "output_file.hpp"
#include "record_reader.hpp"
#include "record_writer.hpp"
#include "sink_csv.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

namespace starflow {
namespace {

constexpr std::string_view kFrame = R"({"type":"frame",)", kStar = R"({"type":"star",)", kRun = R"({"type":"run",)";

std::deque<RecordReader> open_shards(const MergeJob& job, std::size_t which) {
  std::deque<RecordReader> all;
  for (const auto& files : job.shards) all.emplace_back(files[which]);
  return all;
}

/// The lines above the rows, which all shards have alike. Readers stand at their first row then.
std::string common_header(std::deque<RecordReader>& shards) {
  std::string common;
  for (RecordReader& shard : shards) {
    std::string header;
    for (; shard.record().starts_with('#'); shard.next()) header += shard.record();
    header += shard.record();  // the names
    shard.next(true);
    if (&shard == &shards.front()) common = header;
    if (header != common) shard.fail("has other columns than the first shard");
  }
  return common;
}

void merge_table(const MergeJob& job, std::size_t which, const std::string& name) {
  OutputFile out;
  out.open(name, job.replace);
  std::deque<RecordReader> shards = open_shards(job, which);
  out.write(common_header(shards));
  for (std::uint64_t k = 0; k < job.summary.frames; ++k) {
    RecordReader& shard = shards[k % shards.size()];
    const std::string id = std::to_string(k);
    const auto is_of_frame = [&](const std::string& row) {
      return row.starts_with(id) && (row[id.size()] == ',' || row[id.size()] == '\n');
    };
    for (; is_of_frame(shard.record()); shard.next(true)) out.write(shard.record());
  }
  for (const RecordReader& shard : shards) {
    if (!shard.record().empty()) shard.fail("has a row that is out of its place: " + shard.record().substr(0, 40));
  }
  out.commit();
}

}  // namespace

std::vector<std::string> merge_jsonl(const MergeJob& job) {
  OutputFile out;
  out.open(job.output, job.replace);
  std::deque<RecordReader> shards = open_shards(job, 0);
  std::uint64_t stars = 0;
  for (std::uint64_t k = 0; k < job.summary.frames; ++k) {
    RecordReader& shard = shards[k % shards.size()];
    if (!shard.record().starts_with(fmt::format(R"({}"frame_id":{},)", kFrame, k)))
      shard.fail(fmt::format("has no record of frame {} where it should stand", k));
    do {
      out.write(shard.record());
      if (shard.record().starts_with(kStar)) ++stars;
      shard.next();
    } while (!shard.record().empty() && !shard.record().starts_with(kFrame) && !shard.record().starts_with(kRun));
  }
  for (RecordReader& shard : shards) {
    if (!shard.record().starts_with(kRun)) shard.fail("does not end with the record of its run");
    shard.next();
    if (!shard.record().empty()) shard.fail("goes on behind the record of its run");
  }
  std::string text;
  append_run_record(text, job.summary, stars, {job.config_hash, job.version});
  out.write(text);
  out.commit();
  return {job.output};
}

std::vector<std::string> merge_csv(const MergeJob& job) {
  const std::string frames = frames_beside(job.output);
  merge_table(job, 1, frames);
  merge_table(job, 0, job.output);
  return {job.output, frames};
}

}  // namespace starflow
