// SPDX-License-Identifier: MIT
#include "journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace starflow::graph {
namespace {

using nlohmann::json;

constexpr std::string_view kBegin = R"({"type":"begin","format":"starflow.journal/1",)";

std::string line_of(const char* type, const json& members) {
  const std::string rest = members.dump(-1, ' ', false, json::error_handler_t::replace);
  return fmt::format(R"({{"type":"{}",{})", type, std::string_view(rest).substr(1));
}

json counts(const RunSummary& s) { return {{"frames", s.frames}, {"outcomes", s.outcomes}, {"stars", s.stars}}; }

std::optional<std::uint64_t> size_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return static_cast<std::uint64_t>(status.st_size);
}

/// Beside the main file of each sink that has one.
std::vector<std::string> journal_paths(const std::vector<SinkFiles>& sinks) {
  std::vector<std::string> paths;
  for (const SinkFiles& sink : sinks) {
    if (!sink.files.empty()) paths.push_back(sink.files.front() + std::string(kJournalEnding));
  }
  return paths;
}

/// The first that is there, else the first of all.
std::string journal_path(const std::vector<SinkFiles>& sinks) {
  const std::vector<std::string> paths = journal_paths(sinks);
  std::error_code ignored;
  for (const std::string& path : paths) {
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return paths.at(0);
}

}  // namespace

JournalText JournalText::parse(std::string_view text) {
  JournalText all;
  const std::size_t known = std::min(text.size(), kBegin.size());
  const bool never_written = text.find_first_not_of('\0') == std::string_view::npos;  // blocks that a crash left empty
  all.foreign = !never_written && text.substr(0, known) != kBegin.substr(0, known);
  while (!all.foreign && all.complete.is_null()) {
    const std::size_t end = text.find('\n', all.bytes);
    if (end == std::string_view::npos) break;
    json line = json::parse(text.substr(all.bytes, end - all.bytes), nullptr, false);
    if (!line.is_object()) break;
    const std::string type = line.value("type", "");
    if (type == "begin" && all.begin.is_null()) {
      all.begin = std::move(line);
    } else if (type == "checkpoint" && !all.begin.is_null()) {
      all.checkpoints.push_back(std::move(line));
    } else if (type == "complete" && !all.begin.is_null()) {
      all.complete = std::move(line);
    } else {
      break;
    }
    all.bytes = end + 1;
  }
  return all;
}

RunSummary counts_of(const json& line) {
  RunSummary s;
  s.frames = line.at("frames");
  s.stars = line.at("stars");
  for (std::size_t i = 0; i < std::size(s.outcomes); ++i) s.outcomes[i] = line.at("outcomes").at(i);
  return s;
}

std::string begin_line(json key, bool replace) {
  key["replace"] = replace;
  const std::string rest = key.dump(-1, ' ', false, json::error_handler_t::replace);
  return std::string(kBegin) + rest.substr(1);
}

std::string complete_text(const json& begin, const std::vector<SinkFiles>& sinks, const RunSummary& summary) {
  json members = counts(summary);
  for (const SinkFiles& sink : sinks) {
    json& sizes = members["bytes"].emplace_back(json::array());
    for (const std::string& file : sink.files) {
      const auto bytes = size_of(file);
      if (!bytes) throw RunError(file + " was removed while the run ended");
      sizes.push_back(*bytes);
    }
  }
  return begin_line(begin, begin.value("replace", false)) + '\n' + line_of("complete", members) + '\n';
}

std::string changed_since(const std::string& file, const JournalText& text, std::size_t sink, std::size_t k) {
  const auto now = size_of(file);
  if (!now) return file + " is not there";
  const std::uint64_t then = text.complete.at("bytes").at(sink).at(k);
  if (*now == then) return {};
  return fmt::format("{} has {} bytes and had {} when it was complete", file, *now, then);
}

