// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What travels on an edge: an immutable value and the name of its type. Types are compared by that name, never by
/// RTTI, so that the comparison holds across shared libraries.

#include <memory>
#include <string_view>
#include <utility>

namespace starflow {

/// The name of T on an edge, such as "starflow.frame/1". Specialise it for a message type of your own.
template <class T>
inline constexpr std::string_view message_type = "";

/// A shared value that never changes after it is sent; empty = nothing was produced.
class Message {
 public:
  Message() = default;

  template <class T>
  [[nodiscard]] static Message of(std::shared_ptr<const T> value) {
    static_assert(!message_type<T>.empty(), "specialise starflow::message_type for this type");
    Message m;
    m.value_ = std::move(value);
    m.type_ = message_type<T>;
    return m;
  }

  [[nodiscard]] std::string_view type() const noexcept { return type_; }
  [[nodiscard]] explicit operator bool() const noexcept { return value_ != nullptr; }

  /// \return the value, or null where the message is empty or of another type.
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    static_assert(!message_type<T>.empty(), "specialise starflow::message_type for this type");
    return type_ == message_type<T> ? static_cast<const T*>(value_.get()) : nullptr;
  }
  /// As as(), sharing the ownership.
  template <class T>
  [[nodiscard]] std::shared_ptr<const T> share() const noexcept {
    static_assert(!message_type<T>.empty(), "specialise starflow::message_type for this type");
    return type_ == message_type<T> ? std::static_pointer_cast<const T>(value_) : nullptr;
  }

 private:
  std::shared_ptr<const void> value_;
  std::string_view type_;  // of the plugin that made it; plugins are never unloaded
};

}  // namespace starflow
