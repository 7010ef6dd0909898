// SPDX-License-Identifier: Apache-2.0
#include "model/profile.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "model/frame_locations.h"
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

// The frames of all stacks that some chosen sample has.
std::vector<bool> frames_in_use(const Recording& recording, const std::vector<ProfileSample>& chosen,
                                const std::vector<uint32_t>& stack_of_sample) {
  std::vector<bool> stack_used(recording.stacks.size(), false);
  std::vector<bool> frame_used(recording.frames.size(), false);
  for (size_t i = 0; i < chosen.size(); ++i) {
    uint32_t stack = stack_of_sample[i];
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

// The process of a sample; one behind the last for all samples whose thread or process is unknown.
uint32_t process_of(const Recording& recording, const ProfileSample& sample) {
  const auto lost = static_cast<uint32_t>(recording.processes.size());
  return sample.thread < recording.threads.size() ? std::min(recording.threads[sample.thread].process, lost) : lost;
}

// Indexes of samples, those of one process together, in order of processes.
std::vector<uint32_t> by_process(const Recording& recording, const std::vector<ProfileSample>& samples) {
  std::vector<uint32_t> next(recording.processes.size() + 2, 0);
  for (const ProfileSample& sample : samples) ++next[process_of(recording, sample) + 1];
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  std::vector<uint32_t> order(samples.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[next[process_of(recording, samples[i])]++] = i;
  return order;
}

void place_samples(Profile& profile, FrameLocations& locations, const std::vector<uint32_t>& stack_of_sample) {
  const Recording& recording = profile.recording;
  const uint32_t no_stack = locations.special("[no stack]", FrameType::kMarker);
  TreeBuilder builder(recording, locations, profile.tree);
  const auto place = [&](uint32_t i, uint32_t base, uint32_t group) {
    ProfileSample& sample = profile.samples[i];
    const uint32_t stack = stack_of_sample[i];
    if (stack < recording.stacks.size()) {
      sample.node = builder.node_of(stack, base, group);
      sample.location = locations.first_index_of_frame(recording.stacks[stack].frame);
    } else {
      sample.location = stack == kNoIndex ? no_stack : locations.lost();
      sample.node = builder.add(base, sample.location);
    }
  };
  if (!profile.options.group_by_process) {
    for (uint32_t i = 0; i < profile.samples.size(); ++i) place(i, CallTree::kRoot, 0);
    return;
  }
  uint32_t current = kNoIndex;
  uint32_t base = CallTree::kRoot;
  for (const uint32_t i : by_process(recording, profile.samples)) {
    const uint32_t process = process_of(recording, profile.samples[i]);
    if (process != current) {
      const bool known = process < recording.processes.size();
      const std::string name =
          known ? recording.processes[process].name() + " [" + std::to_string(recording.processes[process].pid) + "]"
                : "[lost process]";
      base = builder.add(CallTree::kRoot, locations.special(name, FrameType::kProcess));
      current = process;
    }
    place(i, base, process);
  }
}

// Drops the samples whose stack --focus and --ignore do not want.
void filter_by_function(Profile& profile, const std::vector<Function>& functions, const Patterns& patterns) {
  if (!patterns.focus && !patterns.ignore) return;
  const auto matches = [&functions](const std::optional<Regex>& pattern) {
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
  std::erase_if(profile.samples,
                [&](const ProfileSample& sample) { return !has_focus[sample.node] || has_ignored[sample.node]; });
}

}  // namespace

const char* metric_name(Metric metric) { return metric == Metric::kCpu ? "cpu" : "wall"; }
const char* metric_unit(Metric) { return "ns"; }

Result<Profile> build_profile(Recording recording, const ProfileOptions& options, const SymbolSource& symbols) {
  auto patterns = compile_patterns(options);
  if (!patterns) return patterns.error();
  const auto selection = Selection::make(recording, options);
  if (!selection) return selection.error();

  Profile profile;
  profile.options = options;
  std::vector<uint32_t> stack_of_sample;
  profile.samples.reserve(recording.samples.size());
  stack_of_sample.reserve(recording.samples.size());
  for (const RecordedSample& sample : recording.samples) {
    const ProfileSample chosen = selection->apply(sample);
    if (chosen.value == 0 && chosen.count == 0) continue;
    profile.samples.push_back(chosen);
    stack_of_sample.push_back(sample.stack);
  }
  profile.recording = std::move(recording);

  FrameLocations locations(profile.recording, options);
  locations.resolve(frames_in_use(profile.recording, profile.samples, stack_of_sample), symbols);
  place_samples(profile, locations, stack_of_sample);
  filter_by_function(profile, locations.functions(), *patterns);
  for (const ProfileSample& sample : profile.samples) profile.tree.add_self(sample.node, sample.value, sample.count);
  profile.tree.sum_totals();
  const std::vector<ModuleSymbols> modules = locations.modules();
  locations.move_into(profile);
  profile.quality = assess_quality(profile, modules);
  return profile;
}

}  // namespace flarestack
