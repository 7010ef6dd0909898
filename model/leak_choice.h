// SPDX-License-Identifier: Apache-2.0
// Which records of leak checks count, and whose their blocks are: those of the last check of each process. Offline
// side.
//
// A fork's child begins with all that its parent had live. Such a block is a leak of the child only if the child lost
// it, which a trace does not say: it says what was lost in the child, and what was lost in the parent, each by the last
// look at it. Both name a block by the thread and the stack that allocated it, and no other block of the child's
// parent has both, but those of the same place. So of the inherited blocks of one thread and stack that are lost
// (definitely or indirectly) in the child, as many as are lost in its parent are the parent's, what that had from its
// own parent included; those beyond are the child's.
//
// Which ones these are is not known where there are some of each, since records are sums. A record that the parent has
// as well is the parent's; then blocks of the same verdict are, then others, record by record. At most one record for
// each of these steps is cut, whose bytes are what is left of the parent's sum, within what its smallest and largest
// block allow: exact if all that the parent lost was lost before the fork. The times and sizes of both halves are the
// whole record's. What the parent allocated later than the fork is not counted, where a record has nothing older.
// Hidden is what a child lost of a place where its parent then lost as many others that it had at the fork.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/recording.h"
#include "model/selection.h"

namespace flarestack {

struct LeakAmount {
  uint64_t bytes = 0;  // requested
  uint64_t blocks = 0;
  void add(const LeakAmount& other) {
    bytes += other.bytes;
    blocks += other.blocks;
  }
};

enum class LeakOwner : uint8_t {
  kSelf,       // the process allocated it
  kInherited,  // forked with it, and lost it itself
  kParent,     // forked with it, and has it still, or its parent lost it, or there is no telling
};

struct ChosenLeak {
  uint32_t leak = 0;  // in Recording::leaks
  LeakOwner owner = LeakOwner::kSelf;
  LeakAmount amount;  // of the record's: the rest is another one's
};

// Why there is no telling who lost what a process inherited and what is lost in it.
struct NoParentVerdict {
  uint32_t parent = kNoIndex;  // in Recording::processes, or lost
  std::string reason;          // why there is no verdict of it; a sentence without a full stop
};

struct ChosenLeaks {
  std::vector<ChosenLeak> leaks;
  std::map<uint32_t, NoParentVerdict> no_parent_verdict;  // by process
};

// By process of the recording: the index in Recording::leak_checks of its check with the highest number, or kNoIndex.
std::vector<uint32_t> last_leak_checks(const Recording& recording);

// What these checks found in the chosen processes, allocated by the chosen threads.
// The blocks that a child inherited are of the child's choice alone, a thread of its parent having allocated them.
ChosenLeaks chosen_leaks(const Recording& recording, const Selection& selection);

inline bool is_lost(LeakVerdict verdict) {
  return verdict == LeakVerdict::kDefinitelyLost || verdict == LeakVerdict::kIndirectlyLost;
}

}  // namespace flarestack
