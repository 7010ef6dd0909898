// SPDX-License-Identifier: Apache-2.0
// What bench/leaks.py has looked at: a heap of so many blocks when the program ends, of which every thousandth or so is
// lost. How many are, definitely and indirectly, it tells in its account (bench/self_account.h).
//
//   leak_workload tree BLOCKS BYTES     a binary tree whose nodes lie in memory in no order
//   leak_workload map BLOCKS BYTES      a std::map, made in order
//   leak_workload table BLOCKS BYTES    an array of pointers
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "bench/self_account.h"

namespace flarestack::bench {
namespace {

constexpr uint64_t kLostEvery = 1000;

struct Node {
  Node* left;
  Node* right;
};

struct Lost {
  uint64_t definite = 0;
  uint64_t indirect = 0;
};

uint64_t random_below(uint64_t limit) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % limit;
}

// volatile: what holds a block at the end must be in memory, and the rest not in a register.
void* volatile root;

[[gnu::noinline]] Node* allocate(size_t block_bytes) { return static_cast<Node*>(std::calloc(1, block_bytes)); }

// Every kLostEvery-th node of the lower half is cut off, with what is below it.
[[gnu::noinline]] Lost make_tree(uint64_t blocks, size_t block_bytes) {
  std::vector<Node*> nodes(blocks);
  for (auto& node : nodes) node = allocate(block_bytes);
  for (uint64_t i = blocks - 1; i > 0; --i) std::swap(nodes[i], nodes[random_below(i + 1)]);
  Lost lost;
  for (uint64_t i = 0; i < blocks; ++i) {
    for (const uint64_t child : {2 * i + 1, 2 * i + 2}) {
      if (child >= blocks) continue;
      if (child >= blocks / 4 && child % kLostEvery == 0) {
        ++lost.definite;
        for (uint64_t first = 2 * child + 1, count = 2; first < blocks; first = 2 * first + 1, count *= 2) {
          lost.indirect += std::min(count, blocks - first);
        }
        continue;
      }
      (child % 2 == 1 ? nodes[i]->left : nodes[i]->right) = nodes[child];
    }
  }
  root = nodes[0];
  // The memory of the vector is freed, and must hold nothing that somebody could take for a pointer.
  for (auto& node : nodes) node = nullptr;
  asm volatile("" : : "r"(nodes.data()) : "memory");
  return lost;
}

template <size_t kValueBytes>
struct Value {
  char bytes[kValueBytes] = {};
};

[[gnu::noinline]] Lost make_map(uint64_t blocks) {
  // A node of a map has 32 bytes of its own, and the key.
  auto* map = new std::map<uint64_t, Value<88>>;
  Lost lost;
  for (uint64_t i = 0; i < blocks; ++i) {
    map->emplace_hint(map->end(), i, Value<88>());
    if (i % kLostEvery == 0) {
      allocate(128);
      ++lost.definite;
    }
  }
  root = map;
  return lost;
}

[[gnu::noinline]] Lost make_table(uint64_t blocks, size_t block_bytes) {
  auto** table = static_cast<Node**>(std::calloc(blocks, sizeof(Node*)));
  Lost lost;
  for (uint64_t i = 0; i < blocks; ++i) {
    Node* node = allocate(block_bytes);
    if (i % kLostEvery == 0) {
      ++lost.definite;
    } else {
      table[i] = node;
    }
  }
  root = table;
  return lost;
}

int run(int argc, char** argv) {
  SelfAccount account;
  const std::string shape = argc == 4 ? argv[1] : "";
  const uint64_t blocks = argc == 4 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const uint64_t block_bytes = argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 0;
  Lost lost;
  if (shape == "tree" && blocks > 1 && block_bytes >= sizeof(Node)) {
    lost = make_tree(blocks, block_bytes);
  } else if (shape == "map" && block_bytes == 128) {
    lost = make_map(blocks);
  } else if (shape == "table" && block_bytes >= sizeof(Node)) {
    lost = make_table(blocks, block_bytes);
  } else {
    std::fputs("usage: leak_workload tree|map|table BLOCKS BYTES (map: 128)\n", stderr);
    return 2;
  }
  account.add("definite", static_cast<double>(lost.definite));
  account.add("indirect", static_cast<double>(lost.indirect));
  return account.write();
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
