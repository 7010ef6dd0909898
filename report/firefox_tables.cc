// SPDX-License-Identifier: Apache-2.0
#include "report/firefox_tables.h"

#include <array>

#include <fmt/format.h>

namespace flarestack {
namespace {

struct Category {
  const char* name;
  const char* color;
};
constexpr std::array kCategories = {
    Category{"Other", "grey"}, Category{"Native", "yellow"},     Category{"Kernel", "orange"},
    Category{"JIT", "blue"},   Category{"Interpreter", "green"},
};

uint32_t category_of(FrameType type) {
  switch (type) {
    case FrameType::kNative:
    case FrameType::kInlined:
      return 1;
    case FrameType::kKernel:
      return 2;
    case FrameType::kJit:
      return 3;
    case FrameType::kInterpreter:
      return 4;
    case FrameType::kMarker:
    case FrameType::kProcess:
      break;
  }
  return 0;
}

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Breakpad's: the first 16 bytes as a GUID, whose first three numbers are little-endian, and an age of 0.
std::string breakpad_id(std::vector<uint8_t> build_id) {
  build_id.resize(16);
  constexpr std::array<size_t, 16> kOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string text;
  for (const size_t i : kOrder) text += fmt::format("{:02X}", build_id[i]);
  return text + "0";
}

// A column whose entries may be missing.
template <typename ContentAt>
void write_column_or_null(JsonWriter& json, const char* name, size_t length, const ContentAt& content_at) {
  json.key(name);
  json.begin_array();
  for (size_t i = 0; i < length; ++i) {
    const uint32_t content = content_at(i);
    if (content == kNoIndex) {
      json.null();
    } else {
      json.value(content);
    }
  }
  json.end_array();
}

void write_constant(JsonWriter& json, const char* name, size_t length, uint32_t content) {
  json.column(name, length, [content](size_t) { return content; });
}

void write_nulls(JsonWriter& json, const char* name, size_t length) {
  write_column_or_null(json, name, length, [](size_t) { return kNoIndex; });
}

void end_table(JsonWriter& json, size_t length) {
  json.member("length", static_cast<uint64_t>(length));
  json.end_object();
}

void begin_table(JsonWriter& json, const char* name) {
  json.key(name);
  json.begin_object();
}

}  // namespace

FirefoxTables::FirefoxTables(const Profile& profile)
    : profile_(profile),
      tree_(profile),
      frame_of_location_(profile.locations.size(), kNoIndex),
      number_of_function_(profile.functions.size(), kNoIndex),
      symbol_of_function_(profile.functions.size(), kNoIndex) {
  add_frames();
  add_addresses();
}

void FirefoxTables::write_categories(JsonWriter& json) {
  json.key("categories");
  json.begin_array();
  for (const Category& category : kCategories) {
    json.begin_object();
    json.member("name", category.name);
    json.member("color", category.color);
    json.member("subcategories", std::vector<std::string>{"Other"});
    json.end_object();
  }
  json.end_array();
}

void FirefoxTables::write_libs(JsonWriter& json) const {
  json.key("libs");
  json.begin_array();
  for (const uint32_t lib : libs_) {
    const Module& module = profile_.recording.modules[lib];
    json.begin_object();
    json.member("arch", "x86_64");
    json.member("name", module.name());
    json.member("path", module.path);
    json.member("debugName", module.name());
    json.member("debugPath", module.path);
    json.member("breakpadId", breakpad_id(module.build_id));
    json.key("codeId");
    if (module.build_id.empty()) {
      json.null();
    } else {
      json.value(hex(module.build_id));
    }
    json.end_object();
  }
  json.end_array();
}

void FirefoxTables::write_shared(JsonWriter& json) const {
  json.key("shared");
  json.begin_object();
  write_stacks(json);
  write_frames(json);
  write_functions(json);
  write_rest(json);
  json.end_object();
}

void FirefoxTables::add_frames() {
  for (size_t i = 1; i < tree_.nodes().size(); ++i) {
    const uint32_t location = tree_.nodes()[i].location;
    if (frame_of_location_[location] != kNoIndex) continue;
    frame_of_location_[location] = static_cast<uint32_t>(frames_.size());
    frames_.push_back({location});
    add_function(profile_.locations[location].function);
  }
}

// The frames of one address have its inlined functions, innermost first, and the function that it is in.
void FirefoxTables::add_addresses() {
  const Recording& recording = profile_.recording;
  for (size_t i = 0; i < profile_.frame_locations.size(); ++i) {
    const LocationRange range = profile_.frame_locations[i];
    const RecordedFrame& recorded = recording.frames[i];
    if (range.begin == range.end || recorded.kind != FrameKind::kNative ||
        recorded.module >= recording.modules.size() || profile_.locations[range.end - 1].type != FrameType::kNative)
      continue;
    for (uint32_t location = range.begin; location < range.end; ++location) {
      const uint32_t number = frame_of_location_[location];
      if (number == kNoIndex) continue;
      Frame& frame = frames_[number];
      frame.module = recorded.module;
      frame.address = static_cast<int64_t>(FrameAddress({recorded.offset.value}, recorded.address_kind).lookup().value);
      frame.inline_depth = range.end - 1 - location;
      frame.symbol = add_symbol(profile_.locations[range.end - 1].function);
    }
  }
}

uint32_t FirefoxTables::add_string(const std::string& text) {
  const auto [entry, added] = string_numbers_.try_emplace(text, static_cast<uint32_t>(strings_.size()));
  if (added) strings_.push_back(text);
  return entry->second;
}

uint32_t FirefoxTables::add_function(uint32_t index) {
  uint32_t& number = number_of_function_[index];
  if (number != kNoIndex) return number;
  number = static_cast<uint32_t>(functions_.size());
  const Function& function = profile_.functions[index];
  functions_.push_back(index);
  function_names_.push_back(add_string(function.name));
  function_resources_.push_back(add_resource(function));
  uint32_t source = kNoIndex;
  if (!function.file.empty()) {
    const auto [entry, added] = source_of_file_.try_emplace(function.file, static_cast<uint32_t>(sources_.size()));
    if (added) sources_.push_back(add_string(function.file));
    source = entry->second;
  }
  function_sources_.push_back(source);
  return number;
}

uint32_t FirefoxTables::add_resource(const Function& function) {
  if (function.module_path.empty()) return kNoIndex;
  const auto [entry, added] = lib_of_path_.try_emplace(function.module_path, kNoIndex);
  if (!added) return entry->second;
  const std::vector<Module>& modules = profile_.recording.modules;
  for (uint32_t i = 0; i < modules.size(); ++i) {
    if (modules[i].path != function.module_path) continue;
    entry->second = static_cast<uint32_t>(libs_.size());
    libs_.push_back(i);
    add_string(modules[i].name());
    break;
  }
  return entry->second;
}

uint32_t FirefoxTables::add_symbol(uint32_t index) {
  const Function& function = profile_.functions[index];
  uint32_t& symbol = symbol_of_function_[index];
  if (symbol == kNoIndex && function.entry_offset != 0 && add_resource(function) != kNoIndex) {
    symbol = static_cast<uint32_t>(symbols_.size());
    symbols_.push_back(index);
    add_string(function.name);
  }
  return symbol;
}

void FirefoxTables::write_stacks(JsonWriter& json) const {
  const std::vector<LocationNode>& nodes = tree_.nodes();
  const size_t stacks = nodes.size() - 1;
  begin_table(json, "stackTable");
  json.column("frame", stacks, [&](size_t i) { return frame_of_location_[nodes[i + 1].location]; });
  write_column_or_null(json, "prefix", stacks, [&](size_t i) {
    return nodes[i + 1].parent == LocationTree::kRoot ? kNoIndex : nodes[i + 1].parent - 1;
  });
  end_table(json, stacks);
}

void FirefoxTables::write_frames(JsonWriter& json) const {
  const size_t frames = frames_.size();
  const auto location_at = [&](size_t i) -> const Location& { return profile_.locations[frames_[i].location]; };
  begin_table(json, "frameTable");
  json.column("address", frames, [&](size_t i) { return frames_[i].address; });
  json.column("inlineDepth", frames, [&](size_t i) { return frames_[i].inline_depth; });
  json.column("category", frames, [&](size_t i) { return category_of(location_at(i).type); });
  write_constant(json, "subcategory", frames, 0);
  json.column("func", frames, [&](size_t i) { return number_of_function_[location_at(i).function]; });
  write_column_or_null(json, "nativeSymbol", frames, [&](size_t i) { return frames_[i].symbol; });
  write_constant(json, "innerWindowID", frames, 0);
  // A line of another file than the function's has no place in the format.
  write_column_or_null(json, "line", frames, [&](size_t i) {
    const Location& location = location_at(i);
    const bool is_in_file = profile_.files[location.file] == profile_.functions[location.function].file;
    return location.line == 0 || !is_in_file ? kNoIndex : location.line;
  });
  write_nulls(json, "column", frames);
  end_table(json, frames);
}

void FirefoxTables::write_functions(JsonWriter& json) const {
  const size_t functions = functions_.size();
  begin_table(json, "funcTable");
  json.column("name", functions, [&](size_t i) { return function_names_[i]; });
  json.column("isJS", functions, [](size_t) { return false; });
  json.column("relevantForJS", functions, [](size_t) { return false; });
  json.column("resource", functions, [&](size_t i) {
    return function_resources_[i] == kNoIndex ? int64_t{-1} : int64_t{function_resources_[i]};
  });
  write_column_or_null(json, "source", functions, [&](size_t i) { return function_sources_[i]; });
  write_column_or_null(json, "lineNumber", functions, [&](size_t i) {
    const uint32_t line = profile_.functions[functions_[i]].line;
    return line == 0 ? kNoIndex : line;
  });
  write_nulls(json, "columnNumber", functions);
  end_table(json, functions);
}

void FirefoxTables::write_rest(JsonWriter& json) const {
  const auto string_of = [this](const std::string& text) { return string_numbers_.at(text); };
  begin_table(json, "resourceTable");
  json.column("lib", libs_.size(), [](size_t i) { return static_cast<uint32_t>(i); });
  json.column("name", libs_.size(), [&](size_t i) { return string_of(profile_.recording.modules[libs_[i]].name()); });
  write_nulls(json, "host", libs_.size());
  write_constant(json, "type", libs_.size(), 1);  // a library
  end_table(json, libs_.size());

  const auto symbol_at = [&](size_t i) -> const Function& { return profile_.functions[symbols_[i]]; };
  begin_table(json, "nativeSymbols");
  json.column("libIndex", symbols_.size(), [&](size_t i) { return lib_of_path_.at(symbol_at(i).module_path); });
  json.column("address", symbols_.size(), [&](size_t i) { return symbol_at(i).entry_offset; });
  json.column("name", symbols_.size(), [&](size_t i) { return string_of(symbol_at(i).name); });
  write_nulls(json, "functionSize", symbols_.size());
  end_table(json, symbols_.size());

  begin_table(json, "sources");
  write_nulls(json, "id", sources_.size());
  json.column("filename", sources_.size(), [&](size_t i) { return sources_[i]; });
  write_constant(json, "startLine", sources_.size(), 1);
  write_constant(json, "startColumn", sources_.size(), 1);
  write_nulls(json, "sourceMapURL", sources_.size());
  end_table(json, sources_.size());
  json.member("stringArray", strings_);
}

}  // namespace flarestack
