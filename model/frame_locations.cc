// SPDX-License-Identifier: Apache-2.0
#include "model/frame_locations.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace flarestack {
namespace {

FrameType type_of(FrameKind kind) {
  switch (kind) {
    case FrameKind::kNative:
    case FrameKind::kSymbolized:
      return FrameType::kNative;
    case FrameKind::kKernel:
      return FrameType::kKernel;
    case FrameKind::kJit:
      return FrameType::kJit;
    case FrameKind::kInterpreter:
      return FrameType::kInterpreter;
    case FrameKind::kMarker:
      return FrameType::kMarker;
  }
  return FrameType::kMarker;
}

// Compiled code, as a function of its own or inlined: both are the same function.
bool is_compiled(FrameType type) { return type == FrameType::kNative || type == FrameType::kInlined; }

uint64_t hash_of_text(std::string_view text) {
  const uint64_t hash = std::hash<std::string_view>()(text);
  return hash_of(static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(hash));  // mixed, for its upper bits
}

}  // namespace

FrameLocations::FrameLocations(const Recording& recording, const ProfileOptions& options)
    : recording_(recording), inline_frames_(options.inline_frames) {
  file_index("");
  lost_ = special("[lost]", FrameType::kMarker);
  frame_locations_.assign(recording.frames.size(), {lost_, lost_ + 1});
}

void FrameLocations::resolve(const std::vector<bool>& wanted, const SymbolSource& symbols) {
  frame_locations_.resize(recording_.frames.size(), {lost_, lost_ + 1});
  std::vector<uint32_t> native;
  for (uint32_t i = 0; i < recording_.frames.size(); ++i) {
    const RecordedFrame& frame = recording_.frames[i];
    if (!wanted[i]) continue;
    if (frame.kind == FrameKind::kNative && frame.module < recording_.modules.size()) {
      native.push_back(i);
    } else if (frame.kind != FrameKind::kNative || frame.module == kNoIndex) {
      frame_locations_[i] = add_named(i);
    }  // else its module was lost, and so is the frame
  }
  resolve_native(native, symbols);
}

std::span<const Location> FrameLocations::of_frame(uint32_t frame) const {
  const Range range = frame < frame_locations_.size() ? frame_locations_[frame] : Range{lost_, lost_ + 1};
  return {locations_.data() + range.begin, locations_.data() + range.end};
}

uint32_t FrameLocations::first_index_of_frame(uint32_t frame) const {
  return frame < frame_locations_.size() ? frame_locations_[frame].begin : lost_;
}

uint32_t FrameLocations::special(const std::string& name, FrameType type) {
  locations_.push_back({function_index(name, kNoIndex, type), 0, 0, type});
  return static_cast<uint32_t>(locations_.size() - 1);
}

void FrameLocations::move_into(Profile& profile) {
  for (size_t i = 0; i < functions_.size(); ++i) functions_[i].entry_offset = origins_[i].entry_offset;
  profile.functions = std::move(functions_);
  profile.files = std::move(files_);
  profile.locations = std::move(locations_);
  profile.frame_locations = std::move(frame_locations_);
}

uint32_t FrameLocations::function_index(const std::string& name, uint32_t module, FrameType type) {
  const auto next = static_cast<uint32_t>(functions_.size());
  const uint32_t identity = is_compiled(type) ? UINT32_MAX : static_cast<uint32_t>(type);
  const auto is_same = [&](uint32_t number) {
    const Function& function = functions_[number];
    return origins_[number].module == module && is_compiled(function.type) == is_compiled(type) &&
           (is_compiled(type) || function.type == type) && function.name == name;
  };
  const uint32_t found = function_index_.find_or_add(hash_of_text(name) ^ hash_of(module, identity), next, is_same);
  if (found == next) {
    Function function;
    function.name = name;
    function.type = type;
    if (module < recording_.modules.size()) {
      function.module = recording_.modules[module].name();
      function.module_path = recording_.modules[module].path;
    }
    functions_.push_back(std::move(function));
    origins_.push_back({module, kNoIndex, 0});
  } else if (type == FrameType::kNative) {
    functions_[found].type = type;
  }
  return found;
}

uint32_t FrameLocations::file_index(const std::string& file) {
  const auto next = static_cast<uint32_t>(files_.size());
  const uint32_t found =
      file_index_.find_or_add(hash_of_text(file), next, [&](uint32_t number) { return files_[number] == file; });
  if (found == next) files_.push_back(file);
  return found;
}

FrameLocations::Range FrameLocations::add_symbols(uint32_t module, const std::vector<SymbolFrame>& frames) {
  Range range{static_cast<uint32_t>(locations_.size()), 0};
  for (const SymbolFrame& frame : frames) {
    if (frame.inlined && !inline_frames_) continue;
    const FrameType type = frame.inlined ? FrameType::kInlined : FrameType::kNative;
    const uint32_t index = function_index(frame.function, module, type);
    locations_.push_back({index, file_index(frame.file), frame.line, type});
    Function& function = functions_[index];
    if (frame.line != 0 && (function.file.empty() || (frame.file == function.file && frame.line < function.line))) {
      function.file = frame.file;
      function.line = frame.line;
    }
    if (!frame.inlined && frame.function_offset != 0) {
      origins_[index].entry_module = module;
      origins_[index].entry_offset = frame.function_offset;
    }
  }
  range.end = static_cast<uint32_t>(locations_.size());
  return range.begin == range.end ? Range{lost_, lost_ + 1} : range;
}

