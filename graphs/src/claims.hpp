// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which files a run reads and writes, so that no output overwrites an input or another output, however it is spelled.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace starflow::graph {

/// The files of one run. Two paths are one file where they resolve to the same canonical path or lead to the same
/// inode.
class Claims {
 public:
  explicit Claims(bool force) : force_(force) {}

  /// What output() is given from now on may be there already.
  void replace_existing(bool allowed) noexcept { force_ = allowed; }
  /// \p path, the graph's file or a preset, was read to make the graph. Before input() and output().
  void graph_file(const std::string& path);
  /// \p node will read \p path. \return what is wrong where an output already has that file; empty = nothing
  [[nodiscard]] std::string input(const std::string& node, const std::string& path);
  /// \p node will write \p path ("-" = standard output). \return what is wrong and what to do; empty = nothing. A path
  /// that is refused is not claimed. The name that a file has until it is complete, `<path>.part`, is claimed with it.
  [[nodiscard]] std::string output(const std::string& node, const std::string& path);

 private:
  using Inode = std::pair<std::uint64_t, std::uint64_t>;  // device and number
  struct File {
    std::string canonical;
    std::optional<Inode> inode;  // none where the file is not there yet
  };
  struct Claim {
    std::string node, path;  // no node: the graph's own
  };
  struct Table {
    std::map<std::string, Claim> by_path;
    std::map<Inode, Claim> by_inode;
    [[nodiscard]] const Claim* find(const File& file) const;
    void add(const File& file, Claim claim);
  };
  [[nodiscard]] static File identify(const std::string& path);
  /// What else has \p file, called \p path; empty = nothing.
  [[nodiscard]] std::string taken(const File& file, const std::string& path) const;

  bool force_;
  Table inputs_, outputs_;
};

}  // namespace starflow::graph
