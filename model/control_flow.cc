// SPDX-License-Identifier: Apache-2.0
#include "model/control_flow.h"

#include <algorithm>

namespace flarestack {
namespace {

// What a file that is made to be hostile may cost; a compiler's output stays far below.
constexpr size_t kMostGuessedEdges = 1'000'000;
constexpr size_t kMostLoopBlocks = 4'000'000;  // in all loops together; beyond, the rest of the loops is left out

std::vector<bool> leaders_of(std::span<const Instruction> code) {
  std::vector<bool> leads(code.size(), false);
  for (size_t i = 0; i < code.size(); ++i) {
    if (i == 0) leads[i] = true;
    if (!code[i].is_jump() && !code[i].ends_flow()) continue;
    if (i + 1 < code.size()) leads[i + 1] = true;
    if (!code[i].target || !code[i].is_jump()) continue;
    const uint32_t target = instruction_at(code, *code[i].target);
    if (target != kNoIndex && code[target].module_offset == *code[i].target) leads[target] = true;
  }
  return leads;
}

void connect(ControlFlow& flow, uint32_t from, uint32_t to) {
  auto& successors = flow.blocks[from].successors;
  if (std::find(successors.begin(), successors.end(), to) != successors.end()) return;
  successors.push_back(to);
  flow.blocks[to].predecessors.push_back(from);
}

void add_edges(std::span<const Instruction> code, ControlFlow& flow) {
  std::vector<uint32_t> indirect;
  for (uint32_t i = 0; i < flow.blocks.size(); ++i) {
    const Instruction& last = code[flow.blocks[i].end - 1];
    if (!last.ends_flow() && i + 1 < flow.blocks.size()) connect(flow, i, i + 1);
    if (last.kind == InstructionKind::kIndirectJump) indirect.push_back(i);
    if (!last.is_jump() || !last.target) continue;
    const uint32_t target = instruction_at(code, *last.target);
    if (target != kNoIndex && code[target].module_offset == *last.target) connect(flow, i, flow.block_of[target]);
  }
  if (indirect.empty()) return;
  std::vector<uint32_t> unreached;
  for (uint32_t i = 1; i < flow.blocks.size(); ++i) {
    if (flow.blocks[i].predecessors.empty()) unreached.push_back(i);
  }
  if (indirect.size() * unreached.size() > kMostGuessedEdges) indirect.resize(1);
  for (const uint32_t from : indirect) {
    for (const uint32_t to : unreached) {
      flow.blocks[from].successors.push_back(to);
      flow.blocks[to].predecessors.push_back(from);
    }
  }
}

// Blocks in reverse postorder from the entry; what nothing leads to is not among them.
std::vector<uint32_t> reverse_postorder(const ControlFlow& flow) {
  struct Visit {
    uint32_t block;
    size_t next;
  };
  std::vector<uint32_t> order;
  std::vector<bool> seen(flow.blocks.size(), false);
  std::vector<Visit> path = {{0, 0}};
  seen[0] = true;
  while (!path.empty()) {
    Visit& visit = path.back();
    const auto& successors = flow.blocks[visit.block].successors;
    if (visit.next == successors.size()) {
      order.push_back(visit.block);
      path.pop_back();
      continue;
    }
    const uint32_t next = successors[visit.next++];
    if (!seen[next]) {
      seen[next] = true;
      path.push_back({next, 0});
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

class Dominators {
 public:
  explicit Dominators(const ControlFlow& flow)
      : rank_(flow.blocks.size(), kNoIndex), parent_(flow.blocks.size(), kNoIndex) {
    const std::vector<uint32_t> order = reverse_postorder(flow);
    for (uint32_t i = 0; i < order.size(); ++i) rank_[order[i]] = i;
    parent_[0] = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 1; i < order.size(); ++i) {
        uint32_t common = kNoIndex;
        for (const uint32_t each : flow.blocks[order[i]].predecessors) {
          if (parent_[each] != kNoIndex) common = common == kNoIndex ? each : intersection(common, each);
        }
        changed |= parent_[order[i]] != common;
        parent_[order[i]] = common;
      }
    }
  }
  bool dominates(uint32_t upper, uint32_t lower) const {
    if (parent_[lower] == kNoIndex) return false;
    while (rank_[lower] > rank_[upper]) lower = parent_[lower];
    return lower == upper;
  }

 private:
  uint32_t intersection(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (rank_[a] > rank_[b]) a = parent_[a];
      while (rank_[b] > rank_[a]) b = parent_[b];
    }
    return a;
  }
  std::vector<uint32_t> rank_;
  std::vector<uint32_t> parent_;
};

// All that reaches the origins of edges back to `header` without passing it.
std::vector<uint32_t> body_of(const ControlFlow& flow, uint32_t header, std::vector<uint32_t> origins) {
  std::vector<uint32_t> body = {header};
  std::vector<bool> inside(flow.blocks.size(), false);
  inside[header] = true;
  while (!origins.empty()) {
    const uint32_t block = origins.back();
    origins.pop_back();
    if (inside[block]) continue;
    inside[block] = true;
    body.push_back(block);
    const auto& predecessors = flow.blocks[block].predecessors;
    origins.insert(origins.end(), predecessors.begin(), predecessors.end());
  }
  std::sort(body.begin(), body.end());
  return body;
}

void find_loops(ControlFlow& flow) {
  const Dominators dominators(flow);
  size_t loop_blocks = 0;
  for (uint32_t header = 0; header < flow.blocks.size() && loop_blocks < kMostLoopBlocks; ++header) {
    std::vector<uint32_t> origins;
    for (const uint32_t each : flow.blocks[header].predecessors) {
      if (dominators.dominates(header, each)) origins.push_back(each);
    }
    if (origins.empty()) continue;
    flow.loops.push_back({header, body_of(flow, header, origins)});
    loop_blocks += flow.blocks.size() / 64 + flow.loops.back().blocks.size();
  }
  std::stable_sort(flow.loops.begin(), flow.loops.end(),
                   [](const Loop& a, const Loop& b) { return a.blocks.size() < b.blocks.size(); });
  for (uint32_t i = 0; i < flow.loops.size(); ++i) {
    for (const uint32_t block : flow.loops[i].blocks) {
      uint32_t& innermost = flow.blocks[block].loop;
      if (innermost == kNoIndex) {
        innermost = i;
        continue;
      }
      uint32_t outermost = innermost;
      while (flow.loops[outermost].parent != kNoIndex && flow.loops[outermost].parent != i)
        outermost = flow.loops[outermost].parent;
      if (outermost != i) flow.loops[outermost].parent = i;
      flow.loops[i].innermost = false;
    }
  }
}

}  // namespace

bool ControlFlow::in_loop(uint32_t block, uint32_t loop) const {
  uint32_t each = blocks[block].loop;
  while (each != kNoIndex && each != loop) each = loops[each].parent;
  return each != kNoIndex;
}

ControlFlow control_flow(std::span<const Instruction> code) {
  ControlFlow flow;
  if (code.empty()) return flow;
  const std::vector<bool> leads = leaders_of(code);
  flow.block_of.resize(code.size());
  for (uint32_t i = 0; i < code.size(); ++i) {
    if (leads[i]) flow.blocks.push_back({i, i, {}, {}, kNoIndex});
    flow.blocks.back().end = i + 1;
    flow.block_of[i] = static_cast<uint32_t>(flow.blocks.size() - 1);
  }
  add_edges(code, flow);
  find_loops(flow);
  return flow;
}

uint32_t instruction_at(std::span<const Instruction> code, uint64_t module_offset) {
  const auto after =
      std::upper_bound(code.begin(), code.end(), module_offset,
                       [](uint64_t offset, const Instruction& each) { return offset < each.module_offset; });
  if (after == code.begin() || module_offset >= (after - 1)->end()) return kNoIndex;
  return static_cast<uint32_t>(after - code.begin() - 1);
}

}  // namespace flarestack
