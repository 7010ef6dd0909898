// SPDX-License-Identifier: Apache-2.0
// InputReader: a file, or standard input, as lines or as a whole, unpacked on the way where it is gzipped. Memory stays
// bounded by one line, however long the input is. Offline side; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace flarestack {

class InputReader {
 public:
  static constexpr size_t kMaxLineBytes = size_t{1} << 20;

  // "-": standard input. Error: it cannot be opened or read.
  static Result<InputReader> open(const std::string& path);
  // Of bytes that are there already, which are borrowed for the reader's life.
  static InputReader of_bytes(std::string_view bytes);
  InputReader(InputReader&&) noexcept;
  InputReader& operator=(InputReader&&) noexcept;
  ~InputReader();

  // What comes next, without taking it: up to kMaxLineBytes, less at the end of the input.
  std::string_view peek();
  // The next line without its end, borrowed until the next call. False: there is none, or error() says why.
  bool next_line(std::string_view& line);
  // Of the line that next_line() gave, from 1.
  uint64_t line_number() const;
  // All that is left. Error: as error(), or it is longer than `max_bytes`.
  Result<std::string> read_rest(size_t max_bytes);
  // Why reading ended before the input did: it cannot be read or unpacked, or a line is too long. Without its name.
  Result<void> error() const;

 private:
  struct State;
  explicit InputReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
