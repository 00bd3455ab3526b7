// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Counts heap allocations of the whole program. Include it in one translation unit of a test program only: it replaces
/// operator new.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace starflow::test {

inline std::atomic<std::size_t> g_allocations = 0;

/// Allocations since it was made.
class AllocationCounter {
 public:
  [[nodiscard]] std::size_t count() const { return g_allocations - start_; }

 private:
  std::size_t start_ = g_allocations;
};

inline void* counted(std::size_t size, std::size_t alignment) {
  ++g_allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(size > 0 ? size : 1)
                     : std::aligned_alloc(alignment, rounded > 0 ? rounded : alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace starflow::test

void* operator new(std::size_t size) { return starflow::test::counted(size, 1); }
void* operator new[](std::size_t size) { return starflow::test::counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t a) {
  return starflow::test::counted(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return starflow::test::counted(size, static_cast<std::size_t>(a));
}
// A sanitizer brings its own of these, which would not count and go with another delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return starflow::test::counted(size, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t size, const std::nothrow_t& t) noexcept { return operator new(size, t); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
