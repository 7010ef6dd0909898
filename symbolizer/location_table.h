// SPDX-License-Identifier: Apache-2.0
// LocationTable: the resolved locations of one module, compactly: each string once, frames as numbers. Becomes the
// bytes of a cache file and back in a few milliseconds, however many templates the names hold. Offline side; one
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "symbolizer/byte_reader.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

class LocationTable {
 public:
  LocationTable() = default;
  LocationTable(LocationTable&&) = default;  // views into it stay valid
  LocationTable& operator=(LocationTable&&) = default;

  // A location that is there already stays as it is. `frames` is not empty.
  void add(uint64_t module_offset, std::span<const SymbolFrame> frames);
  void add_all(const LocationTable& other);
  bool contains(uint64_t module_offset) const { return ranges_.contains(module_offset); }
  // Empty: not there.
  std::vector<SymbolFrame> find(uint64_t module_offset) const;
  size_t size() const { return ranges_.size(); }

  // Strings: uleb count, then each as uleb length and bytes. Locations, ascending: uleb count, then each as uleb
  // distance from the one before, uleb frame count, and per frame ulebs: name, file, line, inlined, function offset.
  void encode(std::string& out) const;
  // Reads what encode() wrote. False: malformed, and the table must not be used. Borrows the reader's bytes.
  bool decode(ByteReader& reader);

 private:
  struct Frame {
    uint32_t function = 0;
    uint32_t file = 0;
    uint32_t line = 0;
    bool inlined = false;
    uint64_t function_offset = 0;
  };
  struct Range {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  uint32_t number(std::string_view text);

  std::vector<std::string_view> strings_;
  std::deque<std::string> own_strings_;                     // those of strings_ that are not borrowed
  std::unordered_map<std::string_view, uint32_t> numbers_;  // filled by the first add()
  std::vector<Frame> frames_;
  std::unordered_map<uint64_t, Range> ranges_;
};

void put_uleb(std::string& out, uint64_t value);
void put_text(std::string& out, std::string_view text);  // uleb length, bytes
std::string_view take_text(ByteReader& reader);

}  // namespace flarestack
