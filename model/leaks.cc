// SPDX-License-Identifier: Apache-2.0
#include "model/leaks.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "model/leak_choice.h"
#include "model/no_verdict.h"
#include "model/selection.h"
#include "model/stack_paths.h"
#include "symbolizer/demangle.h"

namespace flarestack {
namespace {

void insert_sorted(std::vector<uint32_t>& values, uint32_t value) {
  const auto place = std::lower_bound(values.begin(), values.end(), value);
  if (place == values.end() || *place != value) values.insert(place, value);
}

// The names that the linker knows of the functions in some stacks, by location.
std::unordered_map<uint32_t, std::string> mangled_names(const Profile& profile, const std::vector<uint32_t>& stacks,
                                                        const RawSymbolSource& raw_symbols) {
  const Recording& recording = profile.recording;
  std::vector<bool> seen(recording.stacks.size(), false);
  std::map<uint32_t, std::vector<uint32_t>> frames_of_module;
  std::vector<bool> frame_seen(recording.frames.size(), false);
  for (uint32_t stack : stacks) {
    for (; stack < recording.stacks.size() && !seen[stack]; stack = recording.stacks[stack].parent) {
      seen[stack] = true;
      const uint32_t frame = recording.stacks[stack].frame;
      if (frame >= recording.frames.size() || frame >= profile.frame_locations.size() || frame_seen[frame]) continue;
      frame_seen[frame] = true;
      const RecordedFrame& recorded = recording.frames[frame];
      if (recorded.kind == FrameKind::kNative && recorded.module < recording.modules.size())
        frames_of_module[recorded.module].push_back(frame);
    }
  }
  std::unordered_map<uint32_t, std::string> names;
  for (const auto& [index, frames] : frames_of_module) {
    std::vector<uint64_t> offsets;
    for (const uint32_t frame : frames) {
      const RecordedFrame& recorded = recording.frames[frame];
      offsets.push_back(FrameAddress({recorded.offset.value}, recorded.address_kind).lookup().value);
    }
    const auto found = raw_symbols(symbol_module(profile, index), offsets, SymbolSort::kFunction);
    for (size_t i = 0; i < std::min(found.size(), frames.size()); ++i) {
      const LocationRange range = profile.frame_locations[frames[i]];
      if (found[i].name.empty() || range.begin == range.end) continue;
      const Location& outermost = profile.locations[range.end - 1];
      if (outermost.type == FrameType::kNative && found[i].name != profile.functions[outermost.function].name)
        names[range.end - 1] = found[i].name;
    }
  }
  return names;
}

class LeakFinder {
 public:
  LeakFinder(const Profile& profile, const LeakOptions& options)
      : profile_(profile), recording_(profile.recording), options_(options), paths_(profile) {
    for (auto [expression, pattern] :
         {std::pair{&profile.options.focus, &focus_}, {&profile.options.ignore, &ignore_}}) {
      if (expression->empty()) continue;
      if (auto compiled = parse_regex(*expression)) *pattern = std::move(*compiled);
    }
  }

  Leaks find() {
    const Result<Selection> selection = Selection::make(recording_, profile_.options);
    if (!selection.ok()) return {};  // not of a profile: it would not have been built
    auto [chosen, no_parent_verdict] = chosen_leaks(recording_, *selection);
    std::erase_if(chosen, [this](const ChosenLeak& each) { return !passes_filter(recording_.leaks[each.leak].stack); });
    find_mangled_names(chosen);
    // Whether an indirectly lost block is suppressed depends on the definitely lost one that leads to it.
    std::stable_sort(chosen.begin(), chosen.end(), [this](const ChosenLeak& a, const ChosenLeak& b) {
      return recording_.leaks[a.leak].leak.verdict < recording_.leaks[b.leak].leak.verdict;
    });
    for (const ChosenLeak& each : chosen) add(each);
    add_inherited_losses(chosen, no_parent_verdict);
    name_variables();
    attribute_indirect();
    finish_sites();
    add_checks(*selection);
    return std::move(leaks_);
  }

