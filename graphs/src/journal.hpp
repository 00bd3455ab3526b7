// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The journal of a run, beside its first output: what the run is, how far its outputs were safe, what it came to.

#include "journal_file.hpp"
#include "run_key.hpp"

#include <starflow/sdk/node.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

inline constexpr std::string_view kJournalEnding = ".journal";

/// The lines of a journal. Each is a JSON object: `begin` (the run's key), `checkpoint` (counts, and what each sink
/// gave), and `complete` in the place of the checkpoints. A line that was cut short ends it.
struct JournalText {                        // NOLINT(bugprone-exception-escape): a json is moved without an exception
  nlohmann::json begin;                     ///< null = there is none
  std::vector<nlohmann::json> checkpoints;  ///< in order
  nlohmann::json complete;                  ///< null = the run has not ended well
  std::size_t bytes = 0;                    ///< of the lines that can be read
  bool foreign = false;                     ///< it is something else

  [[nodiscard]] static JournalText parse(std::string_view text);
};

/// The counts of a `checkpoint` or `complete` line.
[[nodiscard]] RunSummary counts_of(const nlohmann::json& line);

/// The first line of the journal of a run with this key. \param replace  existing outputs may be replaced
[[nodiscard]] std::string begin_line(nlohmann::json key, bool replace);

/// The text of a complete journal. \param sinks  of the key, with the files that are there now: their sizes are kept
/// \throws RunError where one is not
[[nodiscard]] std::string complete_text(const nlohmann::json& begin,
                                        const std::vector<SinkFiles>& sinks,
                                        const RunSummary& summary);

/// Why \p file is not what the journal \p text says of the sink's file number \p k; empty = it is.
[[nodiscard]] std::string changed_since(const std::string& file,
                                        const JournalText& text,
                                        std::size_t sink,
                                        std::size_t k);

/// Removes the journal at \p path where it is one: of an output that is written without.
void forget_journal(const std::string& path) noexcept;

class Journal {
 public:
  struct Plan {  // NOLINT(bugprone-exception-escape): a json is moved without an exception
    nlohmann::json key;
    std::vector<SinkFiles> sinks;
    std::vector<std::string> inputs;  ///< names, for messages
    bool anew = false;                ///< what is there is not continued
    bool replace = false;             ///< existing outputs may be replaced
    double seconds = 1;               ///< between two checkpoints
  };
  /// Opens the journal beside the first output. \throws RunError where it can't be, or is that of another run
  explicit Journal(Plan plan);
  /// Leaves no journal of a run that never began.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
  [[nodiscard]] bool complete() const noexcept { return complete_; }  ///< there is nothing left to do
  [[nodiscard]] const RunSummary& so_far() const noexcept { return so_far_; }
  /// What the sink number \p sink of the plan gave so far. Before begin().
  [[nodiscard]] const std::vector<std::string>& checkpoints(std::size_t sink) const { return given_[sink]; }
  /// Outputs may be replaced: the run that is continued was told so.
  [[nodiscard]] bool replaces() const noexcept { return plan_.replace; }
  [[nodiscard]] bool continues() const noexcept { return continues_; }

  /// The run is under way. \throws RunError
  void begin();
  [[nodiscard]] bool due(const RunSummary& now) const noexcept;
  /// \param given  by each sink of the plan, whose files are safe up to there. \throws RunError
  void add(const RunSummary& now, const std::vector<std::string>& given);
  /// The outputs have their names. \throws RunError
  void finish(const RunSummary& summary);

 private:
  using Clock = std::chrono::steady_clock;
  void take(JournalText text);
  void take_complete(const JournalText& text);

  Plan plan_;
  std::unique_ptr<JournalFile> file_;
  std::size_t good_bytes_ = 0;
  bool complete_ = false, continues_ = false, begun_ = false;
  RunSummary so_far_;
  std::vector<std::vector<std::string>> given_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace starflow::graph
