// SPDX-License-Identifier: Apache-2.0
// IntervalMap: what lies where in an address space, when what comes later takes from what was there. Offline and
// recorder side; one thread.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace flarestack {

// Value is cheap to copy: a part that is cut in two has it twice.
template <typename Value>  // of a perf map: the name; of a jitdump: the index of a load
class IntervalMap {
 public:
  struct Part {
    uint64_t end = 0;
    Value value{};
  };

  // [start, end) is `value` from now on; nothing if it is empty.
  void set(uint64_t start, uint64_t end, Value value) {
    if (start < end) {
      clear(start, end);
      parts_[start] = {end, std::move(value)};
    }
  }
  // Borrowed until the next set().
  const Value* find(uint64_t at) const {
    const auto after = parts_.upper_bound(at);
    if (after == parts_.begin() || std::prev(after)->second.end <= at) {
      return nullptr;
    }
    return &std::prev(after)->second.value;
  }
  // By start, disjoint.
  const std::map<uint64_t, Part>& parts() const { return parts_; }

 private:
  void clear(uint64_t start, uint64_t end) {
    auto part = parts_.lower_bound(start);
    if (part != parts_.begin()) {
      auto before = std::prev(part);
      const Part old = before->second;
      if (old.end > start) {
        before->second.end = start;
        if (old.end > end) {
          parts_.emplace(end, old);
          return;
        }
      }
    }
    while (part != parts_.end() && part->first < end) {
      const Part old = part->second;
      part = parts_.erase(part);
      if (old.end > end) {
        parts_.emplace(end, old);
        return;
      }
    }
  }

  std::map<uint64_t, Part> parts_;
};

}  // namespace flarestack