 private:
  struct Group {
    LeakVerdict verdict;
    LeakOwner owner;
    bool suppressed;
    uint32_t path;
    auto operator<=>(const Group&) const = default;
  };
  struct Building {
    LeakSite site;
    std::map<std::tuple<LeakHolder, uint32_t, uint64_t, uint32_t, uint32_t>, LeakHeldBy> holders;
  };

  bool passes_filter(uint32_t stack) {
    if (!focus_ && !ignore_) return true;
    bool focused = !focus_.has_value();
    for (const uint32_t location : paths_.locations_of(stack)) {
      const std::string& name = profile_.functions[profile_.locations[location].function].name;
      if (ignore_ && ignore_->found_in(name)) return false;
      focused = focused || focus_->found_in(name);
    }
    return focused;
  }

  void find_mangled_names(const std::vector<ChosenLeak>& chosen) {
    const bool wanted =
        options_.mangled_names || (options_.suppressions != nullptr && options_.suppressions->wants_mangled_names());
    if (!wanted || !options_.raw_symbols) return;
    std::vector<uint32_t> stacks;
    for (const ChosenLeak& each : chosen) stacks.push_back(recording_.leaks[each.leak].stack);
    leaks_.mangled = mangled_names(profile_, stacks, options_.raw_symbols);
  }

  std::optional<size_t> suppression_of(uint32_t stack, LeakVerdict verdict) {
    if (options_.suppressions == nullptr) return std::nullopt;
    const auto [entry, added] = suppression_of_path_.try_emplace({paths_.path_of(stack), verdict});
    if (added) {
      const std::vector<uint32_t> path = paths_.locations_of(stack);
      entry->second = options_.suppressions->find(suppressible(profile_, path, leaks_.mangled), verdict);
    }
    return entry->second;
  }

  void add(const ChosenLeak& chosen) {
    const RecordedLeak& recorded = recording_.leaks[chosen.leak];
    const LeakRecord& leak = recorded.leak;
    const uint32_t path = paths_.path_of(recorded.stack);
    std::optional<size_t> suppression = suppression_of(recorded.stack, leak.verdict);
    const bool behind = leak.verdict == LeakVerdict::kIndirectlyLost && leak.holder == LeakHolder::kBlock;
    if (behind && !suppression) suppression = suppression_of(recorded.holder_stack, LeakVerdict::kDefinitelyLost);
    const Group group{leak.verdict, chosen.owner, suppression.has_value(), path};
    const auto [entry, added] = sites_.try_emplace(group);
    LeakSite& site = entry->second.site;
    if (added) {
      site.verdict = leak.verdict;
      site.inherited = leak.inherited;
      site.path = paths_.locations_of(recorded.stack);
      site.smallest_bytes = leak.smallest_bytes;
      site.first_ns = leak.first_ns;
      site.last_ns = leak.last_ns;
      site.suppression = suppression;
    }
    site.amount.add(chosen.amount);
    site.smallest_bytes = std::min(site.smallest_bytes, leak.smallest_bytes);
    site.largest_bytes = std::max(site.largest_bytes, leak.largest_bytes);
    site.first_ns = std::min(site.first_ns, leak.first_ns);
    site.last_ns = std::max(site.last_ns, leak.last_ns);
    if (recorded.thread != kNoIndex) insert_sorted(site.threads, recorded.thread);
    insert_sorted(site.processes, recorded.process);
    add_holder(recorded, chosen.amount, entry->second);
    if (behind && chosen.owner != LeakOwner::kParent && !suppression)
      behind_[{paths_.path_of(recorded.holder_stack), chosen.owner}].add(chosen.amount);
    LeakTotals& totals = leaks_.totals;
    (chosen.owner == LeakOwner::kParent ? totals.inherited
     : suppression                      ? totals.suppressed
                                        : totals.by_verdict[static_cast<size_t>(leak.verdict)])
        .add(chosen.amount);
  }

