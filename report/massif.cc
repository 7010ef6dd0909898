// SPDX-License-Identifier: Apache-2.0
#include "report/massif.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "model/heap_history.h"
#include "model/heap_summary.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// Massif's own defaults.
constexpr size_t kSnapshots = 100;
constexpr size_t kDetailedEvery = 10;
constexpr uint64_t kThreshold = 100;  // the part of the whole below which what holds memory is told as one
constexpr size_t kDepth = 100;  // of massif 30; a line is indented by its depth, so that deep ones cost its square

struct Snapshot {
  int64_t time_ns = 0;
  uint64_t bytes = 0;  // of one with a tree it is what the tree has
  enum class Tree : uint8_t { kEmpty, kDetailed, kPeak } tree = Tree::kEmpty;
};

// What holds memory: bytes of one stack, and how far the way from its innermost frame to its root has been gone.
struct Held {
  uint32_t stack = kLostIndex;
  uint32_t inlined = 0;  // frames of it at this address that have been gone through
  uint64_t bytes = 0;
};

// ms_print takes "#" for the start of a comment.
std::string plain(std::string_view text) {
  std::string name = printable(text);
  std::replace(name.begin(), name.end(), '#', ':');
  return name;
}

// Writes the tree of a snapshot, innermost frames at the top, group by group of what has the same frames so far. What
// is below the threshold is told as one.
class TreeWriter {
 public:
  explicit TreeWriter(const Profile& profile) : profile_(profile), place_of_(profile.locations.size()) {
    std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> numbers;
    for (size_t i = 0; i < place_of_.size(); ++i) {
      const Location& location = profile.locations[i];
      const auto next = static_cast<uint32_t>(numbers.size());
      place_of_[i] = numbers.try_emplace({location.function, location.file, location.line}, next).first->second;
    }
    bytes_at_.resize(numbers.size());
    group_at_.resize(numbers.size());
  }

