// SPDX-License-Identifier: Apache-2.0
#include "model/heap_functions.h"

#include <algorithm>
#include <map>

namespace flarestack {

std::vector<FunctionHeap> heap_by_function(const Profile& profile) {
  std::vector<FunctionHeap> functions(profile.functions.size());
  for (const HeapCell& cell : profile.heap.cells) {
    if (cell.kind != MemoryKind::kHeap || cell.node == CallTree::kRoot) continue;
    FunctionHeap& function = functions[profile.tree.nodes()[cell.node].function];
    function.allocations += cell.allocations;
    function.allocated_bytes += cell.allocated_bytes;
    function.temporary += cell.temporary;
    function.peak_bytes += cell.peak_bytes;
    function.peak_blocks += cell.peak_blocks;
    function.live_bytes += cell.live_bytes;
    function.live_blocks += cell.live_blocks;
    function.leaked_bytes += cell.leaked_bytes;
    function.leaked_blocks += cell.leaked_blocks;
  }
  return functions;
}

std::vector<MappedPath> mapped_paths(const Profile& profile) {
  std::map<uint32_t, MappedPath> by_node;
  for (const HeapCell& cell : profile.heap.cells) {
    if (cell.kind != MemoryKind::kMapped) continue;
    MappedPath& path = by_node[cell.node];
    path.node = cell.node;
    path.allocations += cell.allocations;
    path.allocated_bytes += cell.allocated_bytes;
    path.live_bytes += cell.live_bytes;
  }
  std::vector<MappedPath> paths;
  for (const auto& [node, path] : by_node) {
    if (path.allocated_bytes != 0 || path.live_bytes != 0) paths.push_back(path);
  }
  std::stable_sort(paths.begin(), paths.end(), [](const MappedPath& a, const MappedPath& b) {
    return std::max(a.allocated_bytes, a.live_bytes) > std::max(b.allocated_bytes, b.live_bytes);
  });
  return paths;
}

uint64_t level_bytes(Metric metric, const FunctionHeap& function) {
  if (metric == Metric::kLeaked) return function.leaked_bytes;
  return metric == Metric::kPeak ? function.peak_bytes : function.live_bytes;
}

uint64_t level_blocks(Metric metric, const FunctionHeap& function) {
  if (metric == Metric::kLeaked) return function.leaked_blocks;
  return metric == Metric::kPeak ? function.peak_blocks : function.live_blocks;
}

}  // namespace flarestack