void forget_journal(const std::string& path) noexcept {
  try {
    const std::string text = read_text(path);
    if (!text.empty() && !JournalText::parse(text).foreign) ::unlink(path.c_str());
  } catch (const std::exception&) {  // what can't be read is none of ours
  }
}

Journal::Journal(Plan plan) : plan_(std::move(plan)), given_(plan_.sinks.size()) {
  file_ = std::make_unique<JournalFile>(journal_path(plan_.sinks));
  const bool made = file_->made();
  try {
    JournalText text = JournalText::parse(file_->text());
    if (text.foreign)
      throw RunError(path() + " is in the way: it is no journal of a run; remove it or give another output");
    if (!plan_.anew && !text.begin.is_null()) take(std::move(text));
  } catch (const json::exception& e) {
    throw RunError(path() + " can't be understood (" + e.what() + "); start anew (--force)");
  } catch (...) {
    if (made) file_->remove();
    throw;
  }
}

Journal::~Journal() {
  if (!begun_ && !complete_ && file_ && file_->made()) file_->remove();
}

void Journal::take(JournalText text) {
  if (const std::string what = difference(text.begin, plan_.key, plan_.inputs, false); !what.empty()) {
    throw RunError(
        fmt::format("the output holds the records of another run, of which {} tells: {}. They are not mixed: run it as "
                    "before, give another output, or start anew (--force)",
                    path(), what));
  }
  if (!text.complete.is_null()) return take_complete(text);
  plan_.replace = plan_.replace || text.begin.value("replace", false);
  if (text.checkpoints.empty()) return;
  continues_ = true;
  good_bytes_ = text.bytes;
  so_far_ = counts_of(text.checkpoints.back());
  for (json& line : text.checkpoints) {
    for (std::size_t i = 0; i < given_.size(); ++i)
      given_[i].push_back(std::move(line.at("sinks").at(i).get_ref<std::string&>()));
  }
}

void Journal::take_complete(const JournalText& text) {
  std::string problem;
  bool any = false;
  for (std::size_t i = 0; i < plan_.sinks.size(); ++i) {
    for (std::size_t k = 0; k < plan_.sinks[i].files.size(); ++k) {
      const std::string& file = plan_.sinks[i].files[k];
      any = any || size_of(file).has_value();
      if (problem.empty()) problem = changed_since(file, text, i, k);
    }
  }
  if (problem.empty()) {
    complete_ = true;
    so_far_ = counts_of(text.complete);
    so_far_.complete = true;
  } else if (any) {
    throw RunError(
        fmt::format("{}: the run is complete, but {}; start anew (--force) or give another output", path(), problem));
  }
}

void Journal::begin() {
  begun_ = true;
  given_.clear();  // the sinks are where it says
  last_ = Clock::now();
  file_->cut(good_bytes_);
  if (!continues_) file_->add(begin_line(plan_.key, plan_.replace));
  for (const std::string& other : journal_paths(plan_.sinks)) {
    if (other != path()) forget_journal(other);
  }
}

bool Journal::due(const RunSummary& now) const noexcept {
  const std::chrono::duration<double> since = Clock::now() - last_;
  return now.frames > so_far_.frames && since.count() >= plan_.seconds;
}

void Journal::add(const RunSummary& now, const std::vector<std::string>& given) {
  json members = counts(now);
  members["sinks"] = given;
  file_->add(line_of("checkpoint", members));
  so_far_ = now;
  last_ = Clock::now();
}

void Journal::finish(const RunSummary& summary) {
  const json key = [&] {
    json all = plan_.key;
    all["replace"] = plan_.replace;
    return all;
  }();
  const std::string text = complete_text(key, plan_.sinks, summary);
  // Beside every sink's file one, so that each can be merged; the one that a further run looks at comes last.
  for (const std::string& other : journal_paths(plan_.sinks)) {
    if (other != path()) replace_text(other, text);
  }
  replace_text(path(), text);
  complete_ = true;
}

}  // namespace starflow::graph
