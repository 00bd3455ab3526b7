// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Memory that frames of one node borrow and give back, so that no frame allocates it anew.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace starflow {

template <class T>
class WorkspacePool {
 public:
  /// A workspace for the caller alone, as the last user left it; goes back when the pointer dies. The pool must outlive
  /// it.
  [[nodiscard]] auto borrow() {
    std::unique_ptr<T> workspace;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        workspace = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!workspace) workspace = std::make_unique<T>();
    const auto give_back = [this](T* used) {
      const std::lock_guard lock(mutex_);
      free_.emplace_back(used);
    };
    return std::unique_ptr<T, decltype(give_back)>(workspace.release(), give_back);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace starflow
