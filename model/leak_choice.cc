// SPDX-License-Identifier: Apache-2.0
#include "model/leak_choice.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "model/no_verdict.h"

namespace flarestack {
namespace {

// The blocks of a record that are not told yet to be of the one or the other.
struct Open {
  const LeakRecord* record = nullptr;
  LeakAmount left;
  uint32_t leak = 0;  // in Recording::leaks
};

std::pair<uint32_t, uint32_t> place_of(const RecordedLeak& leak) { return {leak.thread, leak.stack}; }

auto sum_of(const LeakRecord& record) {
  return std::tuple(record.verdict, record.blocks, record.bytes, record.smallest_bytes, record.largest_bytes,
                    record.first_ns, record.last_ns);
}

uint64_t times(uint64_t count, uint64_t bytes) {
  uint64_t product = 0;
  return __builtin_mul_overflow(count, bytes, &product) ? UINT64_MAX : product;
}

uint64_t less(uint64_t all, uint64_t part) { return all > part ? all - part : 0; }

// Of the child's blocks, those that its parent lost too are taken off both.
void take_off(Open& child, Open& parent) {
  const uint64_t blocks = std::min(child.left.blocks, parent.left.blocks);
  uint64_t bytes = child.left.bytes;
  if (const uint64_t rest = child.left.blocks - blocks; rest != 0) {
    const uint64_t least =
        std::max(times(blocks, child.record->smallest_bytes), less(bytes, times(rest, child.record->largest_bytes)));
    const uint64_t most =
        std::min(times(blocks, child.record->largest_bytes), less(bytes, times(rest, child.record->smallest_bytes)));
    bytes = std::min(std::max(parent.left.bytes, least), std::max(most, least));
    bytes = std::min(bytes, child.left.bytes);
  }
  child.left.blocks -= blocks;
  child.left.bytes -= bytes;
  parent.left.blocks -= blocks;
  parent.left.bytes -= std::min(parent.left.bytes, bytes);
}

// Takes off all those for which key_of() says the same.
template <typename KeyOf>
void take_off_same(std::vector<Open>& child, std::vector<Open>& parent, const KeyOf& key_of) {
  const auto before = [&key_of](const Open& a, const Open& b) { return key_of(*a.record) < key_of(*b.record); };
  std::stable_sort(child.begin(), child.end(), before);
  std::stable_sort(parent.begin(), parent.end(), before);
  for (auto mine = child.begin(), its = parent.begin(); mine != child.end() && its != parent.end();) {
    if (mine->left.blocks == 0 || before(*mine, *its)) {
      ++mine;
    } else if (its->left.blocks == 0 || before(*its, *mine)) {
      ++its;
    } else {
      take_off(*mine, *its);
    }
  }
}

class InheritedLosses {
 public:
  InheritedLosses(const Recording& recording, const std::vector<uint32_t>& last_checks)
      : recording_(recording), last_checks_(last_checks), lost_(recording.processes.size()) {
    for (uint32_t i = 0; i < recording.leaks.size(); ++i) {
      const RecordedLeak& each = recording.leaks[i];
      if (is_of_last_check(each) && is_lost(each.leak.verdict)) lost_[each.process].push_back(i);
    }
    for (std::vector<uint32_t>& lost : lost_) {
      std::stable_sort(lost.begin(), lost.end(), [&recording](uint32_t a, uint32_t b) {
        return place_of(recording.leaks[a]) < place_of(recording.leaks[b]);
      });
    }
    for (uint32_t process = 0; process < lost_.size(); ++process) judge(process);
  }

  bool is_of_last_check(const RecordedLeak& leak) const {
    const uint32_t last = leak.process < last_checks_.size() ? last_checks_[leak.process] : kNoIndex;
    return last != kNoIndex && recording_.leak_checks[last].check.number == leak.leak.check;
  }
  // What of a record with inherited blocks is the child's loss; by index in Recording::leaks.
  std::unordered_map<uint32_t, LeakAmount> of_children;
  std::map<uint32_t, NoParentVerdict> no_parent_verdict;

 private:
  using Indexes = std::vector<uint32_t>::const_iterator;

