// SPDX-License-Identifier: Apache-2.0
// Suppressions: which leaks nobody wants to hear of, from files in LeakSanitizer's syntax ("leak:PATTERN") or in that
// of Valgrind's memcheck ("{ name / Memcheck:Leak / fun:... }"), told apart by their content. Offline side.
//
// Both match as their own tools do (compiler-rt's sanitizer_suppressions.cpp and TemplateMatch(); coregrind's
// m_errormgr.c and memcheck's mc_errors.c), with one difference that has to be bridged: memcheck's stacks begin with
// the allocator's own function, which it replaces, and end with main(); ours begin with its caller. So a memcheck
// pattern is matched against a stack with one frame in front that is any allocator's function. An inlined function has
// no name that the linker knows: memcheck calls it by its bare name (bare_name()).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trace/records.h"

namespace flarestack {

// A frame of a stack as suppressions see it; texts are borrowed.
struct SuppressibleFrame {
  std::string_view function;  // demangled
  std::string_view mangled;   // as the linker knows it; empty: unknown, or the same
  std::string_view module;    // path
  std::string_view file;      // path
  uint32_t line = 0;
  bool inlined = false;
};

struct SuppressionFrame {
  enum class Kind : uint8_t { kFunction, kObject, kSource, kAny };  // fun: obj: src: and "...": any number of frames
  Kind kind = Kind::kAny;
  std::string pattern;
  std::string demangled;  // of a pattern that is a whole mangled name; else empty
  uint32_t line = 0;      // of kSource; 0: any
};

struct Suppression {
  std::string name;  // of LSan's syntax: the pattern
  std::string file;  // that it was read from
  uint32_t line = 0;
  bool lsan = false;
  uint8_t verdicts = 0x0F;               // bit: LeakVerdict
  std::vector<SuppressionFrame> frames;  // of memcheck's syntax: innermost first
};

class Suppressions {
 public:
  // Adds what `text` holds; nothing of it where it is in error: "FILE:LINE: what is wrong there".
  Result<void> add(std::string_view text, const std::string& file);
  // The first that matches the stack, innermost frame first: an index of entries().
  std::optional<size_t> find(std::span<const SuppressibleFrame> stack, LeakVerdict verdict) const;
  // Some pattern is about mangled names: find() needs SuppressibleFrame::mangled.
  bool wants_mangled_names() const { return wants_mangled_names_; }
  const std::vector<Suppression>& entries() const { return entries_; }

 private:
  std::vector<Suppression> entries_;
  bool wants_mangled_names_ = false;
};

// The list for what the C and C++ runtimes keep to themselves, in memcheck's syntax; it parses.
extern const std::string_view kBuiltinSuppressions;
inline constexpr const char* kBuiltinSuppressionsName = "[built-in]";

// "*" stands for any text, "?" for one character; all of `text` has to match.
bool wildcard_match(std::string_view pattern, std::string_view text);
// LSan's: "*" for any text, "^" at the start and "$" at the end anchor, else a part of `text` is enough.
bool template_match(std::string_view pattern, std::string_view text);
// "insert<int>" of "void Tree::insert<int>(int)", as DWARF's DW_AT_name has it.
std::string_view bare_name(std::string_view demangled);
// Whether a function is an allocator's own entry, in memcheck's eyes: malloc, operator new, ...
bool is_allocator_entry(std::string_view function);

}  // namespace flarestack
