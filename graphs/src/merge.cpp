// SPDX-License-Identifier: MIT
#include "merge.hpp"

#include "claims.hpp"
#include "failure.hpp"
#include "journal.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/sdk/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

namespace starflow::graph {
namespace {

using nlohmann::json;

/// The output of one sink in one shard, and what its journal says.
struct ShardOutput {  // NOLINT(bugprone-exception-escape): a json is moved without an exception
  std::string name;
  JournalText journal;
  std::size_t sink = 0;  ///< number in the key
  std::vector<std::string> files;
  [[nodiscard]] std::uint64_t index() const { return journal.begin.at("shard").at(0); }
  [[nodiscard]] std::uint64_t count() const { return journal.begin.at("shard").at(1); }
  [[nodiscard]] const json& sink_key() const { return journal.begin.at("sinks").at(sink); }
};

class Problems {
 public:
  void add(const std::string& file, std::string text) {
    Diagnostic d;
    d.file = file;
    d.text = std::move(text);
    all_.push_back(std::move(d));
  }
  void stop_if_any() {
    if (!all_.empty()) throw ConfigError(std::move(all_));
  }

 private:
  std::vector<Diagnostic> all_;
};

/// Which sink of the run wrote \p name: the one whose file was called so, or the only one.
std::size_t sink_of(const std::string& name, const json& sinks) {
  namespace fs = std::filesystem;
  const fs::path base = fs::path(name).filename();
  std::vector<std::size_t> with_files;
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    const json& files = sinks[i].at("files");
    if (files.empty()) continue;
    if (fs::path(files.at(0).get<std::string>()).filename() == base) return i;
    with_files.push_back(i);
  }
  if (with_files.size() == 1) return with_files.front();
  throw RunError("none of the sinks of its run wrote a main file of that name; give the file its old name");
}

/// \throws RunError with what is wrong with the shard by itself
ShardOutput read_shard(const std::string& name) {
  namespace fs = std::filesystem;
  ShardOutput shard;
  shard.name = name;
  const std::string path = name + std::string(kJournalEnding);
  const std::string text = read_text(path);
  shard.journal = JournalText::parse(text);
  if (shard.journal.foreign || shard.journal.begin.is_null())
    throw RunError(fmt::format("there is no journal {} beside it, as `run --shard` leaves one", path));
  if (shard.journal.complete.is_null()) {
    throw RunError(
        fmt::format("shard {}/{} is not complete; run it again with --resume", shard.index(), shard.count()));
  }
  shard.sink = sink_of(name, shard.journal.begin.at("sinks"));
  const json& names = shard.sink_key().at("files");
  for (std::size_t k = 0; k < names.size(); ++k) {
    // They stay together wherever they were moved.
    const fs::path base = fs::path(names[k].get<std::string>()).filename();
    shard.files.push_back(k == 0 ? name : (fs::path(name).parent_path() / base).string());
    if (std::string what = changed_since(shard.files.back(), shard.journal, shard.sink, k); !what.empty())
      throw RunError(what);
  }
  return shard;
}

std::vector<ShardOutput> read_shards(const std::vector<std::string>& names, Problems& problems) {
  std::vector<ShardOutput> shards;
  for (const std::string& name : names) {
    try {
      shards.push_back(read_shard(name));
    } catch (const json::exception& e) {
      problems.add(name, std::string("its journal can't be understood: ") + e.what());
    } catch (const RunError& e) {
      problems.add(name, e.what());
    }
  }
  problems.stop_if_any();
  return shards;
}

/// Puts the shards in their order; what does not belong together is a problem.
void check_together(std::vector<ShardOutput>& shards, Problems& problems) {
  const ShardOutput& one = shards.front();
  for (const ShardOutput& other : shards) {
    if (other.count() != one.count()) {
      problems.add(other.name, fmt::format("is shard {}/{}, but {} is of {} shards", other.index(), other.count(),
                                           one.name, one.count()));
    } else if (std::string what = difference(one.journal.begin, other.journal.begin, {}, true); !what.empty()) {
      problems.add(other.name, fmt::format("is of another run than {}: {}", one.name, what));
    } else if (other.sink_key().at("node") != one.sink_key().at("node")) {
      problems.add(other.name,
                   fmt::format("was written by the sink {}, and {} by {}", other.sink_key().at("node").dump(), one.name,
                               one.sink_key().at("node").dump()));
    }
  }
  problems.stop_if_any();
  std::ranges::sort(shards, {}, &ShardOutput::index);
  const std::uint64_t count = shards.front().count();
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (at == shards.size() || shards[at].index() != i) {
      problems.add(shards.front().name, fmt::format("shard {}/{} is missing", i, count));
      continue;
    }
    for (++at; at < shards.size() && shards[at].index() == i; ++at)
      problems.add(shards[at].name, fmt::format("shard {}/{} was given already, by {}", i, count, shards[at - 1].name));
  }
  problems.stop_if_any();
}

