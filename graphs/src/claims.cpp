// SPDX-License-Identifier: MIT
#include "claims.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace starflow::graph {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as the kernel allows
constexpr const char* kUnfinished = ".part";

// weakly_canonical() stops at a link whose target is missing; writing would go through it.
fs::path follow(fs::path path) {
  std::error_code ec;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, ec); ++i) {
    const fs::path target = fs::read_symlink(path, ec);
    if (ec) break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

std::string canonical(const std::string& path) {
  std::error_code ec;
  fs::path full = follow(fs::absolute(path, ec));
  const fs::path resolved = fs::weakly_canonical(full, ec);
  return (ec ? full.lexically_normal() : resolved).string();
}

// Empty = a file can be made at \p path.
std::string why_not_writable(const std::string& path) {
  std::error_code ec;
  const fs::path folder = follow(fs::absolute(path, ec)).parent_path();
  const fs::file_status status = fs::status(folder, ec);
  if (status.type() == fs::file_type::not_found) {
    return "the folder " + folder.string() + " for '" + path + "' does not exist; create it first";
  }
  if (!fs::exists(status))
    return "the folder " + folder.string() + " for '" + path + "' can't be read: " + ec.message();
  if (!fs::is_directory(status)) return folder.string() + " is not a folder, so '" + path + "' can't be written there";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return "the folder " + folder.string() + " for '" + path + "' can't be written: " + std::strerror(errno);
  }
  return {};
}

}  // namespace

const Claims::Claim* Claims::Table::find(const File& file) const {
  if (const auto it = by_path.find(file.canonical); it != by_path.end()) return &it->second;
  if (!file.inode) return nullptr;
  const auto it = by_inode.find(*file.inode);
  return it == by_inode.end() ? nullptr : &it->second;
}

void Claims::Table::add(const File& file, Claim claim) {
  if (file.inode) by_inode.emplace(*file.inode, claim);
  by_path.emplace(file.canonical, std::move(claim));
}

Claims::File Claims::identify(const std::string& path) {
  struct stat status {};
  if (path == "-") {
    // A shell may have sent standard output to a file that the run also names.
    const bool file = ::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    return {"-", file ? std::optional<Inode>({status.st_dev, status.st_ino}) : std::nullopt};
  }
  const bool there = ::stat(path.c_str(), &status) == 0;
  return {canonical(path), there ? std::optional<Inode>({status.st_dev, status.st_ino}) : std::nullopt};
}

void Claims::graph_file(const std::string& path) { inputs_.add(identify(path), {"", path}); }

std::string Claims::input(const std::string& node, const std::string& path) {
  const File file = identify(path);
  const Claim* writer = outputs_.find(file);
  if (writer != nullptr) {
    return "node '" + node + "' reads '" + path + "', which node '" + writer->node + "' writes; give another output";
  }
  inputs_.add(file, {node, path});
  return {};
}

std::string Claims::taken(const File& file, const std::string& path) const {
  const auto spelled = [&](const Claim& claim) {
    return claim.path == path ? std::string() : " as '" + claim.path + "'";
  };
  if (const Claim* other = outputs_.find(file)) {
    return "'" + path + "' is also written by node '" + other->node + "'" + spelled(*other) +
           "; each output needs a file of its own";
  }
  if (const Claim* reader = inputs_.find(file)) {
    const std::string whose =
        reader->node.empty() ? "a file of the graph itself" : "an input of node '" + reader->node + "'";
    return "'" + path + "' is " + whose + spelled(*reader) + "; it would be overwritten";
  }
  return {};
}

std::string Claims::output(const std::string& node, const std::string& path) {
  if (path.empty()) return "the path of an output can't be empty; \"-\" is standard output";
  const File file = identify(path);
  if (std::string problem = taken(file, path); !problem.empty()) return problem;
  std::error_code ec;
  const fs::file_status status = path == "-" ? fs::file_status(fs::file_type::character) : fs::status(path, ec);
  if (fs::is_directory(status)) return "'" + path + "' is a folder; name a file in it";
  if (fs::is_regular_file(status) && !force_) {
    return "'" + path + "' exists; choose another name or allow it to be replaced (--force)";
  }
  // Standard output, devices and pipes are written to as they are; a file is made beside its final name.
  const bool special = fs::exists(status) && !fs::is_regular_file(status);
  if (!special) {
    if (std::string problem = why_not_writable(path); !problem.empty()) return problem;
    const std::string part = path + kUnfinished;
    const File unfinished = identify(part);
    if (const std::string problem = taken(unfinished, part); !problem.empty())
      return "'" + path + "' has another name until it is complete: " + problem;
    outputs_.add(unfinished, {node, part});
  }
  outputs_.add(file, {node, path});
  return {};
}

}  // namespace starflow::graph
