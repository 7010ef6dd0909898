// SPDX-License-Identifier: Apache-2.0
#include "report/firefox_tables.h"

#include <algorithm>
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

// Two profiles of a recording number their functions each for itself.
std::string identity_of(const Function& function) {
  const bool is_compiled = function.type == FrameType::kNative || function.type == FrameType::kInlined;
  return function.name + '\0' + function.module_path + '\0' + (is_compiled ? "" : frame_type_name(function.type));
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

FirefoxStacks FirefoxTables::add(const Profile& profile) {
  FirefoxStacks stacks{LocationTree(profile), static_cast<uint32_t>(stacks_.size())};
  const std::vector<LocationNode>& nodes = stacks.tree.nodes();
  const std::vector<uint32_t> frame_of_location = add_frames(profile, stacks.tree);
  add_addresses(profile, frame_of_location);
  for (size_t i = 1; i < nodes.size(); ++i) {
    const uint32_t parent = nodes[i].parent;
    const uint32_t prefix = parent == LocationTree::kRoot ? kNoIndex : stacks.first + parent - 1;
    stacks_.push_back({frame_of_location[nodes[i].location], prefix});
  }
  return stacks;
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
    const Module& module = recording_.modules[lib];
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

std::vector<uint32_t> FirefoxTables::add_frames(const Profile& profile, const LocationTree& tree) {
  std::vector<uint32_t> frame_of_location(profile.locations.size(), kNoIndex);
  for (size_t i = 1; i < tree.nodes().size(); ++i) {
    uint32_t& number = frame_of_location[tree.nodes()[i].location];
    if (number != kNoIndex) continue;
    number = static_cast<uint32_t>(frames_.size());
    const Location& location = profile.locations[tree.nodes()[i].location];
    const Function& function = profile.functions[location.function];
    Frame frame;
    frame.function = add_function(function);
    frame.category = category_of(location.type);
    // A line of another file than the function's has no place in the format.
    if (location.line != 0 && profile.files[location.file] == function.file) frame.line = location.line;
    frames_.push_back(frame);
  }
  return frame_of_location;
}

// The frames of one address have its inlined functions, innermost first, and the function that it is in.
void FirefoxTables::add_addresses(const Profile& profile, const std::vector<uint32_t>& frame_of_location) {
  for (size_t i = 0; i < profile.frame_locations.size(); ++i) {
    const LocationRange range = profile.frame_locations[i];
    const RecordedFrame& recorded = recording_.frames[i];
    if (recorded.kind != FrameKind::kNative || recorded.module >= recording_.modules.size()) continue;
    const Location& outermost = profile.locations[range.end - 1];
    if (outermost.type != FrameType::kNative) continue;  // [lost]
    for (uint32_t location = range.begin; location < range.end; ++location) {
      if (frame_of_location[location] == kNoIndex) continue;
      Frame& frame = frames_[frame_of_location[location]];
      frame.address = static_cast<int64_t>(FrameAddress({recorded.offset.value}, recorded.address_kind).lookup().value);
      frame.inline_depth = range.end - 1 - location;
      frame.symbol = add_symbol(profile.functions[outermost.function]);
    }
  }
}

uint32_t FirefoxTables::add_string(const std::string& text) {
  const auto [entry, added] = string_numbers_.try_emplace(text, static_cast<uint32_t>(strings_.size()));
  if (added) strings_.push_back(text);
  return entry->second;
}

uint32_t FirefoxTables::add_source(const std::string& file) {
  if (file.empty()) return kNoIndex;
  const auto [entry, added] = source_numbers_.try_emplace(file, static_cast<uint32_t>(sources_.size()));
  if (added) sources_.push_back(add_string(file));
  return entry->second;
}

uint32_t FirefoxTables::add_function(const Function& function) {
  const auto [entry, added] =
      function_numbers_.try_emplace(identity_of(function), static_cast<uint32_t>(functions_.size()));
  if (added) {
    functions_.push_back({add_string(function.name), add_lib(function.module_path), add_source(function.file),
                          function.line == 0 ? kNoIndex : function.line});
  }
  return entry->second;
}

uint32_t FirefoxTables::add_lib(const std::string& module_path) {
  if (module_path.empty()) return kNoIndex;
  const auto [entry, added] = lib_numbers_.try_emplace(module_path, kNoIndex);
  if (!added) return entry->second;
  const auto module = std::find_if(recording_.modules.begin(), recording_.modules.end(),
                                   [&](const Module& each) { return each.path == module_path; });
  if (module == recording_.modules.end()) return kNoIndex;
  entry->second = static_cast<uint32_t>(libs_.size());
  libs_.push_back(static_cast<uint32_t>(module - recording_.modules.begin()));
  add_string(module->name());
  return entry->second;
}

uint32_t FirefoxTables::add_symbol(const Function& function) {
  const uint32_t lib = add_lib(function.module_path);
  if (function.entry_offset == 0 || lib == kNoIndex) return kNoIndex;
  const auto [entry, added] =
      symbol_numbers_.try_emplace(identity_of(function), static_cast<uint32_t>(symbols_.size()));
  if (added) symbols_.push_back({lib, add_string(function.name), function.entry_offset});
  return entry->second;
}

void FirefoxTables::write_stacks(JsonWriter& json) const {
  begin_table(json, "stackTable");
  json.column("frame", stacks_.size(), [&](size_t i) { return stacks_[i].frame; });
  write_column_or_null(json, "prefix", stacks_.size(), [&](size_t i) { return stacks_[i].prefix; });
  end_table(json, stacks_.size());
}

void FirefoxTables::write_frames(JsonWriter& json) const {
  const size_t frames = frames_.size();
  begin_table(json, "frameTable");
  json.column("address", frames, [&](size_t i) { return frames_[i].address; });
  json.column("inlineDepth", frames, [&](size_t i) { return frames_[i].inline_depth; });
  json.column("category", frames, [&](size_t i) { return frames_[i].category; });
  write_constant(json, "subcategory", frames, 0);
  json.column("func", frames, [&](size_t i) { return frames_[i].function; });
  write_column_or_null(json, "nativeSymbol", frames, [&](size_t i) { return frames_[i].symbol; });
  write_constant(json, "innerWindowID", frames, 0);
  write_column_or_null(json, "line", frames, [&](size_t i) { return frames_[i].line; });
  write_nulls(json, "column", frames);
  end_table(json, frames);
}

void FirefoxTables::write_functions(JsonWriter& json) const {
  const size_t functions = functions_.size();
  begin_table(json, "funcTable");
  json.column("name", functions, [&](size_t i) { return functions_[i].name; });
  json.column("isJS", functions, [](size_t) { return false; });
  json.column("relevantForJS", functions, [](size_t) { return false; });
  json.column("resource", functions, [&](size_t i) {
    return functions_[i].resource == kNoIndex ? int64_t{-1} : int64_t{functions_[i].resource};
  });
  write_column_or_null(json, "source", functions, [&](size_t i) { return functions_[i].source; });
  write_column_or_null(json, "lineNumber", functions, [&](size_t i) { return functions_[i].line; });
  write_nulls(json, "columnNumber", functions);
  end_table(json, functions);
}

void FirefoxTables::write_rest(JsonWriter& json) const {
  begin_table(json, "resourceTable");
  json.column("lib", libs_.size(), [](size_t i) { return static_cast<uint32_t>(i); });
  json.column("name", libs_.size(), [&](size_t i) { return string_numbers_.at(recording_.modules[libs_[i]].name()); });
  write_nulls(json, "host", libs_.size());
  write_constant(json, "type", libs_.size(), 1);  // a library
  end_table(json, libs_.size());

  begin_table(json, "nativeSymbols");
  json.column("libIndex", symbols_.size(), [&](size_t i) { return symbols_[i].lib; });
  json.column("address", symbols_.size(), [&](size_t i) { return symbols_[i].address; });
  json.column("name", symbols_.size(), [&](size_t i) { return symbols_[i].name; });
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