  void write(std::vector<Held> held, uint64_t total, std::string& out) {
    held_ = std::move(held);
    least_ = total / kThreshold + (total % kThreshold != 0 ? 1 : 0);
    const Group all{0, held_.size(), 0, total, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc."};
    to_write_.assign(1, all);
    while (!to_write_.empty()) {
      const Group group = std::move(to_write_.back());
      to_write_.pop_back();
      write_group(group, out);
    }
  }

 private:
  struct Group {
    size_t begin = 0;  // in held_
    size_t end = 0;
    size_t depth = 0;
    uint64_t bytes = 0;
    std::string text;
  };

  // The frame that comes next on a way; kNoIndex behind the root.
  uint32_t location_of(const Held& held) const {
    const auto& stacks = profile_.recording.stacks;
    if (held.stack >= stacks.size()) return kNoIndex;
    const uint32_t frame = stacks[held.stack].frame;
    return frame < profile_.frame_locations.size() ? profile_.frame_locations[frame].begin + held.inlined : 0;
  }
  void step(Held& held) const {
    const uint32_t frame = profile_.recording.stacks[held.stack].frame;
    const LocationRange range =
        frame < profile_.frame_locations.size() ? profile_.frame_locations[frame] : LocationRange{0, 1};
    if (++held.inlined < range.end - range.begin) return;
    held = {profile_.recording.stacks[held.stack].parent, 0, held.bytes};
  }

  std::string text_of(const Held& held, uint32_t location_index) const {
    const Location& location = profile_.locations[location_index];
    const Function& function = profile_.functions[location.function];
    const uint32_t frame = profile_.recording.stacks[held.stack].frame;
    const uint64_t offset =
        frame < profile_.recording.frames.size() ? profile_.recording.frames[frame].offset.value : 0;
    const std::string& file = profile_.files[location.file];
    const std::string where = !file.empty()
                                  ? fmt::format("{}:{}", file.substr(file.find_last_of('/') + 1), location.line)
                              : function.module_path.empty() ? "in ???"
                                                             : "in " + function.module_path;
    return fmt::format("0x{:X}: {} ({})", offset, plain(function.name), plain(where));
  }

  void write_group(const Group& group, std::string& out) {
    below_count_ = 0;
    below_bytes_ = 0;
    std::vector<Group> children = group.depth < kDepth ? split(group) : std::vector<Group>();
    const uint64_t below = below_count_;
    const uint64_t below_bytes = below_bytes_;
    const size_t written = children.size() + (below != 0 ? 1 : 0);
    const std::string indent(group.depth, ' ');
    out += fmt::format("{}n{}: {} {}\n", indent, written, group.bytes, group.text);
    if (below != 0) {
      children.push_back({0, 0, group.depth + 1, below_bytes,
                          fmt::format("in {} place{} below massif's threshold ({:.2f}%)", below,
                                      below == 1 ? "," : "s, all", 100.0 / kThreshold)});
    }
    std::move(children.rbegin(), children.rend(), std::back_inserter(to_write_));
  }

  // Reorders what the group holds, one step further each, by the frame that comes next; heaviest first.
  std::vector<Group> split(const Group& group) {
    std::vector<uint32_t> places;
    for (size_t i = group.begin; i < group.end; ++i) {
      const uint32_t location = location_of(held_[i]);
      if (location == kNoIndex) continue;
      uint64_t& bytes = bytes_at_[place_of_[location]];
      if (bytes == 0) places.push_back(place_of_[location]);
      bytes += held_[i].bytes;
    }
    std::sort(places.begin(), places.end(),
              [this](uint32_t a, uint32_t b) { return std::pair(bytes_at_[b], a) < std::pair(bytes_at_[a], b); });
    std::vector<Group> groups;
    for (const uint32_t place : places) {
      if (bytes_at_[place] < std::max<uint64_t>(least_, 1)) {
        ++below_count_;
        below_bytes_ += bytes_at_[place];
        group_at_[place] = kNoIndex;
      } else {
        group_at_[place] = static_cast<uint32_t>(groups.size());
        groups.push_back({0, 0, group.depth + 1, bytes_at_[place], ""});
      }
    }
    fill(group, groups);
    for (const uint32_t place : places) bytes_at_[place] = 0;
    return groups;
  }

  void fill(const Group& group, std::vector<Group>& groups) {
    std::vector<std::vector<Held>> members(groups.size());
    for (size_t i = group.begin; i < group.end; ++i) {
      Held held = held_[i];
      const uint32_t location = location_of(held);
      const uint32_t number = location == kNoIndex ? kNoIndex : group_at_[place_of_[location]];
      if (number == kNoIndex) continue;
      if (groups[number].text.empty()) groups[number].text = text_of(held, location);
      step(held);
      members[number].push_back(held);
    }
    size_t next = group.begin;
    for (size_t i = 0; i < groups.size(); ++i) {
      groups[i].begin = next;
      std::copy(members[i].begin(), members[i].end(), held_.begin() + static_cast<ptrdiff_t>(next));
      next += members[i].size();
      groups[i].end = next;
    }
  }

  const Profile& profile_;
  std::vector<uint32_t> place_of_;  // by location
  std::vector<uint64_t> bytes_at_;  // by place; 0 between calls of split()
  std::vector<uint32_t> group_at_;
  std::vector<Held> held_;
  std::vector<Group> to_write_;
  uint64_t least_ = 0;
  uint64_t below_count_ = 0;  // of the last split()
  uint64_t below_bytes_ = 0;
};

class MassifWriter {
 public:
  explicit MassifWriter(const Profile& profile)
      : profile_(profile), tree_(profile), changes_(heap_history(profile)), live_(profile.recording.stacks.size() + 1) {
    const ProfileOptions& options = profile.options;
    from_ns_ = std::max<int64_t>(options.from_ns.value_or(0), 0);
    end_ns_ = std::min(options.to_ns.value_or(INT64_MAX), profile.recording.duration_ns);
  }

  std::string write() {
    out_ = "desc: exported by flarestack " + plain(profile_.recording.session.version) + "\n";
    out_ += "cmd: " + plain(command_line(profile_.recording.session.command)) + "\ntime_unit: ms\n";
    choose_snapshots();
    size_t next_change = 0;
    for (const Snapshot& snapshot : snapshots_) {
      for (; next_change < changes_.size() && changes_[next_change].time_ns <= snapshot.time_ns; ++next_change)
        live_at(changes_[next_change].stack) += static_cast<uint64_t>(changes_[next_change].bytes);
      write_snapshot(snapshot);
    }
    return std::move(out_);
  }

 private:
  // The last entry is for what has no stack.
  uint64_t& live_at(uint32_t stack) { return live_[std::min<size_t>(stack, live_.size() - 1)]; }

