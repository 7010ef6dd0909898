// SPDX-License-Identifier: Apache-2.0
// What bench/heap.py has recorded: programs that allocate, each the same at every run. Its account of itself
// (bench/self_account.h) tells a checksum, and the allocations where it knows them.
//
//   heap_workload tree ROUNDS               builds and drops trees of maps of strings
//   heap_workload json ROUNDS FRAMES        parses a text, below FRAMES frames more
//   heap_workload storm COUNT THREADS       COUNT blocks in all, up to 64 alive in each thread
//   heap_workload handoff COUNT             two threads allocate, two others free; queues of 256 blocks between them
//   heap_workload pairs COUNT               malloc and free, 30 frames deep, three of them new at each pair
//   heap_workload live COUNT BYTES          COUNT blocks of BYTES, all alive
//   heap_workload short THREADS             one after the other, each allocates 10 blocks
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/heap_json.h"
#include "bench/self_account.h"

namespace flarestack::bench {
namespace {

struct Lcg {
  uint32_t state = 1;
  uint32_t next() { return state = state * 1664525 + 1013904223; }
};

struct Node {
  std::map<std::string, std::unique_ptr<Node>> children;
};

[[gnu::noinline]] uint64_t grow(Node& node, unsigned depth, Lcg& random) {
  uint64_t made = 0;
  for (unsigned i = 0; depth != 0 && i < 7; ++i) {
    auto& child = node.children["a long key for the map " + std::to_string(random.next() % 97)];
    if (!child) {
      child = std::make_unique<Node>();
      ++made;
    }
    made += grow(*child, depth - 1, random);
  }
  return made;
}

void grow_trees(SelfAccount& account, uint64_t rounds) {
  Lcg random;
  uint64_t made = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    Node root;
    made += grow(root, 6, random);
  }
  account.add("checksum", static_cast<double>(made));
}

template <typename Function>
[[gnu::noinline]] uint64_t below_frames(unsigned frames, Function&& function) {
  const uint64_t result = frames == 0 ? function() : below_frames(frames - 1, function);
  asm volatile("" : : : "memory");  // no jump instead of a call
  return result;
}

void parse_texts(SelfAccount& account, uint64_t rounds, unsigned frames) {
  const std::string text = make_json();
  account.add("checksum", static_cast<double>(below_frames(frames, [&] {
                uint64_t sum = 0;
                for (uint64_t i = 0; i < rounds; ++i) {
                  sum += JsonParser(text).parse()->weight();
                }
                return sum;
              })));
}

void run_threads(unsigned count, void (*work)(uint64_t, unsigned), uint64_t argument) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back(work, argument, i);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// Allocations with a stack of their own each: a number in three digits chooses three frames.
template <int N>
[[gnu::noinline]] void* allocate_below(unsigned path, unsigned left, size_t size_bytes);

void* allocate_by(unsigned path, unsigned left, size_t size_bytes) {
  static constexpr void* (*kTable[])(unsigned, unsigned, size_t) = {
      allocate_below<0>, allocate_below<1>, allocate_below<2>, allocate_below<3>,
      allocate_below<4>, allocate_below<5>, allocate_below<6>, allocate_below<7>};
  return kTable[path % 8](path / 8, left, size_bytes);
}

template <int N>
void* allocate_below(unsigned path, unsigned left, size_t size_bytes) {
  void* block = left == 0 ? std::malloc(size_bytes) : allocate_by(path, left - 1, size_bytes);
  asm volatile("" : : "i"(N), "r"(block) : "memory");  // no two functions are the same, and none ends in a jump
  return block;
}

// About a thousand different stacks and four sizes, as programs have: of many more heaptrack 1.4's interpreter runs out
// of something and aborts.
void storm(uint64_t count, unsigned seed) {
  void* blocks[64] = {};
  Lcg random{seed};
  for (uint64_t i = 0; i < count; ++i) {
    void*& block = blocks[random.next() >> 26];
    std::free(block);
    block = allocate_by(random.next() >> 24, 2 + (random.next() >> 30), 16u << (random.next() >> 30));
  }
  for (void* block : blocks) {
    std::free(block);
  }
}

void make_storm(SelfAccount& account, uint64_t count, unsigned threads) {
  run_threads(threads, storm, count / threads);
  account.add("allocations", static_cast<double>(count / threads * threads));
}

class BlockQueue {
 public:
  void push(void* block) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return count_ < kMost; });
    blocks_[(first_ + count_++) % kMost] = block;
    if (count_ == 1) {
      changed_.notify_all();
    }
  }
  void* pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return count_ != 0; });
    void* block = blocks_[first_];
    first_ = (first_ + 1) % kMost;
    if (count_-- == kMost) {
      changed_.notify_all();
    }
    return block;
  }

 private:
  static constexpr unsigned kMost = 256;
  std::mutex mutex_;
  std::condition_variable changed_;
  void* blocks_[kMost];
  unsigned first_ = 0, count_ = 0;
};

