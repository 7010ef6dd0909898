// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/location_table.h"

#include <algorithm>

namespace flarestack {

void put_uleb(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(char(uint8_t(value | 0x80)));
  }
  out.push_back(char(uint8_t(value)));
}

void put_text(std::string& out, std::string_view text) {
  put_uleb(out, text.size());
  out.append(text);
}

std::string_view take_text(ByteReader& reader) { return reader.text(reader.uleb()); }

uint32_t LocationTable::number(std::string_view text) {
  if (numbers_.empty()) {  // a table that was decoded is most often never added to
    for (size_t i = 0; i < strings_.size(); ++i) {
      numbers_.try_emplace(strings_[i], uint32_t(i));
    }
  }
  if (auto found = numbers_.find(text); found != numbers_.end()) {
    return found->second;
  }
  own_strings_.emplace_back(text);
  strings_.push_back(own_strings_.back());
  numbers_.emplace(strings_.back(), uint32_t(strings_.size() - 1));
  return uint32_t(strings_.size() - 1);
}

void LocationTable::add(uint64_t module_offset, std::span<const SymbolFrame> frames) {
  if (!ranges_.try_emplace(module_offset, Range{uint32_t(frames_.size()), uint32_t(frames.size())}).second) {
    return;
  }
  for (const SymbolFrame& frame : frames) {
    frames_.push_back({number(frame.function), number(frame.file), frame.line, frame.inlined, frame.function_offset});
  }
}

void LocationTable::add_all(const LocationTable& other) {
  for (const auto& [module_offset, range] : other.ranges_) {
    add(module_offset, other.find(module_offset));
  }
}

std::vector<SymbolFrame> LocationTable::find(uint64_t module_offset) const {
  std::vector<SymbolFrame> result;
  if (auto found = ranges_.find(module_offset); found != ranges_.end()) {
    result.reserve(found->second.count);
    for (const Frame& frame : std::span(frames_).subspan(found->second.first, found->second.count)) {
      result.push_back({std::string(strings_[frame.function]), std::string(strings_[frame.file]), frame.line,
                        frame.inlined, frame.function_offset});
    }
  }
  return result;
}

void LocationTable::encode(std::string& out) const {
  put_uleb(out, strings_.size());
  for (const std::string_view text : strings_) {
    put_text(out, text);
  }
  std::vector<uint64_t> offsets;
  offsets.reserve(ranges_.size());
  for (const auto& [offset, range] : ranges_) {
    offsets.push_back(offset);
  }
  std::sort(offsets.begin(), offsets.end());
  put_uleb(out, offsets.size());
  uint64_t last = 0;
  for (const uint64_t offset : offsets) {
    const Range range = ranges_.find(offset)->second;
    put_uleb(out, offset - last);
    put_uleb(out, range.count);
    for (const Frame& frame : std::span(frames_).subspan(range.first, range.count)) {
      put_uleb(out, frame.function);
      put_uleb(out, frame.file);
      put_uleb(out, frame.line);
      put_uleb(out, frame.inlined ? 1 : 0);
      put_uleb(out, frame.function_offset);
    }
    last = offset;
  }
}

bool LocationTable::decode(ByteReader& reader) {
  for (uint64_t count = reader.uleb(); count > 0 && !reader.failed(); --count) {
    strings_.push_back(take_text(reader));
  }
  uint64_t offset = 0;
  const uint64_t locations = reader.uleb();
  ranges_.reserve(std::min<uint64_t>(locations, reader.left() / 7));  // the least a location takes
  for (uint64_t i = 0; i < locations && !reader.failed(); ++i) {
    const uint64_t distance = reader.uleb();
    const uint64_t frames = reader.uleb();
    if ((i > 0 && distance == 0) || offset + distance < offset || frames == 0 || frames > reader.left()) {
      return false;
    }
    offset += distance;
    ranges_.emplace(offset, Range{uint32_t(frames_.size()), uint32_t(frames)});
    for (uint64_t j = 0; j < frames; ++j) {
      const uint64_t function = reader.uleb();
      const uint64_t file = reader.uleb();
      const uint64_t line = reader.uleb();
      const uint64_t inlined = reader.uleb();
      const uint64_t function_offset = reader.uleb();
      if (reader.failed() || function >= strings_.size() || file >= strings_.size() || strings_[function].empty() ||
          line > UINT32_MAX || inlined > 1) {
        return false;
      }
      frames_.push_back({uint32_t(function), uint32_t(file), uint32_t(line), inlined != 0, function_offset});
    }
  }
  return !reader.failed();
}

}  // namespace flarestack
