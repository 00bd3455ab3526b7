// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reads data of a shared library from its file, so that a plugin can be judged before dlopen runs its constructors.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// A 64-bit ELF file of this machine's byte order. Every read is checked against the file's size.
class ElfFile {
 public:
  enum class Kind : std::uint8_t {
    unreadable,  ///< reason() says why
    not_elf,
    opaque,  ///< ELF, but of another class or without section headers: only dlopen can tell
    library
  };

  explicit ElfFile(const std::string& path);
  ~ElfFile();
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

  /// \return the address of an exported, defined symbol.
  [[nodiscard]] std::optional<std::uint64_t> symbol(std::string_view name) const;
  /// \return the 32-bit word at an address, as it stands before relocation.
  [[nodiscard]] std::optional<std::uint32_t> word(std::uint64_t address) const;

  /// What a pointer at an address will point to inside this file once it is loaded.
  struct Pointer {
    enum class State : std::uint8_t { null, inside, unknown } state = State::unknown;
    std::uint64_t target = 0;
  };
  [[nodiscard]] Pointer pointer(std::uint64_t address) const;
  /// \return the text at an address, up to its 0 byte.
  [[nodiscard]] std::optional<std::string> text(std::uint64_t address) const;

 private:
  struct Section {
    std::uint32_t type = 0, link = 0;
    std::uint64_t offset = 0, size = 0;
  };
  struct Segment {
    std::uint64_t offset = 0, address = 0, size = 0;
  };
  template <class T>
  [[nodiscard]] std::optional<T> read(std::uint64_t offset) const;
  [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address) const;
  [[nodiscard]] std::string_view text_at(std::uint64_t offset) const;
  void read_tables();
  void refuse_cut();

  std::string_view bytes_;  // mapped: most of a library is code that is not looked at
  std::vector<Section> sections_;
  std::vector<Segment> segments_;
  Kind kind_ = Kind::unreadable;
  std::string reason_;
};

}  // namespace starflow::graph
