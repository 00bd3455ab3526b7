// SPDX-License-Identifier: MIT
#include "elf_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace starflow::graph {
namespace {

constexpr bool is_relative(std::uint64_t info) {
#if defined(__x86_64__)
  return ELF64_R_TYPE(info) == R_X86_64_RELATIVE;
#elif defined(__aarch64__)
  return ELF64_R_TYPE(info) == R_AARCH64_RELATIVE;
#else
  return info != info;  // no relocation of another machine is known here: pointers stay unknown
#endif
}

}  // namespace

ElfFile::ElfFile(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::is_regular_file(status)) {
    reason_ = std::filesystem::exists(status) ? "not a file" : "no such file";
    return;
  }
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    reason_ = std::generic_category().message(errno);
    return;
  }
  const auto size = std::filesystem::file_size(path, error);
  void* bytes = !error && size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  close(file);
  if (error || bytes == MAP_FAILED) {
    reason_ = error ? error.message() : "can't be read";
    return;
  }
  bytes_ = std::string_view(static_cast<const char*>(bytes), size);
  kind_ = Kind::not_elf;
  if (bytes_.size() < EI_NIDENT || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) return;
  read_tables();
}

ElfFile::~ElfFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

template <class T>
std::optional<T> ElfFile::read(std::uint64_t offset) const {
  if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes_.data() + offset, sizeof(T));
  return value;
}

void ElfFile::refuse_cut() {
  kind_ = Kind::unreadable;
  reason_ = "the file is cut off; copy it again or build it again";
}

void ElfFile::read_tables() {
  kind_ = Kind::opaque;
  const auto header = read<Elf64_Ehdr>(0);
  constexpr unsigned char kOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != kOrder) return;
  if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_phentsize != sizeof(Elf64_Phdr)) return;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto s = read<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
    // dlopen would map what is not there, and die of SIGBUS at the first touch.
    if (!s || s->p_offset > bytes_.size() || s->p_filesz > bytes_.size() - s->p_offset) return refuse_cut();
    if (s->p_type == PT_LOAD) segments_.push_back({s->p_offset, s->p_vaddr, s->p_filesz});
  }
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto s = read<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!s) return refuse_cut();  // the table stands at the end, behind what is mapped and maybe much debugging data
    sections_.push_back({s->sh_type, s->sh_link, s->sh_offset, s->sh_size});
  }
  const auto is_dynamic = [](const Section& s) { return s.type == SHT_DYNSYM; };
  if (std::any_of(sections_.begin(), sections_.end(), is_dynamic)) kind_ = Kind::library;
}

std::optional<std::uint64_t> ElfFile::offset_of(std::uint64_t address) const {
  for (const auto& s : segments_) {
    if (address >= s.address && address - s.address < s.size) return s.offset + (address - s.address);
  }
  return std::nullopt;
}

std::string_view ElfFile::text_at(std::uint64_t offset) const {
  if (offset >= bytes_.size()) return {};
  const std::string_view rest = bytes_.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

std::optional<std::uint64_t> ElfFile::symbol(std::string_view name) const {
  for (const auto& section : sections_) {
    if (section.type != SHT_DYNSYM || section.link >= sections_.size()) continue;
    const Section& names = sections_[section.link];
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.size; at += sizeof(Elf64_Sym)) {
      const auto s = read<Elf64_Sym>(section.offset + at);
      if (!s) break;
      if (s->st_shndx == SHN_UNDEF || s->st_name >= names.size) continue;
      if (text_at(names.offset + s->st_name) == name) return s->st_value;
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ElfFile::word(std::uint64_t address) const {
  const auto offset = offset_of(address);
  return offset ? read<std::uint32_t>(*offset) : std::nullopt;
}

ElfFile::Pointer ElfFile::pointer(std::uint64_t address) const {
  for (const auto& section : sections_) {
    if (section.type != SHT_RELA) continue;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= section.size; at += sizeof(Elf64_Rela)) {
      const auto r = read<Elf64_Rela>(section.offset + at);
      if (!r) break;
      if (r->r_offset != address) continue;
      if (!is_relative(r->r_info)) return {};
      return {Pointer::State::inside, static_cast<std::uint64_t>(r->r_addend)};
    }
  }
  // Packed relocations (SHT_RELR) and REL keep the target in place; nothing there is a null pointer.
  const auto offset = offset_of(address);
  const auto in_place = offset ? read<std::uint64_t>(*offset) : std::nullopt;
  if (!in_place) return {};
  return *in_place == 0 ? Pointer{Pointer::State::null, 0} : Pointer{Pointer::State::inside, *in_place};
}

std::optional<std::string> ElfFile::text(std::uint64_t address) const {
  const auto offset = offset_of(address);
  if (!offset) return std::nullopt;
  return std::string(text_at(*offset));
}

}  // namespace starflow::graph
