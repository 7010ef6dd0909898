// SPDX-License-Identifier: Apache-2.0
#include "model/selection.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace flarestack {
namespace {

// The number that `text` is from end to end, or -1.
int32_t whole_number(const std::string& text) {
  int32_t number = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() ? number : -1;
}

bool is_process(const Process& process, const std::string& wanted) {
  return process.name() == wanted || process.executable == wanted || process.pid == whole_number(wanted);
}

bool is_thread(const Thread& thread, const std::string& wanted) {
  return thread.name == wanted || thread.tid == whole_number(wanted);
}

// "no KIND 'WANTED' in this recording; it has A (1), B (2) and 5 more".
Error no_such(const std::string& kind, const std::string& wanted, const std::vector<std::string>& present) {
  constexpr size_t kShown = 8;
  std::string message = "no " + kind + " '" + wanted + "' in this recording";
  for (size_t i = 0; i < std::min(present.size(), kShown); ++i) message += (i == 0 ? "; it has " : ", ") + present[i];
  if (present.size() > kShown) message += " and " + std::to_string(present.size() - kShown) + " more";
  return Error{message};
}

// Those of that name or path, and what is nested in them.
std::vector<bool> regions_named(const Recording& recording, const std::string& wanted) {
  std::vector<bool> chosen(recording.regions.size(), false);
  std::vector<std::string> paths(recording.regions.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    const RecordedRegion& region = recording.regions[i];
    if (region.kind != RegionKind::kRegion) continue;
    paths[i] =
        region.parent < i && !paths[region.parent].empty() ? paths[region.parent] + "/" + region.name : region.name;
    chosen[i] = region.name == wanted || paths[i] == wanted || (region.parent < i && chosen[region.parent]);
  }
  return chosen;
}

}  // namespace

Result<Selection> Selection::make(const Recording& recording, const ProfileOptions& options) {
  Selection selection;
  selection.whole_time_ = !options.from_ns && !options.to_ns;
  if (options.from_ns) selection.from_ns_ = *options.from_ns;
  if (options.to_ns) selection.to_ns_ = *options.to_ns;

  std::vector<std::string> names;
  if (!options.region.empty()) {
    selection.region_chosen_ = regions_named(recording, options.region);
    if (std::count(selection.region_chosen_.begin(), selection.region_chosen_.end(), true) == 0) {
      for (const RecordedRegion& region : recording.regions) {
        if (region.kind == RegionKind::kRegion && std::find(names.begin(), names.end(), region.name) == names.end())
          names.push_back(region.name);
      }
      return no_such("region", options.region, names);
    }
  }
  std::vector<bool> process_chosen(recording.processes.size(), options.process.empty());
  for (size_t i = 0; i < recording.processes.size() && !options.process.empty(); ++i) {
    const Process& process = recording.processes[i];
    if (is_process(process, options.process)) process_chosen[i] = true;
    names.push_back(process.name() + " (" + std::to_string(process.pid) + ")");
  }
  if (!options.process.empty() && std::find(process_chosen.begin(), process_chosen.end(), true) == process_chosen.end())
    return no_such("process", options.process, names);

  selection.process_chosen_ = process_chosen;
  selection.process_chosen_.push_back(options.process.empty());
  const bool everything = options.process.empty() && options.thread.empty();
  selection.thread_chosen_.assign(recording.threads.size() + 1, everything);
  names.clear();
  bool any_thread = everything;
  for (size_t i = 0; i < recording.threads.size() && !everything; ++i) {
    const Thread& thread = recording.threads[i];
    const bool in_process =
        thread.process < process_chosen.size() ? process_chosen[thread.process] : options.process.empty();
    if (!in_process) continue;
    names.push_back(thread.name + " (" + std::to_string(thread.tid) + ")");
    if (!options.thread.empty() && !is_thread(thread, options.thread)) continue;
    selection.thread_chosen_[i] = any_thread = true;
  }
  if (!any_thread && !options.thread.empty()) return no_such("thread", options.thread, names);
  return selection;
}

double Selection::part_of(int64_t slice_start_ns, int64_t slice_length_ns) const {
  if (whole_time_) return 1;
  const int64_t start_ns = std::max(slice_start_ns, from_ns_);
  const int64_t end_ns = std::min(slice_start_ns + slice_length_ns, to_ns_);
  if (start_ns > end_ns || (start_ns == end_ns && slice_length_ns != 0)) return 0;
  if (slice_length_ns == 0) return 1;
  return static_cast<double>(end_ns - start_ns) / static_cast<double>(slice_length_ns);
}

}  // namespace flarestack
