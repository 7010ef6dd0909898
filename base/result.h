// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error of one sentence. Recorder and offline side only; nothing here is signal-safe.
// Used because gcc 12 has no std::expected. Our code does not throw (docs/style in CONTRIBUTING.md).
#pragma once

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace flarestack {

// One sentence that names the object, the cause, and what to do about it where there is something to do:
// "open /proc/71/maps: Permission denied; run as the same user".
struct Error {
  std::string message;
};

// An Error of the form "WHAT: strerror(errno_value)".
inline Error errno_error(std::string what, int errno_value = errno) {
  return Error{std::move(what) + ": " + std::strerror(errno_value)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit, as in std::expected
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // The value may be asked for only when ok(), the error only when not.
  T& value() { return *std::get_if<0>(&state_); }
  const T& value() const { return *std::get_if<0>(&state_); }
  const Error& error() const { return *std::get_if<1>(&state_); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit, as in std::expected

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace flarestack
