// SPDX-License-Identifier: MIT
#include "plugin_check.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstddef>

namespace starflow::graph {
namespace {

static_assert(offsetof(PluginDescriptor, magic) == 0 && offsetof(PluginDescriptor, size) == 4 &&
                  offsetof(PluginDescriptor, api_major) == 8 && offsetof(PluginDescriptor, api_minor) == 12,
              "the front of the descriptor is fixed for ever");

std::optional<std::string> text_at(const ElfFile& file, std::uint64_t address) {
  const auto pointer = file.pointer(address);
  if (pointer.state == ElfFile::Pointer::State::unknown) return std::nullopt;
  if (pointer.state == ElfFile::Pointer::State::null) return std::string();
  return file.text(pointer.target);
}

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

bool is_ours(const DescriptorFacts& facts) {
  return facts.magic == kPluginMagic && facts.size >= sizeof(PluginDescriptor) && facts.api_major == kPluginApiMajor;
}

}  // namespace

std::optional<DescriptorFacts> read_descriptor(const ElfFile& file, std::uint64_t address) {
  const auto magic = file.word(address + offsetof(PluginDescriptor, magic));
  const auto size = file.word(address + offsetof(PluginDescriptor, size));
  const auto major = file.word(address + offsetof(PluginDescriptor, api_major));
  const auto minor = file.word(address + offsetof(PluginDescriptor, api_minor));
  if (!magic || !size || !major || !minor) return std::nullopt;
  DescriptorFacts facts{*magic, *size, *major, *minor, {}, {}, {}, {}, {}};
  if (!is_ours(facts)) return facts;
  facts.abi_tag = text_at(file, address + offsetof(PluginDescriptor, abi_tag));
  facts.name = text_at(file, address + offsetof(PluginDescriptor, name));
  facts.version = text_at(file, address + offsetof(PluginDescriptor, version));
  facts.license = text_at(file, address + offsetof(PluginDescriptor, license));
  const auto init = file.pointer(address + offsetof(PluginDescriptor, init));
  if (init.state != ElfFile::Pointer::State::unknown) facts.has_init = init.state == ElfFile::Pointer::State::inside;
  return facts;
}

DescriptorFacts read_descriptor(const PluginDescriptor& d) {
  DescriptorFacts facts{d.magic, 0, 0, 0, {}, {}, {}, {}, {}};
  if (d.magic != kPluginMagic) return facts;
  facts.size = d.size;
  if (d.size < sizeof(PluginDescriptor)) return facts;
  facts.api_major = d.api_major;
  facts.api_minor = d.api_minor;
  if (!is_ours(facts)) return facts;
  facts.abi_tag = text_or_empty(d.abi_tag);
  facts.name = text_or_empty(d.name);
  facts.version = text_or_empty(d.version);
  facts.license = text_or_empty(d.license);
  facts.has_init = d.init != nullptr;
  return facts;
}

std::string refusal_of(const DescriptorFacts& f) {
  if (f.magic != kPluginMagic) {
    return fmt::format("its descriptor begins with 0x{:08X} instead of 0x{:08X}; export it by STARFLOW_PLUGIN", f.magic,
                       kPluginMagic);
  }
  if (f.size < sizeof(PluginDescriptor)) {
    return fmt::format("its descriptor has {} bytes instead of {}; rebuild it with this version's headers", f.size,
                       sizeof(PluginDescriptor));
  }
  if (f.api_major != kPluginApiMajor) {
    return fmt::format(
        "built for plugin API {}.{}, this program provides {}.{}; rebuild it with this version's headers", f.api_major,
        f.api_minor, kPluginApiMajor, kPluginApiMinor);
  }
  if (f.api_minor > kPluginApiMinor) {
    return fmt::format(
        "built for plugin API {}.{}, this program provides {}.{}; update starflow, or rebuild it with older headers",
        f.api_major, f.api_minor, kPluginApiMajor, kPluginApiMinor);
  }
  if (f.abi_tag && *f.abi_tag != kPluginAbiTag) {
    return fmt::format("built as {}, this program is {}; rebuild it with the same compiler settings and OpenCV",
                       in_quotes(*f.abi_tag), in_quotes(kPluginAbiTag));
  }
  const auto empty = [](const std::optional<std::string>& text) { return text && text->empty(); };
  if (empty(f.name)) return "its descriptor has no name; give STARFLOW_PLUGIN one";
  if (empty(f.version)) return "its descriptor has no version; give STARFLOW_PLUGIN one";
  if (empty(f.license)) return "its descriptor has no license; give STARFLOW_PLUGIN an SPDX identifier";
  if (f.has_init && !*f.has_init) return "its descriptor has no init function; give STARFLOW_PLUGIN one";
  return {};
}

}  // namespace starflow::graph
