// SPDX-License-Identifier: Apache-2.0
#include "model/profile.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "model/frame_locations.h"
#include "model/runtime_leaks.h"
#include "model/sample_choice.h"
#include "model/selection.h"

namespace flarestack {
namespace {

struct Patterns {
  std::optional<Regex> focus;
  std::optional<Regex> ignore;
};

Result<Patterns> compile_patterns(const ProfileOptions& options) {
  Patterns patterns;
  for (auto [expression, pattern] : {std::pair{&options.focus, &patterns.focus}, {&options.ignore, &patterns.ignore}}) {
    if (expression->empty()) continue;
    auto compiled = parse_regex(*expression);
    if (!compiled) return compiled.error();
    *pattern = std::move(*compiled);
  }
  return patterns;
}

// Where a sample or a cell of the heap goes.
struct Placement {
  uint32_t thread = kLostIndex;
  uint32_t stack = kLostIndex;
  uint32_t* node = nullptr;  // borrowed from the profile
  uint32_t* location = nullptr;
};

std::vector<Placement> placements_of(Profile& profile) {
  std::vector<Placement> placements;
  placements.reserve(profile.samples.size() + profile.heap.cells.size());
  for (ProfileSample& sample : profile.samples)
    placements.push_back({sample.thread, sample.stack, &sample.node, &sample.location});
  for (HeapCell& cell : profile.heap.cells) placements.push_back({cell.thread, cell.stack, &cell.node, &cell.location});
  return placements;
}

// The frames of all their stacks, of those at a timeout, and of a heap metric of those of leaks.
std::vector<bool> frames_in_use(const Recording& recording, const std::vector<Placement>& placements,
                                const ProfileOptions& options) {
  std::vector<bool> stack_used(recording.stacks.size(), options.every_frame);
  std::vector<bool> frame_used(recording.frames.size(), false);
  for (size_t i = 0; i < recording.stacks.size() && options.every_frame; ++i) {
    if (recording.stacks[i].frame < frame_used.size()) frame_used[recording.stacks[i].frame] = true;
  }
  std::vector<uint32_t> stacks;
  for (const Placement& placement : placements) stacks.push_back(placement.stack);
  for (const RecordedTimeoutStack& each : recording.timeout_stacks) stacks.push_back(each.stack);
  for (size_t i = 0; i < recording.leaks.size() && is_heap_metric(options.metric); ++i) {
    stacks.push_back(recording.leaks[i].stack);
    stacks.push_back(recording.leaks[i].holder_stack);
  }
  for (uint32_t stack : stacks) {
    while (stack < recording.stacks.size() && !stack_used[stack]) {
      stack_used[stack] = true;
      const RecordedStack& recorded = recording.stacks[stack];
      if (recorded.frame < frame_used.size()) frame_used[recorded.frame] = true;
      stack = recorded.parent;
    }
  }
  return frame_used;
}

// Makes the call tree's node of a recorded stack, each stack once per process group.
class TreeBuilder {
 public:
  TreeBuilder(const Recording& recording, FrameLocations& locations, CallTree& tree)
      : recording_(recording),
        locations_(locations),
        tree_(tree),
        node_of_stack_(recording.stacks.size(), kNoIndex),
        group_of_stack_(recording.stacks.size(), kNoIndex) {}

  // `base`: the node that the stack's root frame goes under; `group` is a number of it. Fast when calls come group by
  // group.
  uint32_t node_of(uint32_t stack, uint32_t base, uint32_t group) {
    pending_.clear();
    uint32_t node = base;
    for (; stack < recording_.stacks.size(); stack = recording_.stacks[stack].parent) {
      if (group_of_stack_[stack] == group) {
        node = node_of_stack_[stack];
        break;
      }
      pending_.push_back(stack);
    }
    if (stack == kLostIndex) node = add(node, locations_.lost());
    for (auto each = pending_.rbegin(); each != pending_.rend(); ++each) {
      const auto locations = locations_.of_frame(recording_.stacks[*each].frame);
      for (auto location = locations.rbegin(); location != locations.rend(); ++location) {
        node = tree_.child(node, location->function, location->type);
      }
      node_of_stack_[*each] = node;
      group_of_stack_[*each] = group;
    }
    return node;
  }
  uint32_t add(uint32_t node, uint32_t location) {
    const Location& added = locations_.locations()[location];
    return tree_.child(node, added.function, added.type);
  }