  void judge(uint32_t process) {
    const std::vector<uint32_t>& lost = lost_[process];
    const auto is_inherited = [this](uint32_t leak) { return recording_.leaks[leak].leak.inherited; };
    if (std::none_of(lost.begin(), lost.end(), is_inherited)) return;
    const Process& child = recording_.processes[process];
    if (auto reason = why_unknown(child)) {
      no_parent_verdict[process] = {child.parent, std::move(*reason)};
      return;
    }
    const std::vector<uint32_t>& parents = lost_[child.parent];
    for (auto begin = lost.begin(), its = parents.begin(); begin != lost.end();) {
      const auto place = place_of(recording_.leaks[*begin]);
      const auto is_here = [&](uint32_t leak) { return place_of(recording_.leaks[leak]) == place; };
      const auto end = std::find_if_not(begin, lost.end(), is_here);
      its = std::find_if(its, parents.end(), [&](uint32_t leak) { return place_of(recording_.leaks[leak]) >= place; });
      const auto its_end = std::find_if_not(its, parents.end(), is_here);
      // Times of allocations are rounded down, and that of the child's start is later than the fork: what seems to be
      // older may be younger, and not the other way round.
      compare(open(begin, end, is_inherited),
              open(its, its_end, [&](uint32_t leak) { return recording_.leaks[leak].leak.first_ns < child.start_ns; }));
      begin = end;
      its = its_end;
    }
  }

  template <typename Counts>
  std::vector<Open> open(Indexes begin, Indexes end, const Counts& counts) const {
    std::vector<Open> found;
    for (; begin != end; ++begin) {
      const LeakRecord& record = recording_.leaks[*begin].leak;
      if (counts(*begin)) found.push_back({&record, {record.bytes, record.blocks}, *begin});
    }
    return found;
  }

  void compare(std::vector<Open> child, std::vector<Open> parent) {
    take_off_same(child, parent, sum_of);
    take_off_same(child, parent, [](const LeakRecord& record) { return record.verdict; });
    take_off_same(child, parent, [](const LeakRecord&) { return 0; });
    for (const Open& each : child) {
      if (each.left.blocks != 0) of_children[each.leak] = each.left;
    }
  }

  // nullopt: there is a verdict on all that the parent had lost at the fork.
  std::optional<std::string> why_unknown(const Process& child) {
    if (child.origin != ProcessOrigin::kFork || child.parent >= recording_.processes.size())
      return "it was not recorded";
    const uint32_t last = last_checks_[child.parent];
    const LeakCheckRecord* check = last == kNoIndex ? nullptr : &recording_.leak_checks[last].check;
    if (check == nullptr || check->blocks == 0) {
      const auto [reason, added] = no_verdict_.try_emplace(child.parent);
      if (added) reason->second = no_verdict_reason(recording_, child.parent, check);
      if (reason->second) return reason->second;
    }
    if (check == nullptr) return "nothing of its heap was recorded";
    if (!check->problem.empty()) return "only a part of it was looked at: " + check->problem;
    // A parent that ends after a fork may be looked at before the recorder hears of the child.
    const bool at_end = check->cause == LeakCheckCause::kExit || check->cause == LeakCheckCause::kFatalSignal;
    if (!at_end && check->time_ns < child.start_ns) return "it was looked at before the fork only";
    return std::nullopt;
  }

  const Recording& recording_;
  const std::vector<uint32_t>& last_checks_;
  std::vector<std::vector<uint32_t>> lost_;                    // by process: in Recording::leaks, by place
  std::map<uint32_t, std::optional<std::string>> no_verdict_;  // by process
};

}  // namespace

std::vector<uint32_t> last_leak_checks(const Recording& recording) {
  std::vector<uint32_t> last(recording.processes.size(), kNoIndex);
  for (uint32_t i = 0; i < recording.leak_checks.size(); ++i) {
    const RecordedLeakCheck& each = recording.leak_checks[i];
    if (each.process >= last.size()) continue;
    uint32_t& best = last[each.process];
    if (best == kNoIndex || each.check.number >= recording.leak_checks[best].check.number) best = i;
  }
  return last;
}

ChosenLeaks chosen_leaks(const Recording& recording, const Selection& selection) {
  const std::vector<uint32_t> last = last_leak_checks(recording);
  InheritedLosses losses(recording, last);
  ChosenLeaks chosen;
  for (uint32_t i = 0; i < recording.leaks.size(); ++i) {
    const RecordedLeak& each = recording.leaks[i];
    if (!losses.is_of_last_check(each) || !selection.chooses_process(each.process)) continue;
    LeakAmount amount{each.leak.bytes, each.leak.blocks};
    if (!each.leak.inherited) {
      if (selection.chooses_thread(each.thread)) chosen.leaks.push_back({i, LeakOwner::kSelf, amount});
      continue;
    }
    if (const auto of_child = losses.of_children.find(i); of_child != losses.of_children.end()) {
      chosen.leaks.push_back({i, LeakOwner::kInherited, of_child->second});
      amount.blocks -= of_child->second.blocks;
      amount.bytes -= of_child->second.bytes;
      if (amount.blocks == 0) continue;
    }
    chosen.leaks.push_back({i, LeakOwner::kParent, amount});
  }
  chosen.no_parent_verdict = std::move(losses.no_parent_verdict);
  return chosen;
}

}  // namespace flarestack
