// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Small frames, some of them broken, measured into every kind of table, and whether two sets of tables are the same.

#include "night.hpp"

#include <sqlite3.h>
#include <memory>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {

/// The rows of every table, and how the tables were made, each as a text; sorted.
inline std::vector<std::string> sorted_dump(const std::string& path) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(opened, sqlite3_close);
  if (result != SQLITE_OK) throw std::runtime_error("can't open " + path);
  std::vector<std::string> rows;
  for (const char* table : {"sqlite_master", "runs", "frames", "stars"}) {
    const std::string what = table == std::string("sqlite_master") ? "name, sql" : "*";
    const std::string query = "SELECT " + what + " FROM " + table;
    const auto add = [](void* all, int n, char** cells, char**) {
      std::string row;
      for (int k = 0; k < n; ++k) row += std::string(cells[k] != nullptr ? cells[k] : "NULL") + '|';
      static_cast<std::vector<std::string>*>(all)->push_back(std::move(row));
      return 0;
    };
    if (sqlite3_exec(database.get(), query.c_str(), add, &rows, nullptr) != SQLITE_OK)
      throw std::runtime_error("can't read " + path + ": " + sqlite3_errmsg(database.get()));
  }
  std::ranges::sort(rows);
  return rows;
}

/// A folder with frames f0.fits, f1.fits, ... and the graph all.json: the parameter `output` is the front of its
/// outputs, `threshold` an option that changes what is measured.
class ManySinks : public Night {
 protected:
  static constexpr std::uint64_t kFrames = 40;
  static constexpr const char* kGraph = R"({"format": "starflow.graph/1", "parameters": {
"input": {"type": "strings", "default": ["f*.fits"]}, "output": {"type": "string"},
"threshold": {"type": "number", "default": 5}}, "nodes": [
{"id": "src", "type": "source.files", "options": {"paths": "${input}"}},
{"id": "det", "type": "detect", "in": {"frame": "src"}, "options": {"threshold_sigma": "${threshold}"}},
{"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
{"id": "csv", "type": "sink.csv", "in": {"stars": "stars"}, "options": {"path": "${output}.csv"}},
{"id": "ecsv", "type": "sink.csv", "in": {"stars": "stars"}, "options": {"path": "${output}.ecsv", "columns": ["source", "x", "y", "flag_names"]}},
{"id": "fits", "type": "sink.fits", "in": {"stars": "stars"}, "options": {"path": "${output}.fit"}},
{"id": "db", "type": "sink.sqlite", "in": {"stars": "stars"}, "options": {"path": "${output}.sqlite"}},
{"id": "json", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "${output}.jsonl"}}]})";
  /// Endings of the outputs whose bytes are compared; those of the database depend on how it was written.
  static constexpr const char* kTexts[] = {".csv", "_frames.csv", ".ecsv", "_frames.ecsv", ".fit", ".jsonl"};

  void SetUp() override {
    for (std::uint64_t i = 0; i < kFrames; ++i)
      dir_.write("f" + std::to_string(i) + ".fits", star_frame(i, 64, 48, static_cast<int>(i % 6)));
    dir_.write("f3.fits", "");
    dir_.write("f17.fits", star_frame(17).substr(0, 4000));
    dir_.write("f18.fits", "no frame");
    std::filesystem::rename(dir_ / "f5.fits", dir_ / "f5 \"a,\nb.fits");  // for the tables' quotes
    dir_.write("all.json", kGraph);
  }
  ProgramResult run(const std::string& output,
                    const std::vector<std::string>& more = {},
                    ProgramSetup setup = {}) const {
    std::vector<std::string> words{"run", "all.json", "--output", output, "-q"};
    words.insert(words.end(), more.begin(), more.end());
    return starflow(std::move(words), std::move(setup));
  }
  void expect_same(const std::string& got, const std::string& wanted) const {
    for (const char* ending : kTexts) {
      const std::string text = file_text(dir_ / (got + ending));
      EXPECT_FALSE(text.empty()) << got << ending;
      EXPECT_TRUE(text == file_text(dir_ / (wanted + ending))) << got << ending << " has other bytes";
      EXPECT_FALSE(exists(got + ending + ".part"));
    }
    EXPECT_EQ(sorted_dump(dir_ / (got + ".sqlite")), sorted_dump(dir_ / (wanted + ".sqlite")));
  }
};

}  // namespace starflow::test
