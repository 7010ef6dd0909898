// SPDX-License-Identifier: Apache-2.0
// The part of LiveProfile that tells what it has summed up.
#include <algorithm>

#include <fmt/format.h>

#include "model/live_profile.h"

namespace flarestack {
namespace {

double per_second(uint64_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

}  // namespace

// Up to which all is in the trace.
int64_t LiveProfile::now_ns() const {
  const Recording& recording = builder_.so_far();
  const auto told_ns = static_cast<int64_t>(recording.counter("recorded_ns"));
  return told_ns != 0 ? told_ns : recording.duration_ns;
}

int64_t LiveProfile::begin_of_window() const {
  return std::max(whole_since_ns_, (now_ns() / bucket_ns_ - kBuckets) * bucket_ns_);
}

void LiveProfile::Sums::add(const Sums& other) {
  const auto add_flow = [](Flow& sum, const Flow& more) {
    sum.allocations += more.allocations;
    sum.allocated_bytes += more.allocated_bytes;
    sum.deallocations += more.deallocations;
    sum.deallocated_bytes += more.deallocated_bytes;
  };
  time_ns += other.time_ns;
  cpu_ns += other.cpu_ns;
  samples += other.samples;
  add_flow(flow, other.flow);
  for (const auto& [function, cost] : other.functions) {
    FunctionCost& sum = functions[function];
    sum.self_ns += cost.self_ns;
    sum.total_ns += cost.total_ns;
    sum.samples += cost.samples;
  }
  for (const auto& [site, site_flow] : other.sites) add_flow(sites[site], site_flow);
  for (const auto& [thread, use] : other.threads) {
    threads[thread].cpu_ns += use.cpu_ns;
    add_flow(threads[thread].flow, use.flow);
  }
}

LiveProfile::Sums LiveProfile::window() const {
  Sums sums;
  const int64_t first = begin_of_window() / bucket_ns_;
  for (const Bucket& bucket : buckets_) {
    if (bucket.index >= first) sums.add(bucket.sums);
  }
  return sums;
}

LiveView LiveProfile::view() const {
  const Recording& recording = builder_.so_far();
  LiveView view;
  for (const std::string& word : recording.session.command) view.command += (view.command.empty() ? "" : " ") + word;
  for (const Process& process : recording.processes) {
    const bool ended = process.end.kind != ExitKind::kUnknown && process.end.kind != ExitKind::kStillRunning;
    view.processes.push_back({process.pid, process.name(), ended});
    if (!process.no_agent_reason.empty()) {
      view.notes.push_back(fmt::format("process {} is sampled from outside, without its heap, since {}", process.pid,
                                       process.no_agent_reason));
    }
  }
  view.recorded_ns = now_ns();
  view.whole_ns = std::max<int64_t>(view.recorded_ns - whole_since_ns_, 0);
  view.now_ns = std::max<int64_t>(view.recorded_ns - begin_of_window(), 0);
  view.has_cpu = recording.session.clock != ClockKind::kNone;
  view.has_heap = recording.session.heap != HeapMode::kNone;
  view.is_wall_clock = recording.session.wall_clock;
  view.is_heap_sampled = recording.session.heap == HeapMode::kSampled;
  const Sums now = window();
  const double seconds = static_cast<double>(view.now_ns) / 1e9;
  view.total_ns = whole_.time_ns;
  view.now_total_ns = now.time_ns;
  view.now_samples = now.samples;
  for (const RecordedSample& sample : waiting_samples_) view.nameless_ns += sample.weight_ns;
  view.cpu = per_second(now.cpu_ns, seconds) / 1e9;
  for (const ProcessHeap& heap : heaps_) {
    view.live_bytes += heap.live_bytes;
    view.live_blocks += heap.live_blocks;
    view.peak_bytes += heap.peak_bytes;
  }
  view.allocations_per_s = per_second(now.flow.allocations, seconds);
  view.allocated_bytes_per_s = per_second(now.flow.allocated_bytes, seconds);
  view.growth_bytes_per_s = view.allocated_bytes_per_s - per_second(now.flow.deallocated_bytes, seconds);
  fill_functions(now, view);
  fill_sites(now, seconds, view);
  fill_threads(now, seconds, view);
  fill_quality(view);
  return view;
}

void LiveProfile::fill_functions(const Sums& now, LiveView& view) const {
  view.functions.reserve(whole_.functions.size());
  for (const auto& [id, cost] : whole_.functions) {
    LiveFunction row;
    row.id = id;
    row.function = &names_.functions()[id];
    row.self_ns = cost.self_ns;
    row.total_ns = cost.total_ns;
    if (const auto found = now.functions.find(id); found != now.functions.end()) {
      row.now_self_ns = found->second.self_ns;
      row.now_total_ns = found->second.total_ns;
    }
    view.functions.push_back(row);
  }
}

void LiveProfile::fill_sites(const Sums& now, double seconds, LiveView& view) const {
  for (uint32_t id = 0; id < sites_.size(); ++id) {
    const Site& site = sites_[id];
    const auto flow = now.sites.find(id);
    const auto whole = whole_.sites.find(id);
    if (site.live_blocks == 0 && flow == now.sites.end() && whole == whole_.sites.end()) continue;
    const Location& place = names_.locations()[site.place];
    LiveSite row;
    row.id = id;
    row.function = &names_.functions()[place.function];
    row.file = names_.files()[place.file];
    row.line = place.line;
    row.live_bytes = site.live_bytes;
    row.live_blocks = site.live_blocks;
    if (whole != whole_.sites.end()) row.allocations = whole->second.allocations;
    if (flow != now.sites.end()) {
      row.allocations_per_s = per_second(flow->second.allocations, seconds);
      row.allocated_bytes_per_s = per_second(flow->second.allocated_bytes, seconds);
      row.growth_bytes_per_s = row.allocated_bytes_per_s - per_second(flow->second.deallocated_bytes, seconds);
    }
    view.sites.push_back(std::move(row));
  }
}

void LiveProfile::fill_threads(const Sums& now, double seconds, LiveView& view) const {
  const Recording& recording = builder_.so_far();
  for (uint32_t id = 0; id < recording.threads.size(); ++id) {
    const Thread& thread = recording.threads[id];
    LiveThread row;
    row.id = id;
    row.tid = thread.tid;
    row.name = thread.name;
    if (thread.process < recording.processes.size()) row.pid = recording.processes[thread.process].pid;
    if (const auto whole = whole_.threads.find(id); whole != whole_.threads.end()) {
      row.cpu_ns = whole->second.cpu_ns;
      row.allocations = whole->second.flow.allocations;
    }
    if (const auto use = now.threads.find(id); use != now.threads.end()) {
      row.cpu = per_second(use->second.cpu_ns, seconds) / 1e9;
      row.allocations_per_s = per_second(use->second.flow.allocations, seconds);
      row.allocated_bytes_per_s = per_second(use->second.flow.allocated_bytes, seconds);
    }
    view.threads.push_back(std::move(row));
  }
}

void LiveProfile::fill_quality(LiveView& view) const {
  const Recording& recording = builder_.so_far();
  view.samples = recording.counter("samples");
  view.samples_dropped = recording.counter("samples_dropped") + recording.counter("outside_samples_lost");
  view.stacks_truncated = recording.counter("stacks_truncated") + recording.counter("heap_stacks_truncated");
  view.heap_events = recording.counter("heap_events");
  view.heap_events_lost = recording.counter("heap_events_lost");
  const uint64_t unsampled = recording.counter("threads_without_agent") + recording.counter("threads_without_slot") +
                             recording.counter("threads_without_timer");
  if (unsampled != 0) view.notes.push_back(fmt::format("{} threads are not sampled", unsampled));
  if (recording.counter("samples") != 0 && recording.counter("damaged_records") != 0) {
    view.notes.push_back(
        fmt::format("{} records of the program made no sense and were left out", recording.counter("damaged_records")));
  }
  if (!recording.unrecorded.empty()) {
    view.notes.push_back(fmt::format("{} processes of it are not recorded; the first: {}", recording.unrecorded.size(),
                                     recording.unrecorded.front().reason));
  }
  for (const Note& note : recording.notes) view.notes.push_back(note.text);
}

}  // namespace flarestack
