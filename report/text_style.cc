// SPDX-License-Identifier: Apache-2.0
#include "report/text_style.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"

namespace flarestack {
namespace {

constexpr std::string_view kEllipsis = "...";

// The length of the UTF-8 sequence at `text`'s start, 0 if it is none (RFC 3629: no overlong forms, no surrogates).
size_t utf8_length(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool no_character = (byte(0) == 0xED && byte(1) >= 0xA0) || (byte(0) == 0xF4 && byte(1) >= 0x90);
  return overlong || no_character ? 0 : length;
}

// Where the parameter list of a demangled name begins: the last '(' at depth 0 of <> whose match ends the name or is
// followed by qualifiers; npos if there is none.
size_t parameters_begin(std::string_view name) {
  const size_t close = name.rfind(')');
  if (close == std::string_view::npos || close == 0) return std::string_view::npos;
  size_t depth = 0;
  for (size_t i = close + 1; i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && --depth == 0) return i == 0 ? std::string_view::npos : i;
  }
  return std::string_view::npos;
}

struct Bracket {
  size_t open = 0;
  size_t close = 0;
  size_t depth = 0;
};

// Pairs of '<' and '>' that are template brackets: no operator<, no ->.
std::vector<Bracket> template_brackets(std::string_view name) {
  std::vector<Bracket> found;
  std::vector<size_t> open;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i).starts_with("operator")) {
      i += 7;
      while (i + 1 < name.size() && std::string_view("<>=-").find(name[i + 1]) != std::string_view::npos) ++i;
      continue;
    }
    if (name[i] == '<') open.push_back(i);
    if (name[i] != '>' || open.empty() || (i > 0 && name[i - 1] == '-')) continue;
    found.push_back({open.back(), i, open.size()});
    open.pop_back();
  }
  return found;
}

std::string with_brackets_folded(std::string_view name, size_t depth) {
  std::string folded;
  size_t next = 0;
  std::vector<Bracket> brackets = template_brackets(name);
  std::sort(brackets.begin(), brackets.end(), [](const Bracket& a, const Bracket& b) { return a.open < b.open; });
  for (const Bracket& bracket : brackets) {
    if (bracket.depth != depth || bracket.open < next || bracket.close - bracket.open <= kEllipsis.size() + 1) continue;
    folded += name.substr(next, bracket.open + 1 - next);
    folded += kEllipsis;
    next = bracket.close;
  }
  folded += name.substr(next);
  return folded;
}

// An argument as a shell would take it: bare, in double quotes, in single quotes, or as $'...' where it has line
// breaks.
std::string quoted(const std::string& argument) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  const bool breaks = argument.find_first_of("\n\r\t") != std::string::npos;
  if (!breaks && argument.find('\'') == std::string::npos) return "'" + printable(argument) + "'";
  if (!breaks && argument.find_first_of("\"$`\\!") == std::string::npos) return "\"" + printable(argument) + "\"";
  std::string out = "$'";
  for (const char each : argument) {
    switch (each) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\'':
        out += "\\'";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += each;
    }
  }
  return printable(out + "'");
}

}  // namespace

std::string shorten_end(std::string_view text, size_t width) {
  if (columns_of(text) <= width || width <= kEllipsis.size()) return shorten_middle(text, width);
  size_t end = 0;
  for (size_t columns = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && columns++ == width - kEllipsis.size()) break;
  }
  return std::string(text.substr(0, end)) + std::string(kEllipsis);
}

std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines(1);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (!lines.back().empty() && columns_of(lines.back()) + 1 + columns_of(word) > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    begin = end + 1;
  }
  return lines;
}

std::string Painter::heat(uint64_t part, uint64_t whole, std::string_view text) const {
  const double share = whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  return share >= 0.2 ? paint("1;31", text) : share >= 0.05 ? paint("33", text) : std::string(text);
}

std::string Painter::paint(const char* code, std::string_view text) const {
  if (colour_ == Colour::kNever || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text.substr(i));
    const auto first = static_cast<unsigned char>(text[i]);
    const bool control = first < 0x20 || first == 0x7F ||
                         (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0);
    if (length == 0 || control) {
      shown += '?';
    } else {
      shown += text.substr(i, length);
    }
    i += std::max<size_t>(length, 1);
  }
  return shown;
}

size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char each) { return (static_cast<unsigned char>(each) & 0xC0) != 0x80; }));
}

std::string padded(std::string_view text, size_t width) {
  const size_t columns = columns_of(text);
  return std::string(text) + std::string(columns < width ? width - columns : 0, ' ');
}

std::string short_function(std::string_view name, size_t width) {
  std::string shown = printable(name);
  if (columns_of(shown) <= width) return shown;
  const size_t parameters = parameters_begin(shown);
  if (parameters != std::string_view::npos && shown.ends_with(")")) {
    shown = shown.substr(0, parameters) + "(...)";
  } else if (parameters != std::string_view::npos && shown.ends_with(" const")) {
    shown = shown.substr(0, parameters) + "(...) const";
  }
  size_t deepest = 0;
  for (const Bracket& bracket : template_brackets(shown)) deepest = std::max(deepest, bracket.depth);
  for (size_t depth = deepest; depth > 0 && columns_of(shown) > width; --depth)
    shown = with_brackets_folded(shown, depth);
  return shorten_middle(shown, width);
}

std::string short_file(std::string_view path, size_t width) {
  const size_t slash = path.find_last_of('/');
  return shorten_middle(printable(slash == std::string_view::npos ? path : path.substr(slash + 1)), width);
}

std::string speed_up_text(uint64_t part, uint64_t whole) {
  if (part >= whole) return "all";
  const double factor = speed_up_without(part, whole);
  return factor >= 100 ? fmt::format("{:.0f}x", factor) : fmt::format("{:.2f}x", factor);
}

std::string duration_phrase(const Recording& recording) {
  if (recording.is_imported() && recording.duration_ns <= 0) return "";
  return format_duration(static_cast<uint64_t>(std::max<int64_t>(recording.duration_ns, 0)));
}

std::string thread_label(const Recording& recording, uint32_t thread) {
  if (thread >= recording.threads.size()) return "[lost]";
  const Thread& known = recording.threads[thread];
  const std::string tid = std::to_string(known.tid);
  return known.name.empty() ? tid : printable(known.name) + " (" + tid + ")";
}

std::string command_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) line += (line.empty() ? "" : " ") + quoted(argument);
  return line;
}

std::string describe_filters(const ProfileOptions& options) {
  std::string filters;
  const auto add = [&filters](std::string_view name, std::string_view value) {
    filters += fmt::format("{}{}{}{}", filters.empty() ? "" : ", ", name, value.empty() ? "" : " ", printable(value));
  };
  if (!options.process.empty()) add("process", options.process);
  if (!options.thread.empty()) add("thread", options.thread);
  const auto at = [](int64_t time_ns) { return format_duration(static_cast<uint64_t>(std::max<int64_t>(time_ns, 0))); };
  if (options.from_ns) add("from", at(*options.from_ns));
  if (options.to_ns) add("to", at(*options.to_ns));
  if (!options.focus.empty()) add("focus", options.focus);
  if (!options.ignore.empty()) add("ignore", options.ignore);
  if (!options.inline_frames) add("no inline frames", "");
  return filters;
}

}  // namespace flarestack
