// SPDX-License-Identifier: Apache-2.0
#include "model/scaling_study.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "model/function_table.h"
#include "model/heap_sites.h"
#include "model/heap_summary.h"

namespace flarestack {
namespace {

// What a cost differs by from run to run for reasons of its own: the memory's and the processor's, and the allocator's.
constexpr double kCpuError = 0.03;
constexpr double kHeapError = 0.01;

}  // namespace

ScalingBuilder::ScalingBuilder(std::vector<double> sizes)
    : sizes_(std::move(sizes)), runs_(sizes_.size()), sampled_ns_(sizes_.size()), samples_(sizes_.size()) {}

void ScalingBuilder::add_to(Sums& sums, size_t index, double cost) {
  sums.costs.resize(sizes_.size());
  sums.costs[index] += cost;
}

void ScalingBuilder::add_functions(size_t index, const Profile& cpu) {
  std::set<std::string> programs;
  for (const Process& process : cpu.recording.processes) programs.insert(process.executable);
  for (const FunctionRow& row : function_rows(cpu, 0)) {
    const Function& function = cpu.functions[row.function];
    FunctionSums& sums = functions_[{function.name, programs.contains(function.module_path) ? "" : function.module}];
    sums.module = function.module;
    add_to(sums.self, index, static_cast<double>(row.self));
    add_to(sums.total, index, static_cast<double>(row.total));
  }
}

void ScalingBuilder::add_sites(size_t index, const Profile& heap) {
  for (const HeapSite& site : heap_sites(heap)) {
    if (site.path.empty()) continue;
    const Location& place = heap.locations[site.path[0]];
    const Function& function = heap.functions[place.function];
    SiteSums& sums = sites_[{function.name, heap.files[place.file], place.line}];
    sums.module = function.module;
    add_to(sums.allocated, index, static_cast<double>(site.allocated_bytes));
    add_to(sums.allocations, index, static_cast<double>(site.allocations));
    add_to(sums.peak, index, static_cast<double>(site.peak_bytes));
  }
}

void ScalingBuilder::add(size_t index, const Profile* cpu, const Profile* heap) {
  ++runs_[index];
  if (cpu != nullptr) {
    has_cpu_ = true;
    if (cpu->recording.session.requested_hz != 0)
      asked_quantum_ns_ = 1e9 / static_cast<double>(cpu->recording.session.requested_hz);
    add_to(cpu_, index, static_cast<double>(cpu->total()));
    for (const CallNode& node : cpu->tree.nodes()) {
      if (node.self_count == 0) continue;  // the kernel's account, not sampled
      sampled_ns_[index] += static_cast<double>(node.self);
      samples_[index] += static_cast<double>(node.self_count);
    }
    add_functions(index, *cpu);
  }
  if (heap != nullptr) {
    has_heap_ = true;
    const HeapSummary summary = summarize_heap(*heap);
    add_to(allocated_, index, static_cast<double>(summary.allocated_bytes));
    add_to(allocations_, index, static_cast<double>(summary.allocations));
    add_to(peak_, index, static_cast<double>(summary.peak_bytes));
    add_sites(index, *heap);
  }
}

// `whole`: what the costs are parts of, by size; empty: they are that themselves.
ScaledCost ScalingBuilder::scaled(const Sums& sums, Kind kind, const std::vector<double>& whole) const {
  ScaledCost cost;
  std::vector<CostPoint> points;
  for (size_t i = 0; i < sizes_.size(); ++i) {
    if (runs_[i] == 0) continue;
    const double runs = runs_[i];
    cost.costs.push_back(sums.costs.empty() ? 0 : sums.costs[i] / runs);
    const double quantum_ns = samples_[i] > 0 ? sampled_ns_[i] / samples_[i] : asked_quantum_ns_;
    points.push_back({sizes_[i], cost.costs.back(), kind == Kind::kSampled ? quantum_ns / runs : 0,
                      kind == Kind::kSampled ? kCpuError : kHeapError});
  }
  cost.fit = fit_scaling(points);
  cost.is_worse = !whole.empty() && grows_worse(points, whole);
  return cost;
}

ScalingStudy ScalingBuilder::finish() {
  ScalingStudy study;
  for (size_t i = 0; i < sizes_.size(); ++i) {
    if (runs_[i] == 0) continue;
    study.sizes.push_back(sizes_[i]);
    study.runs.push_back(runs_[i]);
  }
  study.has_cpu = has_cpu_;
  study.has_heap = has_heap_;
  study.cpu = scaled(cpu_, Kind::kSampled, {});
  study.allocated = scaled(allocated_, Kind::kCounted, {});
  study.allocations = scaled(allocations_, Kind::kCounted, {});
  study.peak = scaled(peak_, Kind::kCounted, {});
  for (const auto& [key, sums] : functions_) {
    study.functions.push_back({key.first, sums.module, scaled(sums.self, Kind::kSampled, study.cpu.costs),
                               scaled(sums.total, Kind::kSampled, study.cpu.costs)});
  }
  for (const auto& [key, sums] : sites_) {
    study.sites.push_back({key.function, sums.module, key.file, key.line,
                           scaled(sums.allocated, Kind::kCounted, study.allocated.costs),
                           scaled(sums.allocations, Kind::kCounted, study.allocations.costs),
                           scaled(sums.peak, Kind::kCounted, study.peak.costs)});
  }
  std::stable_sort(study.functions.begin(), study.functions.end(),
                   [](const ScaledFunction& a, const ScaledFunction& b) {
                     return std::tuple(a.self.last(), a.total.last()) > std::tuple(b.self.last(), b.total.last());
                   });
  std::stable_sort(study.sites.begin(), study.sites.end(),
                   [](const ScaledSite& a, const ScaledSite& b) { return a.allocated.last() > b.allocated.last(); });
  return study;
}

}  // namespace flarestack
