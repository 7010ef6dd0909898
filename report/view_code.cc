// SPDX-License-Identifier: Apache-2.0
#include "report/view_code.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "model/function_table.h"
#include "report/annotate_json.h"

namespace flarestack {
namespace {

constexpr uint32_t kLinesAround = 15;  // a line with cost
// Generated code may have lines of megabytes.
constexpr size_t kMostLineBytes = 500;
constexpr size_t kMostSourceTextBytes = 1'000'000;
// Below this part of the total nobody looks at a function's code.
constexpr double kLeastShare = 0.001;
// Of one profile: what they take is about what a page has room for, and annotating more takes its time.
constexpr size_t kEnoughInstructions = 5000;

// Lines of a file that are shown: first line by last line, apart from each other.
using LineRanges = std::map<uint32_t, uint32_t>;

void add_lines(LineRanges& ranges, uint32_t first, uint32_t last) {
  auto each = ranges.upper_bound(first);
  if (each != ranges.begin() && std::prev(each)->second + 1 >= first) --each;
  while (each != ranges.end() && each->first <= last + 1) {
    first = std::min(first, each->first);
    last = std::max(last, each->second);
    each = ranges.erase(each);
  }
  ranges[first] = last;
}

void add_around(LineRanges& ranges, uint32_t line, size_t lines) {
  if (line == 0 || line > lines) return;
  add_lines(ranges, line > kLinesAround ? line - kLinesAround : 1,
            std::min(line + kLinesAround, static_cast<uint32_t>(lines)));
}

struct ShownSource {
  const SourceText* text = nullptr;
  LineRanges ranges;
};

void write_sources(JsonWriter& json, const std::vector<ViewedFunction>& functions) {
  std::map<std::string, ShownSource> shown;
  for (const ViewedFunction& each : functions) {
    const Annotation& annotation = each.annotated.annotation;
    const auto add = [&](const std::string& file, uint32_t line) {
      const auto text = annotation.sources.find(file);
      if (text == annotation.sources.end() || !text->second.problem.empty()) return;
      ShownSource& source = shown[file];
      source.text = &text->second;
      add_around(source.ranges, line, text->second.lines.size());
    };
    const Function& function = each.profile->functions[annotation.function];
    add(function.file, function.line);
    for (const AnnotatedLine& line : annotation.lines) add(line.file, line.line);
  }
  json.key("sources");
  json.begin_array();
  const size_t begin = json.size_bytes();
  for (const auto& [file, source] : shown) {
    for (const auto& [first, last] : source.ranges) {
      if (json.size_bytes() - begin >= kMostSourceTextBytes) break;
      json.begin_object();
      json.member("file", file);
      json.member("first_line", first);
      json.key("lines");
      json.begin_array();
      for (uint32_t line = first; line <= last; ++line)
        json.value(std::string_view(source.text->lines[line - 1]).substr(0, kMostLineBytes));
      json.end_array();
      json.end_object();
    }
  }
  json.end_array();
}

}  // namespace

void add_hottest(const Profile& profile, size_t most, const AnnotationSources& sources, ViewedCode& code) {
  const StackCosts stacks(profile);
  size_t seen = 0;
  size_t instructions = 0;
  for (const FunctionRow& row : function_rows(profile, kLeastShare)) {
    if (seen == most || row.self == 0) break;
    const Function& function = profile.functions[row.function];
    if (function.module_path.empty() && function.file.empty()) continue;  // a marker, the kernel, code of a JIT
    ++seen;
    if (instructions >= kEnoughInstructions) {
      ++code.left_out;
      continue;
    }
    Annotation annotation = annotate(profile, stacks, row.function, sources);
    std::vector<WorkHint> hints = work_hints(profile, annotation, sources);
    for (const AnnotatedPiece& piece : annotation.pieces) instructions += piece.code.size();
    code.functions.push_back({&profile, {std::move(annotation), std::move(hints)}});
  }
}

void write_view_code(JsonWriter& json, const ViewedCode& code, size_t most_bytes) {
  json.key("annotations");
  json.begin_array();
  size_t left_out = code.left_out;
  const size_t begin = json.size_bytes();
  for (const ViewedFunction& each : code.functions) {
    JsonWriter alone(JsonLayout::kCompact);
    write_annotated_function(alone, *each.profile, each.annotated);
    if (json.size_bytes() - begin + alone.size_bytes() <= most_bytes) {
      json.value(alone);
    } else {
      ++left_out;
    }
  }
  json.end_array();
  json.member("annotations_left_out", static_cast<uint64_t>(left_out));
  write_sources(json, code.functions);
}

}  // namespace flarestack