  void add_holder(const RecordedLeak& recorded, const LeakAmount& amount, Building& building) {
    const LeakRecord& leak = recorded.leak;
    if (leak.holder == LeakHolder::kNone) return;
    const bool is_block = leak.holder == LeakHolder::kBlock;
    const bool is_data = leak.holder == LeakHolder::kModuleData;
    const uint32_t path = is_block ? paths_.path_of(recorded.holder_stack) : 0;
    const uint32_t module = is_data ? recorded.holder_module : kNoIndex;
    LeakHeldBy& holder =
        building.holders[{leak.holder, module, is_data ? leak.holder_offset.value : 0, recorded.holder_thread, path}];
    if (holder.amount.blocks == 0 && holder.amount.bytes == 0) {
      holder.kind = leak.holder;
      holder.module = module;
      holder.offset = is_data ? leak.holder_offset : ModuleOffset{};
      holder.thread = recorded.holder_thread;
      if (is_block) holder.path = paths_.locations_of(recorded.holder_stack);
    }
    holder.amount.add(amount);
  }

  // The variables of all holders, one look at each module.
  void name_variables() {
    std::map<uint32_t, std::vector<LeakHeldBy*>> by_module;
    for (auto& [group, building] : sites_) {
      for (auto& [key, holder] : building.holders) {
        if (holder.kind == LeakHolder::kModuleData && holder.module < recording_.modules.size())
          by_module[holder.module].push_back(&holder);
      }
    }
    for (const auto& [index, holders] : by_module) {
      std::vector<uint64_t> offsets;
      for (const LeakHeldBy* holder : holders) offsets.push_back(holder->offset.value);
      if (!options_.raw_symbols) return;
      const auto found = options_.raw_symbols(symbol_module(profile_, index), offsets, SymbolSort::kVariable);
      for (size_t i = 0; i < std::min(found.size(), holders.size()); ++i) {
        if (found[i].name.empty()) continue;
        holders[i]->variable = demangle(found[i].name);
        holders[i]->offset_in_variable = holders[i]->offset.value - found[i].offset;
      }
    }
  }

  void attribute_indirect() {
    for (const auto& [leader, amount] : behind_) {
      // A record does not say whether what leads to its blocks was inherited: most often both were, or neither.
      const auto [path, owner] = leader;
      const LeakOwner other = owner == LeakOwner::kSelf ? LeakOwner::kInherited : LeakOwner::kSelf;
      auto lost = sites_.find({LeakVerdict::kDefinitelyLost, owner, false, path});
      if (lost == sites_.end()) lost = sites_.find({LeakVerdict::kDefinitelyLost, other, false, path});
      if (lost != sites_.end()) lost->second.site.behind.add(amount);
    }
  }

  void add_inherited_losses(const std::vector<ChosenLeak>& chosen,
                            const std::map<uint32_t, NoParentVerdict>& no_parent_verdict) {
    std::map<uint32_t, LeakAmount> lost;
    for (const ChosenLeak& each : chosen) {
      const RecordedLeak& recorded = recording_.leaks[each.leak];
      if (each.owner == LeakOwner::kParent && is_lost(recorded.leak.verdict)) lost[recorded.process].add(each.amount);
    }
    for (const auto& [process, unknown] : no_parent_verdict) {
      if (lost.contains(process)) leaks_.no_parent_verdict.push_back({process, unknown, lost[process]});
    }
  }

  void finish_sites() {
    for (auto& [group, building] : sites_) {
      LeakSite& site = building.site;
      for (auto& [key, holder] : building.holders) site.holders.push_back(std::move(holder));
      std::stable_sort(site.holders.begin(), site.holders.end(),
                       [](const LeakHeldBy& a, const LeakHeldBy& b) { return a.amount.bytes > b.amount.bytes; });
      (group.owner == LeakOwner::kParent ? leaks_.inherited
       : group.suppressed                ? leaks_.suppressed
                                         : leaks_.sites)
          .push_back(std::move(site));
    }
    for (std::vector<LeakSite>* sites : {&leaks_.sites, &leaks_.suppressed, &leaks_.inherited}) {
      std::stable_sort(sites->begin(), sites->end(), [](const LeakSite& a, const LeakSite& b) {
        if (a.verdict != b.verdict) return a.verdict < b.verdict;
        return a.amount.bytes + a.behind.bytes > b.amount.bytes + b.behind.bytes;
      });
    }
  }