 private:
  const Recording& recording_;
  FrameLocations& locations_;
  CallTree& tree_;
  std::vector<uint32_t> node_of_stack_;
  std::vector<uint32_t> group_of_stack_;
  std::vector<uint32_t> pending_;
};

// The process of a thread; one behind the last for all whose thread or process is unknown.
uint32_t process_of(const Recording& recording, uint32_t thread) {
  const auto lost = static_cast<uint32_t>(recording.processes.size());
  return thread < recording.threads.size() ? std::min(recording.threads[thread].process, lost) : lost;
}

// Indexes of placements, those of one process together, in order of processes.
std::vector<uint32_t> by_process(const Recording& recording, const std::vector<Placement>& placements) {
  std::vector<uint32_t> next(recording.processes.size() + 2, 0);
  for (const Placement& each : placements) ++next[process_of(recording, each.thread) + 1];
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  std::vector<uint32_t> order(placements.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[next[process_of(recording, placements[i].thread)]++] = i;
  return order;
}

void place_all(Profile& profile, FrameLocations& locations, const std::vector<Placement>& placements) {
  const Recording& recording = profile.recording;
  const uint32_t no_stack = locations.special("[no stack]", FrameType::kMarker);
  size_t frames = 1;  // of all stacks, each with its parents' counted once: the tree has no more in one process
  for (const RecordedStack& stack : recording.stacks) frames += locations.of_frame(stack.frame).size();
  profile.tree.reserve(frames);
  TreeBuilder builder(recording, locations, profile.tree);
  const auto place = [&](const Placement& placement, uint32_t base, uint32_t group) {
    const uint32_t stack = placement.stack;
    if (stack < recording.stacks.size()) {
      *placement.node = builder.node_of(stack, base, group);
      *placement.location = locations.first_index_of_frame(recording.stacks[stack].frame);
    } else {
      *placement.location = stack == kNoIndex ? no_stack : locations.lost();
      *placement.node = builder.add(base, *placement.location);
    }
  };
  if (!profile.options.group_by_process) {
    for (const Placement& placement : placements) place(placement, CallTree::kRoot, 0);
    return;
  }
  uint32_t current = kNoIndex;
  uint32_t base = CallTree::kRoot;
  for (const uint32_t i : by_process(recording, placements)) {
    const uint32_t process = process_of(recording, placements[i].thread);
    if (process != current) {
      const bool known = process < recording.processes.size();
      const std::string name =
          known ? recording.processes[process].name() + " [" + std::to_string(recording.processes[process].pid) + "]"
                : "[lost process]";
      base = builder.add(CallTree::kRoot, locations.special(name, FrameType::kProcess));
      current = process;
    }
    place(placements[i], base, process);
  }
}

// What the runtimes keep to themselves is no leak, as `flarestack leaks` has it.
void drop_builtin_suppressions(Profile& profile) {
  RuntimeLeaks of_runtimes(profile);
  for (HeapCell& cell : profile.heap.cells) {
    if (cell.leaked_blocks != 0 && of_runtimes.contain(cell.stack)) cell.leaked_bytes = cell.leaked_blocks = 0;
  }
  std::erase_if(profile.samples, [&](const ProfileSample& sample) { return of_runtimes.contain(sample.stack); });
}

// Drops the samples and cells whose stack --focus and --ignore do not want.
void filter_by_function(Profile& profile, const Patterns& patterns) {
  if (!patterns.focus && !patterns.ignore) return;
  const auto matches = [&functions = profile.functions](const std::optional<Regex>& pattern) {
    std::vector<bool> result(functions.size(), false);
    for (size_t i = 0; i < functions.size() && pattern; ++i) {
      result[i] = functions[i].type != FrameType::kProcess && pattern->found_in(functions[i].name);
    }
    return result;
  };
  const std::vector<bool> focused = matches(patterns.focus);
  const std::vector<bool> ignored = matches(patterns.ignore);
  const auto& nodes = profile.tree.nodes();
  std::vector<bool> has_focus(nodes.size(), !patterns.focus.has_value());
  std::vector<bool> has_ignored(nodes.size(), false);
  for (size_t i = 1; i < nodes.size(); ++i) {
    has_focus[i] = has_focus[nodes[i].parent] || focused[nodes[i].function];
    has_ignored[i] = has_ignored[nodes[i].parent] || ignored[nodes[i].function];
  }
  const auto dropped = [&](const auto& each) { return !has_focus[each.node] || has_ignored[each.node]; };
  std::erase_if(profile.samples, dropped);
  std::erase_if(profile.heap.cells, dropped);
}

}  // namespace

SymbolModule symbol_module(const Profile& profile, uint32_t index) {
  const Module& module = profile.recording.modules[index];
  return {module.id, module.path, module.build_id, profile.bundle.get()};
}

Result<Profile> build_profile(std::shared_ptr<const Recording> shared, const ProfileOptions& options,
                              const SymbolSource& symbols) {
  const Recording& recording = *shared;
  auto patterns = compile_patterns(options);
  if (!patterns) return patterns.error();
  if (is_heap_metric(options.metric) && !recording.has_heap())
    return Error{std::string("--metric ") + metric_name(options.metric) +
                 ": this recording has no heap in it; `flarestack record` without --no-heap records one"};
  const auto selection = Selection::make(recording, options);
  if (!selection) return selection.error();

  Profile profile(std::move(shared));
  profile.options = options;
  SampleChoice choice = choose_samples(recording, *selection, options.metric);
  profile.samples = std::move(choice.samples);
  profile.heap = std::move(choice.heap);

  FrameLocations locations(recording, options);
  const std::vector<Placement> placements = placements_of(profile);
  locations.resolve(frames_in_use(recording, placements, options), symbols);
  place_all(profile, locations, placements);
  const std::vector<ModuleSymbols> modules = locations.modules();
  locations.move_into(profile);
  if (options.metric == Metric::kLeaked) drop_builtin_suppressions(profile);
  filter_by_function(profile, *patterns);
  for (const ProfileSample& sample : profile.samples) profile.tree.add_self(sample.node, sample.value, sample.count);
  profile.tree.sum_totals();
  profile.quality = assess_quality(profile, modules);
  return profile;
}

Result<Profile> build_profile(Recording recording, const ProfileOptions& options, const SymbolSource& symbols) {
  return build_profile(std::make_shared<const Recording>(std::move(recording)), options, symbols);
}

}  // namespace flarestack
