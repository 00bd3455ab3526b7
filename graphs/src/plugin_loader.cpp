// SPDX-License-Identifier: MIT
#include <starflow/graph/plugin_loader.hpp>

#include "fp_guard.hpp"
#include "plugin_check.hpp"
#include "text.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <set>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::string_view kHost = "host";  // the owner of types that no plugin added

void fill(PluginRecord& record, const DescriptorFacts& facts) {
  record.name = facts.name.value_or("");
  record.version = facts.version.value_or("");
  record.license = facts.license.value_or("");
}

/// Judges the file as far as that goes without loading it. \return the refusal
std::string check_file(const ElfFile& file, PluginRecord& record) {
  switch (file.kind()) {
    case ElfFile::Kind::unreadable: return file.reason();
    case ElfFile::Kind::not_elf: return "not a shared library; remove it or build it again";
    case ElfFile::Kind::opaque: return {};
    case ElfFile::Kind::library: break;
  }
  const auto address = file.symbol(kPluginSymbol);
  if (!address)
    return fmt::format("exports no symbol {}: not a node plugin; put STARFLOW_PLUGIN into it", kPluginSymbol);
  const auto facts = read_descriptor(file, *address);
  if (!facts) return fmt::format("its symbol {} is no data; put STARFLOW_PLUGIN into it", kPluginSymbol);
  fill(record, *facts);
  return refusal_of(*facts);
}

/// \return the refusal
std::string check_name(const PluginRecord& record, const Registry& registry) {
  if (record.name == kHost) return "the name \"host\" is starflow's own; give it another";
  for (const auto& other : registry.plugins()) {
    if (other.refusal.empty() && other.name == record.name) {
      return fmt::format("a plugin {} is loaded already, from {}; keep one of them", in_quotes(record.name),
                         other.file);
    }
  }
  return {};
}

std::string last_error(const std::string& file) {
  const char* text = dlerror();
  std::string what = text == nullptr ? "unknown reason" : text;
  if (what.starts_with(file + ": ")) what.erase(0, file.size() + 2);
  return what;
}

/// \return the refusal
std::string run_init(const PluginDescriptor& descriptor, const std::string& name, Registry& registry) {
  std::string refusal;
  registry.set_owner(name);
  try {
    descriptor.init(registry);
  } catch (const std::exception& e) {
    refusal = fmt::format("its init failed: {}", e.what());
  } catch (...) {
    refusal = "its init failed with an exception of an unknown type";
  }
  registry.set_owner(std::string(kHost));
  if (!refusal.empty()) registry.remove_types_of(name);
  return refusal;
}

/// \return the refusal
std::string open(const std::string& file, PluginRecord& record, Registry& registry) {
  // A name without a slash would be searched for in the system's folders.
  const std::string path = std::filesystem::absolute(file).string();
  // Never closed, also when refused from here on: values of its types may live on, and closing runs its code.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return fmt::format("can't be loaded: {}; build it again, linked with everything it uses", last_error(path));
  }
  const auto* descriptor = static_cast<const PluginDescriptor*>(dlsym(library, kPluginSymbol));
  if (descriptor == nullptr) {
    return fmt::format("exports no symbol {}: not a node plugin; put STARFLOW_PLUGIN into it", kPluginSymbol);
  }
  const DescriptorFacts facts = read_descriptor(*descriptor);
  fill(record, facts);
  std::string refusal = refusal_of(facts);
  if (refusal.empty()) refusal = check_name(record, registry);
  return refusal.empty() ? run_init(*descriptor, record.name, registry) : refusal;
}

PluginRecord load(const ElfFile& elf, const std::string& file, Registry& registry) {
  PluginRecord record;
  record.file = file;
  record.refusal = check_file(elf, record);
  if (record.refusal.empty() && !record.name.empty()) record.refusal = check_name(record, registry);
  if (record.refusal.empty()) {
    const FpGuard guard;
    record.refusal = open(file, record, registry);
    if (guard.restore()) record.warning = "changes the floating-point state (built with -ffast-math?); it was put back";
  }
  if (record.refusal.empty()) {
    for (const auto& [name, type] : registry.types()) {
      if (registry.owner(name) == record.name) record.types.push_back(name);
    }
    for (const auto& [name, method] : registry.methods()) {
      if (registry.method_owner(name) == record.name) record.methods.push_back(name);
    }
  }
  registry.record(record);
  return record;
}

/// `libstarflow_*.so` of a folder, sorted; none of a folder that can't be read.
std::vector<std::filesystem::path> candidates(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("libstarflow_") && name.ends_with(".so")) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

PluginRecord load_plugin(const std::string& file, Registry& registry) { return load(ElfFile(file), file, registry); }

void load_plugins(const std::vector<std::string>& folders, Registry& registry) {
  std::set<std::string> loaded;
  for (const auto& folder : folders) {
    for (const auto& path : candidates(folder)) {
      const std::string name = path.filename().string();
      if (loaded.contains(name)) continue;
      const ElfFile elf(path.string());
      if (elf.kind() == ElfFile::Kind::library && !elf.symbol(kPluginSymbol) && elf.symbol(kReaderSymbol)) continue;
      if (load(elf, path.string(), registry).refusal.empty()) loaded.insert(name);
    }
  }
}

}  // namespace starflow::graph