  void add_checks(const Selection& selection) {
    std::vector<uint32_t> counts(recording_.processes.size(), 0);
    for (const RecordedLeakCheck& each : recording_.leak_checks) {
      if (each.process < counts.size()) ++counts[each.process];
    }
    const std::vector<uint32_t> last = last_leak_checks(recording_);
    std::vector<bool> judged(recording_.processes.size(), true);
    for (uint32_t process = 0; process < recording_.processes.size(); ++process) {
      if (!selection.chooses_process(process)) continue;
      const LeakCheckRecord* check = last[process] == kNoIndex ? nullptr : &recording_.leak_checks[last[process]].check;
      if (auto reason = no_verdict_reason(recording_, process, check)) {
        leaks_.no_verdict.push_back({process, std::move(*reason), {}});
        judged[process] = false;
      } else if (check != nullptr) {
        leaks_.checks.push_back({process, *check, counts[process]});
      }
    }
    add_live(judged);
  }

  // What the processes without a verdict had live at their end.
  void add_live(const std::vector<bool>& judged) {
    std::map<uint32_t, LiveSite> sites;
    std::map<uint32_t, LeakAmount> of_process;
    for (const HeapCell& cell : profile_.heap.cells) {
      const uint32_t process = recording_.process_of_thread(cell.thread);
      if (process >= judged.size() || judged[process]) continue;
      if (cell.kind != MemoryKind::kHeap || (cell.live_bytes == 0 && cell.live_blocks == 0)) continue;
      const LeakAmount amount{cell.live_bytes, cell.live_blocks};
      const auto [site, added] = sites.try_emplace(paths_.path_of(cell.stack));
      if (added) site->second.path = paths_.locations_of(cell.stack);
      site->second.amount.add(amount);
      of_process[process].add(amount);
    }
    for (ProcessWithoutVerdict& each : leaks_.no_verdict) each.live = of_process[each.process];
    for (auto& [path, site] : sites) leaks_.live_without_verdict.push_back(std::move(site));
    std::stable_sort(leaks_.live_without_verdict.begin(), leaks_.live_without_verdict.end(),
                     [](const LiveSite& a, const LiveSite& b) { return a.amount.bytes > b.amount.bytes; });
  }

  const Profile& profile_;
  const Recording& recording_;
  const LeakOptions& options_;
  StackPaths paths_;
  std::optional<Regex> focus_, ignore_;
  std::map<Group, Building> sites_;
  std::map<std::pair<uint32_t, LeakOwner>, LeakAmount> behind_;  // by path of the lost block that leads there
  std::map<std::pair<uint32_t, LeakVerdict>, std::optional<size_t>> suppression_of_path_;
  Leaks leaks_;
};

}  // namespace

Leaks find_leaks(const Profile& profile, const LeakOptions& options) { return LeakFinder(profile, options).find(); }

std::vector<SuppressibleFrame> suppressible(const Profile& profile, const std::vector<uint32_t>& path,
                                            const std::unordered_map<uint32_t, std::string>& mangled) {
  std::vector<SuppressibleFrame> frames;
  frames.reserve(path.size());
  for (const uint32_t index : path) {
    const Location& location = profile.locations[index];
    const Function& function = profile.functions[location.function];
    const auto name = mangled.find(index);
    frames.push_back({function.name, name == mangled.end() ? std::string_view() : std::string_view(name->second),
                      function.module_path, profile.files[location.file], location.line,
                      location.type == FrameType::kInlined});
  }
  return frames;
}

const char* verdict_name(LeakVerdict verdict) {
  switch (verdict) {
    case LeakVerdict::kDefinitelyLost:
      return "definitely_lost";
    case LeakVerdict::kIndirectlyLost:
      return "indirectly_lost";
    case LeakVerdict::kPossiblyLost:
      return "possibly_lost";
    case LeakVerdict::kStillReachable:
      return "still_reachable";
  }
  return "unknown";
}

const char* leak_check_cause_name(LeakCheckCause cause) {
  switch (cause) {
    case LeakCheckCause::kExit:
      return "exit";
    case LeakCheckCause::kFatalSignal:
      return "fatal_signal";
    case LeakCheckCause::kDetach:
      return "detach";
    case LeakCheckCause::kOnDemand:
      return "on_demand";
  }
  return "unknown";
}

}  // namespace flarestack
