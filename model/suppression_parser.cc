// SPDX-License-Identifier: Apache-2.0
#include "model/suppression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "symbolizer/demangle.h"

namespace flarestack {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// The lines of a file that are neither blank nor a comment.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // nullopt at the end.
  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const size_t end = rest_.find('\n');
      const std::string_view line = trimmed(rest_.substr(0, end));
      rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
      ++number_;
      if (!line.empty() && line.front() != '#') return line;
    }
    return std::nullopt;
  }
  uint32_t number() const { return number_; }

 private:
  std::string_view rest_;
  uint32_t number_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : lines_(text), file_(file) {}

  Result<std::vector<Suppression>> parse() {
    while (const auto line = lines_.next()) {
      if (*line == "{") {
        if (const Result<void> read = read_block(); !read.ok()) return read.error();
      } else if (line->starts_with("leak:")) {
        const std::string_view pattern = trimmed(line->substr(5));
        if (pattern.empty()) return error("leak: without a pattern would suppress nothing");
        Suppression entry;
        entry.name = pattern;
        entry.file = file_;
        entry.line = lines_.number();
        entry.lsan = true;
        entries_.push_back(std::move(entry));
      } else {
        return error("expected leak:PATTERN, or the { of a Memcheck suppression, not '" + quotable(*line) + "'");
      }
    }
    return std::move(entries_);
  }

 private:
  static std::string quotable(std::string_view text) {
    std::string quoted(text.substr(0, 60));
    for (char& each : quoted) {
      if (static_cast<unsigned char>(each) < 0x20 || static_cast<unsigned char>(each) >= 0x7F) each = '?';
    }
    return quoted;
  }
  Error error(const std::string& sentence, uint32_t line = 0) const {
    return Error{file_ + ":" + std::to_string(line != 0 ? line : lines_.number()) + ": " + sentence};
  }
  Error unclosed(uint32_t line) const { return error("the suppression that begins here has no } at its end", line); }

  Result<void> skip_block(uint32_t begin) {
    while (const auto line = lines_.next()) {
      if (*line == "}") return {};
    }
    return unclosed(begin);
  }

  // Behind the "{".
  Result<void> read_block() {
    const uint32_t begin = lines_.number();
    const auto name = lines_.next();
    if (!name) return unclosed(begin);
    if (*name == "}") return error("a suppression needs a name, a kind such as Memcheck:Leak, and frames");
    Suppression entry;
    entry.name = *name;
    entry.file = file_;
    entry.line = begin;
    const auto kind = lines_.next();
    if (!kind) return unclosed(begin);
    const size_t colon = kind->find(':');
    if (colon == std::string_view::npos)
      return error("expected a kind such as Memcheck:Leak, not '" + quotable(*kind) + "'");
    if (!is_memcheck(kind->substr(0, colon)) || trimmed(kind->substr(colon + 1)) != "Leak") return skip_block(begin);
    if (const Result<void> read = read_leak(entry, begin); !read.ok()) return read.error();
    entries_.push_back(std::move(entry));
    return {};
  }

  // "Memcheck" in "Memcheck,Helgrind".
  static bool is_memcheck(std::string_view tools) {
    while (true) {
      const size_t comma = tools.find(',');
      if (trimmed(tools.substr(0, comma)) == "Memcheck") return true;
      if (comma == std::string_view::npos) return false;
      tools.remove_prefix(comma + 1);
    }
  }

  Result<void> read_leak(Suppression& entry, uint32_t begin) {
    constexpr std::string_view kKinds = "match-leak-kinds:";
    auto line = lines_.next();
    if (line && line->starts_with(kKinds)) {
      if (const Result<void> read = read_kinds(line->substr(kKinds.size()), entry.verdicts); !read.ok())
        return read.error();
      line = lines_.next();
    }
    for (; line && *line != "}"; line = lines_.next()) {
      auto frame = read_frame(*line);
      if (!frame) return frame.error();
      entry.frames.push_back(std::move(*frame));
    }
    if (!line) return unclosed(begin);
    const bool names_a_place = std::any_of(entry.frames.begin(), entry.frames.end(), [](const SuppressionFrame& each) {
      return each.kind != SuppressionFrame::Kind::kAny;
    });
    if (!names_a_place) return error("a suppression needs at least one frame that is not ...");
    return {};
  }

  Result<void> read_kinds(std::string_view kinds, uint8_t& verdicts) {
    constexpr std::array<std::string_view, 4> kNames = {"definite", "indirect", "possible",
                                                        "reachable"};  // LeakVerdict
    verdicts = 0;
    while (true) {
      const size_t comma = kinds.find(',');
      const std::string_view kind = trimmed(kinds.substr(0, comma));
      const auto known = std::find(kNames.begin(), kNames.end(), kind);
      if (known != kNames.end()) {
        verdicts |= static_cast<uint8_t>(1U << (known - kNames.begin()));
      } else if (kind == "all") {
        verdicts = 0x0F;
      } else if (kind != "none") {
        return error("match-leak-kinds: takes definite, indirect, possible, reachable, all and none, not '" +
                     quotable(kind) + "'");
      }
      if (comma == std::string_view::npos) return {};
      kinds.remove_prefix(comma + 1);
    }
  }

  Result<SuppressionFrame> read_frame(std::string_view line) {
    using Kind = SuppressionFrame::Kind;
    SuppressionFrame frame;
    if (line == "...") return frame;
    if (line.starts_with("fun:")) {
      frame.kind = Kind::kFunction;
    } else if (line.starts_with("obj:")) {
      frame.kind = Kind::kObject;
    } else if (line.starts_with("src:")) {
      frame.kind = Kind::kSource;
    } else {
      return error("a frame is fun:NAME, obj:PATH, src:FILE or ..., not '" + quotable(line) + "'");
    }
    frame.pattern = line.substr(4);
    if (frame.kind == Kind::kFunction) {
      // Versions of symbols stay out of our names.
      if (const size_t at = frame.pattern.find('@'); at != std::string::npos && at != 0) frame.pattern.resize(at);
      if (is_mangled(frame.pattern)) frame.demangled = demangle(frame.pattern);
      if (frame.demangled == frame.pattern) frame.demangled.clear();
    }
    if (frame.kind == Kind::kSource) {
      const size_t colon = frame.pattern.rfind(':');
      if (colon != std::string::npos) {
        const char* begin = frame.pattern.data() + colon + 1;
        const char* end = frame.pattern.data() + frame.pattern.size();
        const auto [stop, failure] = std::from_chars(begin, end, frame.line);
        if (failure != std::errc() || stop != end) return error("behind src:FILE: stands the number of a line");
        frame.pattern.resize(colon);
      }
    }
    return frame;
  }

  Lines lines_;
  const std::string& file_;
  std::vector<Suppression> entries_;
};

}  // namespace

Result<std::vector<Suppression>> parse_suppressions(std::string_view text, const std::string& file) {
  return Parser(text, file).parse();
}

}  // namespace flarestack
