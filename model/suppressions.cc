// SPDX-License-Identifier: Apache-2.0
#include "model/suppressions.h"

#include <algorithm>
#include <array>

#include "model/heap_sites.h"
#include "model/suppression_parser.h"

namespace flarestack {
namespace {

// What memcheck replaces (vg_replace_malloc.c), mangled and as people write it.
constexpr std::array<std::string_view, 24> kAllocatorEntries = {"malloc",
                                                                "calloc",
                                                                "realloc",
                                                                "memalign",
                                                                "posix_memalign",
                                                                "aligned_alloc",
                                                                "valloc",
                                                                "pvalloc",
                                                                "reallocarray",
                                                                "_Znwm",
                                                                "_Znam",
                                                                "_ZnwmRKSt9nothrow_t",
                                                                "_ZnamRKSt9nothrow_t",
                                                                "_ZnwmSt11align_val_t",
                                                                "_ZnamSt11align_val_t",
                                                                "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                                                "_ZnamSt11align_val_tRKSt9nothrow_t",
                                                                "operator new(unsigned long)",
                                                                "operator new[](unsigned long)",
                                                                "operator new(unsigned long, std::nothrow_t const&)",
                                                                "operator new[](unsigned long, std::nothrow_t const&)",
                                                                "operator new(unsigned long, std::align_val_t)",
                                                                "operator new[](unsigned long, std::align_val_t)",
                                                                "__builtin_new"};

std::string_view base_name(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool matches(const SuppressionFrame& pattern, const SuppressibleFrame& frame) {
  switch (pattern.kind) {
    case SuppressionFrame::Kind::kFunction:
      if (!pattern.demangled.empty() && pattern.demangled == frame.function) return true;
      if (frame.inlined && wildcard_match(pattern.pattern, bare_name(frame.function))) return true;
      return wildcard_match(pattern.pattern, frame.mangled.empty() ? frame.function : frame.mangled) ||
             (!frame.mangled.empty() && wildcard_match(pattern.pattern, frame.function));
    case SuppressionFrame::Kind::kObject:
      return wildcard_match(pattern.pattern, frame.module.empty() ? "???" : frame.module);
    case SuppressionFrame::Kind::kSource:
      if (frame.file.empty() || (pattern.line != 0 && pattern.line != frame.line)) return false;
      return wildcard_match(pattern.pattern, base_name(frame.file)) || wildcard_match(pattern.pattern, frame.file);
    case SuppressionFrame::Kind::kAny:
      break;
  }
  return false;
}

// The frame that memcheck has in front of ours.
bool matches_allocator(const SuppressionFrame& pattern) {
  if (pattern.kind == SuppressionFrame::Kind::kObject)
    return wildcard_match(pattern.pattern, "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so");
  if (pattern.kind != SuppressionFrame::Kind::kFunction) return false;
  return std::any_of(kAllocatorEntries.begin(), kAllocatorEntries.end(),
                     [&](std::string_view entry) { return wildcard_match(pattern.pattern, entry); });
}

// Whether the patterns match the allocator's frame and the innermost frames of the stack. "..." may stand for any
// number; going on from the last one that was met is enough, as for "*" in a name.
bool matches_stack(const std::vector<SuppressionFrame>& patterns, std::span<const SuppressibleFrame> stack) {
  const size_t length = stack.size() + 1;
  size_t pattern = 0;
  size_t at = 0;
  size_t retry_pattern = SIZE_MAX;
  size_t retry_at = 0;
  while (pattern < patterns.size()) {
    const SuppressionFrame& each = patterns[pattern];
    if (each.kind == SuppressionFrame::Kind::kAny) {
      retry_pattern = ++pattern;
      retry_at = at;
      continue;
    }
    if (at < length && (at == 0 ? matches_allocator(each) : matches(each, stack[at - 1]))) {
      ++pattern;
      ++at;
      continue;
    }
    if (retry_pattern == SIZE_MAX || retry_at >= length) return false;
    pattern = retry_pattern;
    at = ++retry_at;
  }
  return true;
}

bool matches_lsan(const std::string& pattern, std::span<const SuppressibleFrame> stack) {
  return std::any_of(stack.begin(), stack.end(), [&](const SuppressibleFrame& frame) {
    return template_match(pattern, frame.module) || template_match(pattern, frame.function) ||
           template_match(pattern, frame.file);
  });
}

}  // namespace

Result<void> Suppressions::add(std::string_view text, const std::string& file) {
  auto parsed = parse_suppressions(text, file);
  if (!parsed) return parsed.error();
  for (Suppression& each : *parsed) {
    for (const SuppressionFrame& frame : each.frames) {
      wants_mangled_names_ = wants_mangled_names_ || (frame.kind == SuppressionFrame::Kind::kFunction &&
                                                      frame.pattern.find("_Z") != std::string::npos);
    }
    entries_.push_back(std::move(each));
  }
  return {};
}

std::optional<size_t> Suppressions::find(std::span<const SuppressibleFrame> stack, LeakVerdict verdict) const {
  // An operator new that is in the program itself is a frame of ours, and the one that memcheck replaces.
  std::span<const SuppressibleFrame> below = stack;
  while (below.size() > 1 && is_allocator_entry(below.front().function)) below = below.subspan(1);
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Suppression& entry = entries_[i];
    if ((entry.verdicts >> static_cast<int>(verdict) & 1) == 0) continue;
    if (entry.lsan ? matches_lsan(entry.name, stack) : matches_stack(entry.frames, below)) return i;
  }
  return std::nullopt;
}

bool wildcard_match(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t next = 0;
  size_t star = std::string_view::npos;
  size_t star_next = 0;
  while (next < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_next = next;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[next])) {
      ++at;
      ++next;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      next = ++star_next;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool template_match(std::string_view pattern, std::string_view text) {
  if (text.empty()) return false;
  bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  const size_t dollar = pattern.find('$');
  const bool to_the_end = dollar != std::string_view::npos;
  pattern = pattern.substr(0, dollar);
  size_t at = 0;
  while (!pattern.empty()) {
    if (pattern.front() == '*') {
      pattern.remove_prefix(1);
      anchored = false;
      if (pattern.empty()) return true;
      continue;
    }
    const std::string_view part = pattern.substr(0, pattern.find('*'));
    pattern.remove_prefix(part.size());
    if (pattern.empty() && to_the_end)
      return text.size() >= at + part.size() && text.ends_with(part) && (!anchored || text.size() == at + part.size());
    const size_t found = text.find(part, at);
    if (found == std::string_view::npos || (anchored && found != at)) return false;
    at = found + part.size();
    anchored = false;
  }
  return !to_the_end;
}

std::string_view bare_name(std::string_view demangled) {
  const std::string_view name = qualified_name(demangled);
  if (name.starts_with("operator")) return name;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(' || name[i] == '{') ++depth;
    if ((name[i] == '>' || name[i] == ')' || name[i] == '}') && depth > 0) --depth;
    if (depth != 0 || !name.substr(i).starts_with("::")) continue;
    begin = i + 2;
    if (name.substr(begin).starts_with("operator")) break;
  }
  return name.substr(begin);
}

bool is_allocator_entry(std::string_view function) {
  return std::find(kAllocatorEntries.begin(), kAllocatorEntries.end(), function) != kAllocatorEntries.end();
}

}  // namespace flarestack