  void choose_snapshots() {
    std::vector<Snapshot> all;
    uint64_t live_bytes = 0;
    for (size_t i = 0; i < changes_.size(); ++i) {
      live_bytes += static_cast<uint64_t>(changes_[i].bytes);
      const int64_t time_ns = changes_[i].time_ns;
      const bool is_last_of_its_time = i + 1 == changes_.size() || changes_[i + 1].time_ns != time_ns;
      if (!is_last_of_its_time || time_ns < from_ns_ || time_ns >= end_ns_) continue;
      all.push_back({time_ns, static_cast<int64_t>(live_bytes) > 0 ? live_bytes : 0});
    }
    const int64_t peak_time_ns = std::max(summarize_heap(profile_).peak_time_ns, from_ns_);
    // The first, the peak and the last are always there, and the greatest of each stretch of the others.
    const size_t stretch = all.size() / (kSnapshots - 3) + 1;
    if (from_ns_ == 0) snapshots_.push_back({0, 0});
    for (size_t begin = 0; begin < all.size(); begin += stretch) {
      const auto first = all.begin() + static_cast<ptrdiff_t>(begin);
      const auto end = all.begin() + static_cast<ptrdiff_t>(std::min(begin + stretch, all.size()));
      snapshots_.push_back(
          *std::max_element(first, end, [](const Snapshot& a, const Snapshot& b) { return a.bytes < b.bytes; }));
    }
    for (size_t i = kDetailedEvery; i < snapshots_.size(); i += kDetailedEvery)
      snapshots_[i].tree = Snapshot::Tree::kDetailed;
    std::erase_if(snapshots_, [&](const Snapshot& each) { return each.time_ns == peak_time_ns && each.bytes != 0; });
    const auto behind = std::find_if(snapshots_.begin(), snapshots_.end(),
                                     [&](const Snapshot& each) { return each.time_ns > peak_time_ns; });
    snapshots_.insert(behind, {peak_time_ns, 0, Snapshot::Tree::kPeak});
    snapshots_.push_back({std::max(end_ns_, snapshots_.back().time_ns), 0, Snapshot::Tree::kDetailed});
  }

  std::vector<Held> held_by_cells(uint64_t HeapCell::*level) const {
    std::vector<Held> held;
    for (const HeapCell& cell : profile_.heap.cells) {
      if (cell.kind == MemoryKind::kHeap && cell.*level != 0) held.push_back({cell.stack, 0, cell.*level});
    }
    return held;
  }
  std::vector<Held> held_now() const {
    std::vector<Held> held;
    for (uint32_t i = 0; i < live_.size(); ++i) {
      if (static_cast<int64_t>(live_[i]) > 0) held.push_back({i, 0, live_[i]});
    }
    return held;
  }

  void write_snapshot(const Snapshot& snapshot) {
    constexpr std::array kTrees = {"empty", "detailed", "peak"};
    std::vector<Held> held;
    uint64_t total = snapshot.bytes;
    if (snapshot.tree != Snapshot::Tree::kEmpty) {
      const bool is_last = number_ + 1 == snapshots_.size();
      held = snapshot.tree == Snapshot::Tree::kPeak ? held_by_cells(&HeapCell::peak_bytes)
             : is_last                              ? held_by_cells(&HeapCell::live_bytes)
                                                    : held_now();
      total = 0;
      for (const Held& each : held) total += each.bytes;
    }
    out_ += fmt::format(
        "#-----------\nsnapshot={}\n#-----------\ntime={}\nmem_heap_B={}\nmem_heap_extra_B=0\nmem_stacks_B=0\n"
        "heap_tree={}\n",
        number_++, snapshot.time_ns / 1'000'000, total, kTrees[static_cast<size_t>(snapshot.tree)]);
    if (snapshot.tree != Snapshot::Tree::kEmpty) tree_.write(std::move(held), total, out_);
  }

  const Profile& profile_;
  TreeWriter tree_;
  std::vector<HeapChange> changes_;
  // By stack, as of the snapshot that is written; wraps around instead of overflowing, whatever a damaged trace says.
  std::vector<uint64_t> live_;
  std::vector<Snapshot> snapshots_;
  int64_t from_ns_ = 0;
  int64_t end_ns_ = 0;
  size_t number_ = 0;
  std::string out_;
};

}  // namespace

std::string massif(const Profile& profile) { return MassifWriter(profile).write(); }

}  // namespace flarestack