BlockQueue queues[2];

// Blocks go in batches of 32, chained by their first words, so that the queue is not what takes the time.
void hand_off(uint64_t count, unsigned thread) {
  BlockQueue& queue = queues[thread / 2];
  constexpr unsigned kBatch = 32;
  Lcg random{thread};
  for (uint64_t done = 0; done < count; done += kBatch) {
    if (thread % 2 == 0) {
      void* chain = nullptr;
      for (unsigned i = 0; i < kBatch; ++i) {
        void* block = allocate_by(random.next() >> 24, 3, 16u << (random.next() >> 30));
        *static_cast<void**>(block) = chain;
        chain = block;
      }
      queue.push(chain);
    } else {
      for (void* block = queue.pop(); block != nullptr;) {
        void* next = *static_cast<void**>(block);
        std::free(block);
        block = next;
      }
    }
  }
}

void hand_off_all(SelfAccount& account, uint64_t count) {
  const uint64_t of_producer = count / 64 * 32;
  run_threads(4, hand_off, of_producer);
  account.add("allocations", static_cast<double>(2 * of_producer));
}

void make_pairs(SelfAccount& account, uint64_t count) {
  // main, run and make_pairs are above, three frames and malloc's caller below.
  const uint64_t loop_ns = below_frames(23, [=] {
    const double before_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < count; ++i) {
      std::free(allocate_by(static_cast<unsigned>(i), 2, 64));
    }
    return static_cast<uint64_t>(1e9 * (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before_s));
  });
  account.add("loop_s", static_cast<double>(loop_ns) / 1e9);
  account.add("allocations", static_cast<double>(count));
}

void keep_alive(SelfAccount& account, uint64_t count, size_t size_bytes) {
  void* last = nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    void* block = allocate_by(static_cast<unsigned>(i), 2, size_bytes);
    *static_cast<void**>(block) = last;
    last = block;
  }
  asm volatile("" : : "r"(last) : "memory");
  account.add("allocations", static_cast<double>(count));
}

void short_thread(uint64_t, unsigned seed) {
  for (unsigned i = 0; i < 10; ++i) {
    std::free(allocate_by(seed + i, 3, 100));
  }
}

void make_short_threads(SelfAccount& account, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    std::thread(short_thread, 0, static_cast<unsigned>(i)).join();
  }
  account.add("checksum", static_cast<double>(count));
}

int run(int argc, char** argv) {
  SelfAccount account;
  const std::string mode = argc > 2 ? argv[1] : "";
  const uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const auto second = static_cast<unsigned>(argc > 3 ? std::atoi(argv[3]) : 0);
  if (mode == "tree") {
    grow_trees(account, count);
  } else if (mode == "json" && argc > 3) {
    parse_texts(account, count, second);
  } else if (mode == "storm" && second > 0) {
    make_storm(account, count, second);
  } else if (mode == "handoff") {
    hand_off_all(account, count);
  } else if (mode == "pairs") {
    make_pairs(account, count);
  } else if (mode == "live" && second >= sizeof(void*)) {
    keep_alive(account, count, second);
  } else if (mode == "short") {
    make_short_threads(account, count);
  } else {
    std::fputs(
        "usage: heap_workload tree|handoff|pairs|short COUNT | json ROUNDS FRAMES | storm COUNT THREADS | live COUNT "
        "BYTES\n",
        stderr);
    return 2;
  }
  return account.write();
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