/// The sums, which a run over all has itself. \throws RunError where a shard has too few or too many frames
RunSummary sum_of(const std::vector<ShardOutput>& shards, Problems& problems) {
  RunSummary sum;
  sum.complete = true;
  for (const ShardOutput& shard : shards) {
    const RunSummary one = counts_of(shard.journal.complete);
    sum.frames += one.frames;
    sum.stars += one.stars;
    for (std::size_t i = 0; i < std::size(sum.outcomes); ++i) sum.outcomes[i] += one.outcomes[i];
  }
  for (const ShardOutput& shard : shards) {
    const std::uint64_t has = counts_of(shard.journal.complete).frames;
    const std::uint64_t wanted = (sum.frames + shard.count() - 1 - shard.index()) / shard.count();
    if (has != wanted)
      problems.add(shard.name, fmt::format("has {} frames; of {} in all it should have {}", has, sum.frames, wanted));
  }
  problems.stop_if_any();
  return sum;
}

/// The key of the whole run, as one without shards would have written it.
json whole_key(const ShardOutput& shard, const std::string& output) {
  json key = shard.journal.begin;
  key.erase("type");
  key.erase("format");
  key["shard"] = {0, 1};
  key["replace"] = false;
  json sink = shard.sink_key();
  sink["files"] = {output};
  key["sinks"] = json::array({std::move(sink)});
  return key;
}

bool is_merge_of(const JournalText& text, const json& key) {
  return !text.begin.is_null() && difference(text.begin, key, {}, true).empty() &&
         text.begin.at("shard") == key.at("shard") &&
         text.begin.at("sinks").at(0).at("node") == key.at("sinks").at(0).at("node");
}

/// Has the sink's type make the output; its journal tells of it before and after, so that a merge that is killed can be
/// run again.
void make(MergeFunction merge, const MergeJob& job, json key) {
  const std::string path = job.output + std::string(kJournalEnding);
  JournalFile journal(path);
  const bool made = journal.made();
  if (JournalText::parse(journal.text()).foreign)
    throw OptionError("", path + " is in the way: it is no journal of a run");
  const std::string old = journal.text();
  journal.cut(0);
  journal.add(begin_line(key, job.replace));
  try {
    const std::vector<std::string> files = merge(job);
    json& sink = key.at("sinks").at(0);
    sink["files"] = files;
    replace_text(path, complete_text(key, {{sink.at("node"), sink.at("type"), files}}, job.summary));
  } catch (const OptionError&) {  // nothing was made
    if (made) journal.remove();
    if (!made) replace_text(path, old);
    throw;
  }
}

bool other_simd(const std::vector<ShardOutput>& shards) {
  return std::ranges::any_of(shards, [&](const ShardOutput& shard) {
    return shard.journal.begin.at("simd") != shards.front().journal.begin.at("simd");
  });
}

}  // namespace

MergeResult merge_shards(const Registry& registry,
                         const std::vector<std::string>& names,
                         const std::string& output,
                         bool force) {
  Problems problems;
  std::vector<ShardOutput> shards = read_shards(names, problems);
  check_together(shards, problems);
  const std::string type_name = shards.front().sink_key().at("type");
  const NodeType* type = registry.find(type_name);
  if (type == nullptr || type->merge == nullptr) {
    problems.add(shards.front().name,
                 fmt::format("is of a sink of type {}, {}", type_name,
                             type == nullptr ? "which no plugin here brings" : "whose outputs can't be put together"));
    problems.stop_if_any();
  }
  MergeResult result;
  result.summary = sum_of(shards, problems);
  result.mixed_simd = other_simd(shards);

  const std::string journal_name = output + std::string(kJournalEnding);
  json key = whole_key(shards.front(), output);
  const JournalText old = JournalText::parse(read_text(journal_name));
  const bool ours = is_merge_of(old, key);
  if (ours && !old.complete.is_null() && !force && changed_since(output, old, 0, 0).empty()) {
    result.already_complete = true;
    return result;
  }
  Claims claims(force || (ours && old.complete.is_null()));
  for (const ShardOutput& shard : shards) {
    for (const std::string& file : shard.files) (void)claims.input("merge", file);
  }
  if (const std::string problem = claims.output("merge", output); !problem.empty()) problems.add(output, problem);
  problems.stop_if_any();

  MergeJob job;
  for (const ShardOutput& shard : shards) job.shards.push_back(shard.files);
  job.output = output;
  job.replace = force || (ours && old.complete.is_null());
  job.summary = result.summary;
  job.config_hash = key.at("config_hash");
  job.version = key.at("version");
  try {
    make(type->merge, job, std::move(key));
  } catch (const OptionError& e) {
    problems.add(output, e.what());
    problems.stop_if_any();
  }
  return result;
}

}  // namespace starflow::graph
