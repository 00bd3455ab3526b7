// SPDX-License-Identifier: MIT
#include "file_list.hpp"

#include <starflow/sdk/options.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <set>
#include <system_error>

namespace starflow {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kFitsExtensions{".fits", ".fit", ".fts"};
constexpr std::array<std::string_view, 20> kImageExtensions{".png", ".tif", ".tiff", ".jpg",  ".jpeg", ".jpe", ".jp2",
                                                            ".bmp", ".dib", ".pgm",  ".ppm",  ".pbm",  ".pnm", ".pxm",
                                                            ".pfm", ".ras", ".sr",   ".webp", ".exr",  ".hdr"};
constexpr int kMaxDepth = 64;  // of `**`: a loop of links ends somewhere

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool ends_with_any(const std::string& name, const auto& extensions) {
  return std::any_of(extensions.begin(), extensions.end(), [&](std::string_view e) { return name.ends_with(e); });
}

bool has_image_name(const fs::path& path) {
  return has_fits_name(path.native()) || ends_with_any(lower(path.filename().native()), kImageExtensions);
}

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

class Lister {
 public:
  explicit Lister(const std::string& option) : option_(option) {}

  void add(const std::string& pattern) {
    std::error_code error;
    const fs::file_status status = fs::status(pattern, error);
    if (fs::is_directory(status)) {
      if (add_folder(pattern) == 0) {
        fail("folder " + pattern + " holds no files that look like images; name the files, or " +
             (fs::path(pattern) / "**").string() + " for those of its subfolders");
      }
    } else if (fs::exists(status) || fs::is_symlink(fs::symlink_status(pattern, error))) {
      add_file(pattern);
    } else if (is_glob(pattern)) {
      add_glob(pattern);
    } else {
      fail(pattern.empty() ? "an empty path" : pattern + ": no such file or folder");
    }
  }

  FileList finish() {
    std::sort(list_.files.begin(), list_.files.end(), natural_less);
    return std::move(list_);
  }

 private:
  [[noreturn]] void fail(const std::string& text) const { throw OptionError(option_, text); }

  void add_file(const fs::path& path) {
    std::error_code error;
    fs::path key = fs::absolute(path, error).lexically_normal();
    if (seen_.insert(key.native()).second) list_.files.push_back(path.native());
  }

  std::vector<fs::directory_entry> entries(const fs::path& folder) {
    std::vector<fs::directory_entry> found;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) found.push_back(*it);
    if (error) list_.notes.push_back("folder " + folder.native() + " can't be listed: " + error.message());
    return found;
  }

  std::size_t add_folder(const fs::path& folder) {
    std::size_t taken = 0;
    std::size_t skipped = 0;
    for (const fs::directory_entry& entry : entries(folder)) {
      std::error_code error;
      if (entry.is_directory(error)) continue;
      const bool take = has_image_name(entry.path()) && !entry.path().filename().native().starts_with('.');
      if (take) add_file(entry.path());
      ++(take ? taken : skipped);
    }
    if (skipped > 0) {
      list_.notes.push_back("folder " + folder.native() + ": " + std::to_string(skipped) +
                            " files without a known image extension were skipped");
    }
    return taken;
  }

  void add_glob(const std::string& pattern) {
    const fs::path path(pattern);
    const std::vector<fs::path> parts(path.begin(), path.end());
    std::set<fs::path> matches;
    match({}, parts, 0, 0, matches);
    const std::size_t before = list_.files.size();
    bool known = false;  // matched files that an earlier pattern named
    for (const fs::path& match : matches) {
      std::error_code error;
      if (fs::is_directory(match, error)) {
        known |= add_folder(match) > 0;
      } else {
        add_file(match);
        known = true;
      }
    }
    if (list_.files.size() > before || known) return;
    const std::string stem = pattern.substr(0, pattern.rfind('['));
    std::error_code error;
    const bool names_extension = pattern.ends_with(']') && fs::exists(stem, error);
    fail(pattern + " matches no file" +
         (names_extension ? "; to read an extension of " + stem + ", name it by option hdu" : std::string()));
  }

  // Follows parts[i...] from `base`, which exists or is empty (the working directory).
  void match(
      const fs::path& base, const std::vector<fs::path>& parts, std::size_t i, int depth, std::set<fs::path>& out) {
    std::error_code error;
    if (i == parts.size()) {
      if (!base.empty()) out.insert(base);
      return;
    }
    const std::string& part = parts[i].native();
    if (!is_glob(part)) {
      const fs::path next = base / parts[i];
      if (fs::exists(fs::symlink_status(next, error))) match(next, parts, i + 1, depth, out);
      return;
    }
    const fs::path folder = base.empty() ? fs::path(".") : base;
    if (!fs::is_directory(folder, error)) return;
    const bool any_depth = part == "**";
    if (any_depth && i + 1 < parts.size()) match(base, parts, i + 1, depth, out);
    for (const fs::directory_entry& entry : entries(folder)) {
      const fs::path name = entry.path().filename();
      if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      const bool descend = any_depth && depth < kMaxDepth && entry.is_directory(error) && !entry.is_symlink(error);
      if (descend) match(base / name, parts, i, depth + 1, out);
      if (!any_depth || (i + 1 == parts.size() && !entry.is_directory(error)))
        match(base / name, parts, i + 1, depth, out);
    }
  }

  const std::string& option_;
  FileList list_;
  std::set<std::string> seen_;
};

}  // namespace

bool has_fits_name(std::string_view path) {
  std::string name = lower(path);
  if (name.ends_with(".gz") || name.ends_with(".fz")) name.resize(name.size() - 3);
  return ends_with_any(name, kFitsExtensions);
}

bool natural_less(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto run = [](std::string_view s, std::size_t& at) {
        while (at < s.size() && s[at] == '0') ++at;
        const std::size_t begin = at;
        while (at < s.size() && is_digit(s[at])) ++at;
        return s.substr(begin, at - begin);
      };
      const std::string_view m = run(a, i);
      const std::string_view n = run(b, j);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      continue;
    }
    if (a[i] != b[j]) {
      if (a[i] == '/' || b[j] == '/') return a[i] == '/';
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    }
    ++i;
    ++j;
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;
}

FileList list_files(const std::vector<std::string>& patterns, const std::string& option) {
  Lister lister(option);
  for (const std::string& pattern : patterns) lister.add(pattern);
  FileList list = lister.finish();
  if (list.files.empty()) throw OptionError(option, "no input: name a file, a folder or a glob");
  return list;
}

}  // namespace starflow
