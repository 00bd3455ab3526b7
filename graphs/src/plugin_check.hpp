// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Decides on a plugin by its descriptor: once in the file, before any of its code can run, and once more when loaded.

#include "elf_file.hpp"

#include <starflow/sdk/plugin.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace starflow::graph {

inline constexpr const char* kPluginSymbol = "starflow_plugin";
/// Exported by libstarflow_image.so, which our nodes load when they need it: no node plugin, and no mistake.
inline constexpr const char* kReaderSymbol = "starflow_image_reader";

/// A descriptor by value. A text that can't be known yet is empty optional; a null pointer is an empty text.
struct DescriptorFacts {
  std::uint32_t magic = 0, size = 0, api_major = 0, api_minor = 0;
  std::optional<std::string> abi_tag, name, version, license;
  std::optional<bool> has_init;
};

/// \return what \p file says before it is loaded; nothing where the symbol lies outside of its data.
[[nodiscard]] std::optional<DescriptorFacts> read_descriptor(const ElfFile& file, std::uint64_t address);
/// \param descriptor  of a loaded library; no more of it is read than its magic and size vouch for
[[nodiscard]] DescriptorFacts read_descriptor(const PluginDescriptor& descriptor);

/// \return why the plugin can't be taken, and what to do; empty = it can.
[[nodiscard]] std::string refusal_of(const DescriptorFacts& facts);

}  // namespace starflow::graph
