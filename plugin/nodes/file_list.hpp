// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// From files, folders and globs to one ordered list of files.

#include <string>
#include <string_view>
#include <vector>

namespace starflow {

struct FileList {
  std::vector<std::string> files;  ///< in natural order, each once; as given or found, not made absolute
  std::vector<std::string> notes;  ///< what was left out of folders
};

/// Lists the files that \p patterns name.
///
/// A pattern is a file, a folder (its files with a known image extension, not those of its subfolders), or a glob: `*`,
/// `?` and `[...]` within one name, `**` for any number of folders; hidden names need a dot in the pattern. A path that
/// exists is never read as a glob. A folder that a glob matches counts as if it had been named. Files are compared by
/// their absolute path, links not followed.
/// \throws OptionError naming \p option for a path that is missing, a glob that matches nothing, or a folder without
/// images.
[[nodiscard]] FileList list_files(const std::vector<std::string>& patterns, const std::string& option);

/// Order in which people number files: runs of digits compare as numbers, folders before the rest of a name.
/// A strict total order: names that differ only in leading zeros are ordered by their bytes.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b) noexcept;

/// \return true where the name ends in an extension of FITS (`.fits .fit .fts`, also with `.gz` or `.fz`), in any case.
[[nodiscard]] bool has_fits_name(std::string_view path);

}  // namespace starflow
