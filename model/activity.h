// SPDX-License-Identifier: Apache-2.0
// What kind of work, or of waiting, a program has a library or the kernel do for it, by the names of the functions
// there. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"
#include "model/stack_place.h"

namespace flarestack {

enum class Activity : uint8_t {
  kOwn,  // none of those below: the place's own code, and what of libraries has no name here
  kAllocation,
  kCopying,
  kText,
  kFormatting,
  kStreams,
  kTree,
  kHashTable,
  kSorting,
  kRegex,
  kExceptions,
  kReferenceCounts,
  kDynamicCast,
  kLocking,
  kMathematics,
  kClock,
  kLoading,
  kSystemCalls,
  kKernel,       // page faults and interrupts: no system call is known
  kKernelAlone,  // in the kernel, and nobody knows for which function
  kRecording,    // what flarestack itself costs
  // Waiting:
  kWaitForLock,
  kWaitForCondition,
  kWaitInSleep,
  kWaitForDisk,
  kWaitForNetwork,
  kWaitForEvents,
  kWaitForChild,
  kWaitForThread,
  kWaitForInput,
  kWaitForProcessor,
  kWaitOther,
};
inline constexpr size_t kActivities = static_cast<size_t>(Activity::kWaitOther) + 1;

struct ActivityText {
  const char* id;      // "cpu.allocation", "wait.lock": stable, for scripts
  const char* title;   // "memory allocation"
  const char* why;     // a sentence
  const char* remedy;  // what to try; a sentence
};
const ActivityText& activity_text(Activity kind);

struct ActivityAt {
  Activity kind = Activity::kOwn;
  uint32_t location = kNoIndex;  // in Profile::locations: the function that says so, as close to the place as there is
};

class ActivityFinder {
 public:
  explicit ActivityFinder(const Profile& profile);

  // What the frames further in than a stack's place are for: the outermost one that has a name here, since printf that
  // allocates is formatting.
  ActivityAt find(const StackPlace& place, bool is_waiting);

 private:
  ActivityAt working(const StackPlace& place);
  ActivityAt waiting(const StackPlace& place);
  const Function& function_at(uint32_t location) const {
    return profile_.functions[profile_.locations[location].function];
  }

  const Profile& profile_;
  std::vector<Activity> work_;  // by function, once it was looked up; else kWaitOther
  std::vector<Activity> wait_;  // the same; else kOwn
};

}  // namespace flarestack
