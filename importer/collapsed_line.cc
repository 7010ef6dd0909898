// SPDX-License-Identifier: Apache-2.0
#include "importer/collapsed_line.h"

#include <charconv>

namespace flarestack {
namespace {

// "name (path/to/file.py:12)": the place that a frame of an interpreter has, with a file that has an extension or is in
// angle brackets, so that no list of parameters is taken for one.
void take_place(CollapsedFrame& frame) {
  if (!frame.name.ends_with(')')) return;
  const size_t open = frame.name.rfind(" (");
  if (open == std::string_view::npos || open == 0) return;
  const std::string_view place = frame.name.substr(open + 2, frame.name.size() - open - 3);
  const size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return;
  const std::string_view file = place.substr(0, colon);
  const std::string_view digits = place.substr(colon + 1);
  uint32_t line = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), line);
  if (failure != std::errc() || end != digits.data() + digits.size()) return;
  if (file.find('.') == std::string_view::npos && !file.starts_with('<')) return;
  frame.name = frame.name.substr(0, open);
  frame.file = file;
  frame.line = line;
  frame.kind = FrameKind::kInterpreter;
}

}  // namespace

std::optional<CollapsedLine> parse_collapsed_line(std::string_view line) {
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  const size_t gap = line.find_last_of(" \t");
  const std::string_view number = gap == std::string_view::npos ? line : line.substr(gap + 1);
  CollapsedLine result;
  uint64_t whole = 0;
  const char* const last = number.data() + number.size();
  if (const auto [end, failure] = std::from_chars(number.data(), last, whole);
      failure == std::errc() && end == last && !number.empty()) {
    result.whole_value = whole;
    result.value = static_cast<double>(whole);
  } else if (const auto [end_of_double, no_double] =
                 std::from_chars(number.data(), last, result.value, std::chars_format::fixed);
             no_double != std::errc() || end_of_double != last || !(result.value >= 0) || number.front() == '-' ||
             number.front() == 'i' || number.front() == 'n') {
    return std::nullopt;
  }
  if (gap != std::string_view::npos) result.stack = line.substr(0, gap);
  return result;
}

CollapsedFrame parse_collapsed_frame(std::string_view text) {
  CollapsedFrame frame;
  frame.name = text;
  if (text.size() > 4 && text.ends_with(']') && text.substr(text.size() - 4, 2) == "_[") {
    const char annotation = text[text.size() - 2];
    frame.name = text.substr(0, text.size() - 4);
    switch (annotation) {
      case 'k':
        frame.kind = FrameKind::kKernel;
        return frame;
      case 'j':
      case '1':
        frame.kind = FrameKind::kJit;
        return frame;
      case '0':
        frame.kind = FrameKind::kInterpreter;
        return frame;
      case 'i':
        frame.inlined = true;
        return frame;
      default:
        frame.name = text;
    }
  }
  if (text == "[kernel]") frame.kind = FrameKind::kKernel;
  if (text.empty()) frame.name = "[unknown]";
  take_place(frame);
  return frame;
}

}  // namespace flarestack
