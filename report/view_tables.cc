// SPDX-License-Identifier: Apache-2.0
#include "report/view_tables.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "model/index_table.h"

namespace flarestack {

ViewTables::ViewTables(const Profile& profile, const std::vector<bool>& used)
    : profile_(profile),
      frames_(profile.recording.frames.size(), kLostIndex),
      stacks_(profile.recording.stacks.size(), kLostIndex),
      functions_(profile.functions.size(), kNoIndex) {
  const auto& stacks = profile.recording.stacks;
  std::vector<bool> with_parents = used;
  for (size_t i = stacks.size(); i-- > 0;) {
    if (with_parents[i] && stacks[i].parent < i) with_parents[stacks[i].parent] = true;
  }
  merge_frames(with_parents);
  merge_stacks(with_parents);
  number_in(walk_order());
  collect_strings();
}

uint32_t ViewTables::string(std::string_view text) const {
  const auto found = std::lower_bound(strings_.begin(), strings_.end(), text);
  assert(found != strings_.end() && *found == text);
  return static_cast<uint32_t>(found - strings_.begin());
}

void ViewTables::merge_frames(const std::vector<bool>& used) {
  const auto& stacks = profile_.recording.stacks;
  std::vector<bool> frame_used(frames_.size(), false);
  for (size_t i = 0; i < stacks.size(); ++i) {
    if (used[i] && stacks[i].frame < frames_.size()) frame_used[stacks[i].frame] = true;
  }
  IndexTable place_index;
  IndexTable frame_index;
  std::vector<uint32_t> frame;
  for (size_t i = 0; i < frames_.size(); ++i) {
    if (!frame_used[i]) continue;
    frame.clear();
    uint64_t hash = 0;
    for (uint32_t each = profile_.frame_locations[i].begin; each < profile_.frame_locations[i].end; ++each) {
      const Location& location = profile_.locations[each];
      const Place place{location.function, location.file, location.line, location.type};
      const auto next = static_cast<uint32_t>(places_.size());
      const uint32_t found = place_index.find_or_add(
          hash_of(place.function, place.line) ^ hash_of(place.file, static_cast<uint32_t>(place.type)), next,
          [&](uint32_t number) { return places_[number] == place; });
      if (found == next) places_.push_back(place);
      frame.push_back(found);
      hash = hash_of(static_cast<uint32_t>(hash ^ hash >> 32), found);
    }
    const auto next = static_cast<uint32_t>(merged_frames_.size());
    frames_[i] = frame_index.find_or_add(hash, next, [&](uint32_t number) {
      const LocationRange range = merged_frames_[number];
      return std::equal(frame_places_.begin() + range.begin, frame_places_.begin() + range.end, frame.begin(),
                        frame.end());
    });
    if (frames_[i] != next) continue;
    const auto begin = static_cast<uint32_t>(frame_places_.size());
    frame_places_.insert(frame_places_.end(), frame.begin(), frame.end());
    merged_frames_.push_back({begin, static_cast<uint32_t>(frame_places_.size())});
  }
}

void ViewTables::merge_stacks(const std::vector<bool>& used) {
  const auto& stacks = profile_.recording.stacks;
  IndexTable index;
  for (size_t i = 0; i < stacks.size(); ++i) {
    if (!used[i]) continue;
    const uint32_t parent = stack(stacks[i].parent);
    const uint32_t frame = stacks[i].frame < frames_.size() ? frames_[stacks[i].frame] : kLostIndex;
    const auto next = static_cast<uint32_t>(merged_stacks_.size());
    stacks_[i] = index.find_or_add(hash_of(parent, frame), next, [&](uint32_t number) {
      return merged_stacks_[number].parent == parent && merged_stacks_[number].frame == frame;
    });
    if (stacks_[i] == next) merged_stacks_.push_back({parent, frame});
  }
}

std::vector<uint32_t> ViewTables::paths_of_stacks(std::vector<uint32_t>& parents) const {
  std::vector<uint32_t> path_of_stack;
  std::vector<uint32_t> functions;
  IndexTable index;
  const auto child = [&](uint32_t parent, uint32_t function) {
    const auto next = static_cast<uint32_t>(parents.size());
    const uint32_t found = index.find_or_add(hash_of(parent, function), next, [&](uint32_t path) {
      return parents[path] == parent && functions[path] == function;
    });
    if (found == next) {
      parents.push_back(parent);
      functions.push_back(function);
    }
    return found;
  };
  for (const auto& [parent, frame] : merged_stacks_) {
    uint32_t path = parent < path_of_stack.size() ? path_of_stack[parent] : kNoIndex;
    if (frame >= merged_frames_.size()) path = child(path, kLostIndex);
    for (uint32_t i = frame < merged_frames_.size() ? merged_frames_[frame].end : 0;
         i > 0 && i > merged_frames_[frame].begin; --i)
      path = child(path, places_[frame_places_[i - 1]].function);
    path_of_stack.push_back(path);
  }
  return path_of_stack;
}

std::vector<uint32_t> ViewTables::walk_order() const {
  std::vector<uint32_t> parents;
  const std::vector<uint32_t> path_of_stack = paths_of_stacks(parents);
  std::vector<uint32_t> size(parents.size(), 1);  // of the tree from each path on
  for (size_t path = parents.size(); path-- > 0;) {
    if (parents[path] < path) size[parents[path]] += size[path];
  }
  std::vector<uint32_t> rank(parents.size());
  std::vector<uint32_t> next(parents.size());  // the rank of the next path called
  for (uint32_t path = 0, next_root = 0; path < parents.size(); ++path) {
    uint32_t& place = parents[path] < path ? next[parents[path]] : next_root;
    rank[path] = place;
    next[path] = place + 1;
    place += size[path];
  }
  std::vector<uint32_t> order(merged_stacks_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto rank_of = [&](uint32_t stack) {
    return path_of_stack[stack] < rank.size() ? rank[path_of_stack[stack]] : 0;
  };
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return rank_of(a) < rank_of(b); });
  return order;
}

