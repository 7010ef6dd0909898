// SPDX-License-Identifier: Apache-2.0
#include "importer/perf_script_line.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace flarestack {
namespace {

constexpr std::string_view kInlined = " (inlined)";

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_hex(char letter) { return is_digit(letter) || (letter >= 'a' && letter <= 'f'); }
bool is_space(char letter) { return letter == ' ' || letter == '\t'; }

std::string_view trimmed_start(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trimmed(std::string_view text) {
  text = trimmed_start(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the word that `rest` begins with, and the space behind it.
std::string_view take_word(std::string_view& rest) {
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed_start(rest.substr(end));
  return word;
}

template <typename Number>
bool whole_number(std::string_view text, Number& number, int base = 10) {
  const char* const last = text.data() + text.size();
  const auto [end, failure] = std::from_chars(text.data(), last, number, base);
  return failure == std::errc() && end == last && !text.empty();
}

// "123" or "123/456".
bool take_ids(std::string_view word, PerfSampleLine& line) {
  const size_t slash = word.find('/');
  line.pid = -1;
  if (slash == std::string_view::npos) return whole_number(word, line.tid);
  return whole_number(word.substr(0, slash), line.pid) && whole_number(word.substr(slash + 1), line.tid);
}

// "1234.567890:", seconds.
std::optional<int64_t> time_of(std::string_view word) {
  if (!word.ends_with(':')) return std::nullopt;
  word.remove_suffix(1);
  const size_t dot = word.find('.');
  int64_t seconds = 0;
  if (dot == std::string_view::npos || !whole_number(word.substr(0, dot), seconds)) return std::nullopt;
  if (seconds < 0 || seconds > 4'000'000'000) return std::nullopt;
  const std::string_view fraction = word.substr(dot + 1);
  int64_t ns = 0;
  if (fraction.size() > 9 || !std::all_of(fraction.begin(), fraction.end(), is_digit)) return std::nullopt;
  for (size_t i = 0; i < 9; ++i) ns = ns * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return seconds * 1'000'000'000 + ns;
}

bool is_event(std::string_view word) {
  const auto is_letter = [](char each) { return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z'); };
  return word.size() > 1 && word.ends_with(':') && std::any_of(word.begin(), word.end(), is_letter);
}

// What follows the ids; false where it is something else.
bool take_fields(std::string_view rest, bool lenient, PerfSampleLine& line) {
  std::string_view behind = rest;
  std::string_view word = take_word(behind);
  if (word.size() > 2 && word.front() == '[' && word.back() == ']') {  // the CPU
    rest = behind;
    word = take_word(behind);
  }
  line.time_ns = time_of(word);
  if (line.time_ns) {
    rest = behind;
    word = take_word(behind);
  }
  if (uint64_t period = 0; whole_number(word, period)) {
    std::string_view after = behind;
    if (is_event(take_word(after))) {
      line.period = period;
      rest = behind;
      word = take_word(behind);
    }
  }
  if (is_event(word) || word.starts_with("PERF_RECORD_")) {
    line.event = word.ends_with(':') ? word.substr(0, word.size() - 1) : word;
    rest = behind;
  }
  line.rest = rest;
  if (line.event.empty() && !rest.empty() && !parse_perf_frame_line(rest)) return false;
  return line.time_ns || !line.event.empty() || (lenient && rest.empty());
}

// Where the "(path)" at the end of a line begins: the path may have parentheses of its own.
size_t last_group(std::string_view text) {
  int depth = 0;
  for (size_t i = text.size(); i > 0; --i) {
    if (text[i - 1] == ')') ++depth;
    if (text[i - 1] == '(' && --depth == 0) return i - 1;
  }
  return std::string_view::npos;
}

// Without "+0x12" at its end.
std::string_view without_offset(std::string_view text) {
  const size_t plus = text.rfind("+0x");
  if (plus == std::string_view::npos || plus + 3 == text.size()) return text;
  return std::all_of(text.begin() + static_cast<ptrdiff_t>(plus) + 3, text.end(), is_hex) ? text.substr(0, plus) : text;
}

}  // namespace

std::optional<PerfSampleLine> parse_perf_sample_line(std::string_view text, bool lenient) {
  text = trimmed_start(text);
  PerfSampleLine line;
  // A name may have spaces and numbers in it: the first number that all the rest fits behind ends it.
  for (size_t begin = 0; begin < text.size();) {
    std::string_view rest = text.substr(begin);
    const std::string_view word = take_word(rest);
    if ((is_digit(word.front()) || word.front() == '-') && take_ids(word, line) && take_fields(rest, lenient, line)) {
      line.comm = trimmed(text.substr(0, begin));
      return line;
    }
    begin = text.size() - rest.size();
  }
  return std::nullopt;
}

std::optional<PerfFrameLine> parse_perf_frame_line(std::string_view text) {
  text = trimmed(text);
  const size_t digits = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_hex) - text.begin());
  PerfFrameLine frame;
  if (digits == 0 || digits > 16 || (digits < text.size() && !is_space(text[digits]))) return std::nullopt;
  if (!whole_number(text.substr(0, digits), frame.address, 16)) return std::nullopt;
  std::string_view symbol = trimmed_start(text.substr(digits));
  if (symbol.ends_with(kInlined)) {
    frame.inlined = true;
    symbol.remove_suffix(kInlined.size());
  } else if (symbol.ends_with(')')) {
    const size_t open = last_group(symbol);
    if (open != std::string_view::npos && (open == 0 || symbol[open - 1] == ' ')) {
      frame.module = without_offset(symbol.substr(open + 1, symbol.size() - open - 2));
      symbol = trimmed(symbol.substr(0, open));
    }
  }
  frame.symbol = without_offset(symbol);
  if (frame.symbol.empty()) frame.symbol = "[unknown]";
  if (frame.module == "[unknown]" || frame.module == "//anon") frame.module = {};
  return frame;
}

FrameKind kind_of_perf_frame(const PerfFrameLine& frame) {
  constexpr uint64_t kLowestKernelAddress = 0xffff800000000000;  // x86-64 and arm64
  constexpr std::array<std::string_view, 4> kNotTheKernel = {"[vdso]", "[vsyscall]", "[heap]", "[stack"};
  const std::string_view module = frame.module;
  const size_t slash = module.find_last_of('/');
  const std::string_view base = slash == std::string_view::npos ? module : module.substr(slash + 1);
  if (base.starts_with("perf-") && base.ends_with(".map")) return FrameKind::kJit;
  if (module.starts_with("[JIT]") || base.starts_with("jitted-")) return FrameKind::kJit;
  const bool bracketed = module.starts_with('[') && std::none_of(kNotTheKernel.begin(), kNotTheKernel.end(),
                                                                 [&](auto each) { return module.starts_with(each); });
  const bool is_kernel = bracketed || frame.address >= kLowestKernelAddress || base.starts_with("vmlinux") ||
                         base.ends_with(".ko") || base.find(".ko.") != std::string_view::npos;
  return is_kernel && !module.starts_with("[anon") ? FrameKind::kKernel : FrameKind::kSymbolized;
}

PerfSourceLine parse_perf_source_line(std::string_view text) {
  PerfSourceLine source;
  text = trimmed(text);
  if (text.ends_with(kInlined)) {
    source.inlined = true;
    text.remove_suffix(kInlined.size());
  }
  if (const size_t note = text.find(" (discriminator"); note != std::string_view::npos) text = text.substr(0, note);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || text.starts_with("??")) return source;
  if (whole_number(text.substr(colon + 1), source.line)) source.file = text.substr(0, colon);
  return source;
}

}  // namespace flarestack
