// SPDX-License-Identifier: Apache-2.0
#include "model/code_flow.h"

#include <algorithm>

namespace flarestack {

bool is_slow(const Instruction& instruction) {
  switch (instruction.kind) {
    case InstructionKind::kIntegerDivide:
    case InstructionKind::kFloatDivide:
    case InstructionKind::kFence:
    case InstructionKind::kSystemCall:
    case InstructionKind::kPause:
      return true;
    case InstructionKind::kString:
      return instruction.repeated;
    default:
      return instruction.locked;
  }
}

CodeFlow::CodeFlow(const AnnotatedPiece& piece) : piece_(piece), block_cost_(piece.flow.blocks.size(), 0) {
  for (size_t i = 0; i < piece.code.size(); ++i) block_cost_[piece.flow.block_of[i]] += piece.costs[i].self;
}

std::optional<uint32_t> CodeFlow::before(uint32_t i) const {
  const ControlFlow& flow = piece_.flow;
  const uint32_t block = flow.block_of[i];
  if (i > flow.blocks[block].begin) return i - 1;
  const auto& predecessors = flow.blocks[block].predecessors;
  const uint32_t loop = flow.blocks[block].loop;
  uint32_t first = kNoIndex;
  uint32_t second = kNoIndex;  // by cost
  for (const uint32_t each : predecessors) {
    const bool is_entry = loop != kNoIndex && predecessors.size() > 1 && !flow.in_loop(each, loop);
    if (is_entry) continue;
    if (first == kNoIndex || block_cost_[each] > block_cost_[first]) {
      second = first;
      first = each;
    } else if (second == kNoIndex || block_cost_[each] > block_cost_[second]) {
      second = each;
    }
  }
  const bool clear = first != kNoIndex && (second == kNoIndex || block_cost_[first] > 4 * block_cost_[second]);
  return clear ? std::optional(flow.blocks[first].end - 1) : std::nullopt;
}

std::vector<uint32_t> CodeFlow::writers(uint32_t i, unsigned reg, uint32_t loop) const {
  const ControlFlow& flow = piece_.flow;
  std::vector<uint32_t> result;
  // The last one that writes it in [begin, end).
  const auto search = [&](uint32_t begin, uint32_t end) {
    for (uint32_t each = end; each > begin; --each) {
      if (!piece_.code[each - 1].writes.contains(reg)) continue;
      result.push_back(each - 1);
      return true;
    }
    return false;
  };
  const uint32_t own = flow.block_of[i];
  if (search(flow.blocks[own].begin, i)) return result;
  std::vector<bool> seen(flow.blocks.size(), false);
  std::vector<uint32_t> pending(flow.blocks[own].predecessors);
  while (!pending.empty()) {
    const uint32_t block = pending.back();
    pending.pop_back();
    if (seen[block] || !flow.in_loop(block, loop)) continue;
    seen[block] = true;
    if (search(flow.blocks[block].begin, flow.blocks[block].end)) continue;
    const auto& predecessors = flow.blocks[block].predecessors;
    pending.insert(pending.end(), predecessors.begin(), predecessors.end());
  }
  return result;
}

// What is stored in `loop` to the place that `i` loads from, where the same operand names it and stays the same.
std::vector<uint32_t> CodeFlow::stores_behind(uint32_t i, uint32_t loop) const {
  const Instruction& load = piece_.code[i];
  std::vector<uint32_t> stores;
  if (!load.loads || load.memory.index < registers::kCount || load.memory.base >= registers::kCount) return stores;
  for (const uint32_t block : piece_.flow.loops[loop].blocks) {
    for (uint32_t each = piece_.flow.blocks[block].begin; each < piece_.flow.blocks[block].end; ++each) {
      const Instruction& code = piece_.code[each];
      const bool is_stack = load.memory.base == registers::kRsp || load.memory.base == registers::kRbp;
      if (code.writes.contains(load.memory.base) && !is_stack) return {};
      const bool same = code.stores && code.memory.base == load.memory.base && code.memory.index >= registers::kCount &&
                        (load.data_offset ? code.data_offset == load.data_offset
                                          : code.memory.displacement == load.memory.displacement);
      if (same) stores.push_back(each);
    }
  }
  return stores;
}

void CodeFlow::add_writers(uint32_t i, RegisterSet wanted, uint32_t loop, std::vector<bool>& found,
                           std::vector<uint32_t>& pending) const {
  for (unsigned reg = 0; reg < registers::kCount; ++reg) {
    const bool told = reg != registers::kFlags && reg != registers::kRip && reg != registers::kRsp;
    if (!wanted.contains(reg) || !told) continue;
    for (const uint32_t writer : writers(i, reg, loop)) {
      if (!found[writer]) pending.push_back(writer);
      found[writer] = true;
    }
  }
}

void CodeFlow::add_stores(uint32_t i, uint32_t loop, std::vector<bool>& found, std::vector<uint32_t>& pending) const {
  for (const uint32_t store : stores_behind(i, loop)) {
    if (!found[store]) pending.push_back(store);
    found[store] = true;
  }
}

void CodeFlow::follow(uint32_t loop, std::vector<bool>& found, std::vector<uint32_t>& pending) const {
  while (!pending.empty()) {
    const uint32_t next = pending.back();
    pending.pop_back();
    add_writers(next, piece_.code[next].reads, loop, found, pending);
    add_stores(next, loop, found, pending);
  }
}

std::vector<bool> CodeFlow::sources(uint32_t i, RegisterSet wanted, uint32_t loop) const {
  std::vector<bool> found(piece_.code.size(), false);
  std::vector<uint32_t> pending;
  add_writers(i, wanted, loop, found, pending);
  follow(loop, found, pending);
  return found;
}

std::vector<bool> CodeFlow::all_sources(uint32_t i, uint32_t loop) const {
  std::vector<bool> found(piece_.code.size(), false);
  std::vector<uint32_t> pending;
  add_writers(i, piece_.code[i].reads, loop, found, pending);
  add_stores(i, loop, found, pending);
  follow(loop, found, pending);
  return found;
}

// The load whose result `i` uses and that ran shortly before it, or that is right before it.
std::optional<uint32_t> CodeFlow::load_behind(uint32_t i) const {
  RegisterSet wanted = piece_.code[i].reads;
  std::optional<uint32_t> each = before(i);
  for (unsigned distance = 1; distance <= kSkidWindow && each; ++distance, each = before(*each)) {
    const Instruction& earlier = piece_.code[*each];
    if (earlier.is_call() || *each == i) return std::nullopt;
    if (earlier.loads && (distance == 1 || earlier.writes.meets(wanted))) return each;
    wanted.remove(earlier.writes);
  }
  return std::nullopt;
}

uint32_t CodeFlow::culprit(uint32_t i) const {
  if (is_slow(piece_.code[i])) return i;
  std::optional<uint32_t> each = before(i);
  for (unsigned distance = 1; distance <= kSkidWindow && each; ++distance, each = before(*each)) {
    if (is_slow(piece_.code[*each])) return *each;
    if (piece_.code[*each].is_call() || *each == i) break;
  }
  return load_behind(i).value_or(i);
}

std::vector<uint64_t> CodeFlow::due_costs() const {
  std::vector<uint64_t> due(piece_.code.size(), 0);
  for (uint32_t i = 0; i < piece_.code.size(); ++i) {
    const uint64_t cost = piece_.is_own[i] ? piece_.costs[i].self : 0;
    if (cost != 0) due[culprit(i)] += cost;
  }
  return due;
}

}  // namespace flarestack