void ViewTables::number_in(const std::vector<uint32_t>& order) {
  std::vector<uint32_t> stack_number(merged_stacks_.size(), kNoIndex);
  std::vector<uint32_t> frame_number(merged_frames_.size(), kNoIndex);
  std::vector<uint32_t> place_number(places_.size(), kNoIndex);
  std::vector<Stack> stacks;
  std::vector<LocationRange> frames;
  std::vector<uint32_t> frame_places;
  std::vector<Place> places;
  uint32_t functions = 0;
  const auto number_place = [&](uint32_t place) {
    if (place_number[place] != kNoIndex) return place_number[place];
    if (functions_[places_[place].function] == kNoIndex) functions_[places_[place].function] = functions++;
    places.push_back(places_[place]);
    return place_number[place] = static_cast<uint32_t>(places.size() - 1);
  };
  const auto number_frame = [&](uint32_t frame) {
    if (frame >= frame_number.size()) return frame;
    if (frame_number[frame] != kNoIndex) return frame_number[frame];
    const auto begin = static_cast<uint32_t>(frame_places.size());
    for (uint32_t i = merged_frames_[frame].begin; i < merged_frames_[frame].end; ++i)
      frame_places.push_back(number_place(frame_places_[i]));
    frames.push_back({begin, static_cast<uint32_t>(frame_places.size())});
    return frame_number[frame] = static_cast<uint32_t>(frames.size() - 1);
  };
  for (const uint32_t each : order) {
    stack_number[each] = static_cast<uint32_t>(stacks.size());
    const auto [parent, frame] = merged_stacks_[each];
    stacks.push_back({parent < stack_number.size() ? stack_number[parent] : parent, number_frame(frame)});
  }
  for (uint32_t& stack : stacks_) {
    if (stack < stack_number.size()) stack = stack_number[stack];
  }
  merged_stacks_ = std::move(stacks);
  merged_frames_ = std::move(frames);
  frame_places_ = std::move(frame_places);
  places_ = std::move(places);
}

void ViewTables::collect_strings() {
  for (size_t i = 0; i < functions_.size(); ++i) {
    const Function& function = profile_.functions[i];
    if (functions_[i] != kNoIndex)
      strings_.insert(strings_.end(), {function.name, function.module, function.module_path, function.file});
  }
  for (const Place& place : places_) strings_.emplace_back(profile_.files[place.file]);
  for (const Thread& thread : profile_.recording.threads) strings_.emplace_back(thread.name);
  std::sort(strings_.begin(), strings_.end());
  strings_.erase(std::unique(strings_.begin(), strings_.end()), strings_.end());
}

void ViewTables::write(ViewColumns& columns) const {
  write_functions(columns);
  columns.add("location.function", ColumnCode::kDelta,
              column_of(places_, [this](const Place& place) { return functions_[place.function]; }));
  columns.add("location.file", ColumnCode::kUleb,
              column_of(places_, [this](const Place& place) { return string(profile_.files[place.file]); }));
  columns.add("location.line", ColumnCode::kDelta, column_of(places_, [](const Place& place) { return place.line; }));
  columns.add("location.kind", ColumnCode::kUleb,
              column_of(places_, [](const Place& place) { return static_cast<uint8_t>(place.type); }));
  columns.add("frame.first", ColumnCode::kDelta,
              column_of(merged_frames_, [](const LocationRange& range) { return range.begin; }));
  columns.add("frame.count", ColumnCode::kUleb,
              column_of(merged_frames_, [](const LocationRange& range) { return range.end - range.begin; }));
  columns.add("frame.location", ColumnCode::kDelta, column_of(frame_places_, [](uint32_t place) { return place; }));
  columns.add("stack.parent", ColumnCode::kDelta,
              column_of(merged_stacks_, [](const Stack& stack) { return stack.parent; }));
  columns.add("stack.frame", ColumnCode::kUleb,
              column_of(merged_stacks_, [](const Stack& stack) { return stack.frame; }));
}

void ViewTables::write_functions(ViewColumns& columns) const {
  std::vector<const Function*> functions;
  for (size_t i = 0; i < functions_.size(); ++i) {
    if (functions_[i] == kNoIndex) continue;
    functions.resize(std::max<size_t>(functions.size(), functions_[i] + 1));
    functions[functions_[i]] = &profile_.functions[i];
  }
  const auto add_text = [&](const char* name, const std::string Function::*text) {
    columns.add(name, ColumnCode::kUleb,
                column_of(functions, [&](const Function* function) { return string(function->*text); }));
  };
  add_text("function.name", &Function::name);
  add_text("function.module", &Function::module);
  add_text("function.path", &Function::module_path);
  add_text("function.file", &Function::file);
  columns.add("function.line", ColumnCode::kUleb,
              column_of(functions, [](const Function* function) { return function->line; }));
  columns.add("function.kind", ColumnCode::kUleb,
              column_of(functions, [](const Function* function) { return static_cast<uint8_t>(function->type); }));
}

}  // namespace flarestack
