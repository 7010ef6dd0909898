// SPDX-License-Identifier: Apache-2.0
// What the text reports share: colours, names made safe and short, columns. Offline side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/profile.h"

namespace flarestack {

enum class Colour : uint8_t { kNever, kAlways };

// How a text report is laid out; the command line fills it in from the terminal.
struct TextLayout {
  size_t width = 100;  // columns; nothing is wider but where that would leave no room for a name
  Colour colour = Colour::kNever;
  bool unicode = false;  // guides of trees in box-drawing characters
};

// Text with or without terminal colours.
class Painter {
 public:
  explicit Painter(Colour colour) : colour_(colour) {}
  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string note(std::string_view text) const { return paint("33", text); }
  std::string bad(std::string_view text) const { return paint("31", text); }
  // By how much of the whole it is about: red from 20 %, yellow from 5 %.
  std::string heat(uint64_t part, uint64_t whole, std::string_view text) const;

 private:
  std::string paint(const char* code, std::string_view text) const;
  Colour colour_;
};

// `text` as UTF-8 that can be shown: control characters (so that a function's name cannot steer the terminal) and bytes
// that are no UTF-8 become '?'.
std::string printable(std::string_view text);
// Columns that UTF-8 text takes, a code point being one.
size_t columns_of(std::string_view text);
// `text` padded with blanks behind it to `width` columns.
std::string padded(std::string_view text, size_t width);

// `text` in at most `width` columns, its end replaced by "..." where it is longer: for what says most at its start.
std::string shorten_end(std::string_view text, size_t width);

// `text` broken at blanks into lines of at most `width` columns; a longer word stays whole.
std::vector<std::string> wrapped(const std::string& text, size_t width);

// A function's name in at most `width` columns: a C++ or Rust name loses its parameters first, then the insides of its
// template arguments, innermost first, and its middle last.
std::string short_function(std::string_view name, size_t width);
// The last part of a path, in at most `width` columns.
std::string short_file(std::string_view path, size_t width);

// "run 1.93 times faster" as "1.93x"; "all" where nothing would be left.
std::string speed_up_text(uint64_t part, uint64_t whole);
// How long it took; empty where it was imported from what does not say.
std::string duration_phrase(const Recording& recording);
std::string thread_label(const Recording& recording, uint32_t thread);  // "worker-1 (1234)"
// The command as typed, quoted where the shell would need it.
std::string command_line(const std::vector<std::string>& arguments);
// What --process, --focus, ... were, for the head of a report; empty without filters.
std::string describe_filters(const ProfileOptions& options);

}  // namespace flarestack
