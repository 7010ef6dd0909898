// SPDX-License-Identifier: Apache-2.0
// CallTree: functions under their callers, each with a self and a total value. Built by the model from symbolized
// stacks; a frame is a function of some kind, never an address. Offline side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/index_table.h"

namespace flarestack {

// What a frame of the call tree is. kProcess frames group what one process did and are no functions.
enum class FrameType : uint8_t { kNative, kInlined, kKernel, kJit, kInterpreter, kMarker, kProcess };
const char* frame_type_name(FrameType type);  // "native", "inlined", ...

// A function of one module, or a name that stands for one ("[kernel]"). Two functions of one name and one module are
// the same: compilers make several out of one (foo.constprop.0, inlined copies), and a reader of a report means all.
struct Function {
  std::string name;
  std::string module;                   // base name, empty: none
  std::string module_path;              // empty: none
  std::string file;                     // empty: unknown
  uint32_t line = 0;                    // of its entry, or the lowest one that was sampled; 0: unknown
  FrameType type = FrameType::kNative;  // kInlined: it was never met as a function of its own
  uint64_t entry_offset = 0;            // of its code in the module; 0: unknown
};

struct CallNode {
  uint32_t parent = 0;    // a smaller index; the root is its own parent
  uint32_t function = 0;  // index in the profile's functions; meaningless for the root
  FrameType type = FrameType::kNative;
  uint64_t self = 0;   // of samples whose innermost frame this is
  uint64_t total = 0;  // self and all descendants; valid after sum_totals()
  uint64_t self_count = 0;
};

class CallTree {
 public:
  static constexpr uint32_t kRoot = 0;

  static constexpr uint32_t kListedChildren = 8;

  CallTree();
  // So many nodes, at most or about, are to come.
  void reserve(size_t nodes);
  // The child of `parent` for this function, made when there is none.
  uint32_t child(uint32_t parent, uint32_t function, FrameType type);
  void add_self(uint32_t node, uint64_t value, uint64_t count);
  // Computes the totals and sorts the children; to be called once, when all values are in.
  void sum_totals();

  const std::vector<CallNode>& nodes() const { return nodes_; }
  uint64_t total() const { return nodes_[kRoot].total; }
  // Indexes of the children with a total above zero, by total, heaviest first; borrowed from the tree.
  std::span<const uint32_t> children(uint32_t node) const;

 private:
  std::vector<CallNode> nodes_;
  // How child() finds its way: a node has few children, most often one, and these are found by going through their
  // list, which is where the tree was touched last. Only those of a node with many are in the table.
  struct Links {
    uint32_t first_child = 0;
    uint32_t next_sibling = 0;
    uint32_t children = 0;
  };
  std::vector<Links> links_;
  IndexTable child_index_;             // of the children behind the first kListedChildren
  std::vector<uint32_t> child_begin_;  // of node i in children_; size nodes + 1
  std::vector<uint32_t> children_;
};

// The nodes with a total above zero, without the root: parents before their children, a node's subtree before its next
// sibling, heavier siblings first.
std::vector<uint32_t> depth_first(const CallTree& tree);

// What `function` calls: one tree whose top node is the function, made of the subtrees of its outermost occurrences;
// the top node's total is thus the function's total.
CallTree callees_of(const CallTree& tree, uint32_t function);
// Who calls it: the same top node, and below it callers, callers of callers, ...; values are the function's total.
CallTree callers_of(const CallTree& tree, uint32_t function);

}  // namespace flarestack