// Of the frame and those that it was inlined into.
FrameLocations::Range FrameLocations::add_named(uint32_t frame) {
  const auto begin = static_cast<uint32_t>(locations_.size());
  for (uint32_t each = frame; each != kNoIndex; each = recording_.frames[each].inlined_into) {
    const RecordedFrame& recorded = recording_.frames[each];
    const bool is_inlined = recorded.inlined_into != kNoIndex;
    if (is_inlined && !inline_frames_) continue;
    add_named_location(recorded, is_inlined ? FrameType::kInlined : type_of(recorded.kind));
  }
  return {begin, static_cast<uint32_t>(locations_.size())};
}

void FrameLocations::add_named_location(const RecordedFrame& frame, FrameType type) {
  const bool named = frame.kind != FrameKind::kNative && frame.name < recording_.strings.size();
  const std::string name = named ? recording_.strings[frame.name] : "[unknown]";
  const uint32_t module = frame.module < recording_.modules.size() ? frame.module : kNoIndex;
  const std::string file = named && frame.file < recording_.strings.size() ? recording_.strings[frame.file] : "";
  const uint32_t function_number = function_index(name, module, type);
  locations_.push_back({function_number, file_index(file), file.empty() ? 0 : frame.line, type});
  const uint32_t line = frame.function_line != 0 ? frame.function_line : frame.line;
  if (Function& function = functions_[function_number];
      !file.empty() && (function.file.empty() || (function.file == file && line < function.line))) {
    function.file = file;
    function.line = line;
  }
}

void FrameLocations::resolve_native(const std::vector<uint32_t>& frames, const SymbolSource& symbols) {
  struct Lookup {
    uint32_t module;
    uint64_t offset;
    uint32_t frame;
  };
  std::vector<Lookup> lookups;
  lookups.reserve(frames.size());
  std::vector<bool> asked(recording_.modules.size(), false);
  for (const uint32_t i : frames) {
    const RecordedFrame& frame = recording_.frames[i];
    // An offset obeys the same rule as an address.
    const FrameAddress address({frame.offset.value}, frame.address_kind);
    lookups.push_back({frame.module, address.lookup().value, i});
    asked[frame.module] = true;
  }
  std::sort(lookups.begin(), lookups.end(), [](const Lookup& a, const Lookup& b) {
    return std::tie(a.module, a.offset, a.frame) < std::tie(b.module, b.offset, b.frame);
  });

  std::vector<SymbolModule> modules;
  for (size_t i = 0; i < asked.size(); ++i) {
    const Module& module = recording_.modules[i];
    if (asked[i]) modules.push_back({module.id, module.path, module.build_id});
  }
  const auto is_new = [&lookups](size_t i) {
    return i == 0 || lookups[i].module != lookups[i - 1].module || lookups[i].offset != lookups[i - 1].offset;
  };
  std::vector<SymbolQuery> queries;
  for (size_t i = 0; i < lookups.size(); ++i) {
    if (is_new(i)) queries.push_back({recording_.modules[lookups[i].module].id, {lookups[i].offset}});
  }
  if (queries.empty()) return;
  const SymbolAnswer answer = symbols(modules, queries);
  size_t next_query = 0;
  Range range{lost_, lost_ + 1};
  for (size_t i = 0; i < lookups.size(); ++i) {
    if (is_new(i)) {
      const size_t query = next_query++;
      if (query < answer.frames.size()) range = add_symbols(lookups[i].module, answer.frames[query]);
    }
    frame_locations_[lookups[i].frame] = range;
  }
  modules_ = answer.modules;
  find_declarations(modules, symbols);
}

// The line a function begins at is the line of its entry.
void FrameLocations::find_declarations(const std::vector<SymbolModule>& modules, const SymbolSource& symbols) {
  std::vector<SymbolQuery> queries;
  std::vector<uint32_t> asked_for;
  for (uint32_t i = std::exchange(declared_, static_cast<uint32_t>(functions_.size())); i < functions_.size(); ++i) {
    if (origins_[i].entry_module == kNoIndex || functions_[i].line == 0) continue;
    queries.push_back({recording_.modules[origins_[i].entry_module].id, {origins_[i].entry_offset}});
    asked_for.push_back(i);
  }
  if (queries.empty()) return;
  const SymbolAnswer answer = symbols(modules, queries);
  for (size_t i = 0; i < std::min(asked_for.size(), answer.frames.size()); ++i) {
    if (answer.frames[i].empty()) continue;
    const SymbolFrame& entry = answer.frames[i].back();
    Function& function = functions_[asked_for[i]];
    if (entry.line == 0 || entry.function != function.name) continue;
    function.file = entry.file;
    function.line = entry.line;
  }
}

}  // namespace flarestack
