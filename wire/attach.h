// SPDX-License-Identifier: Apache-2.0
// How the agent enters a process that runs already (docs/attach.md). Whoever attaches maps the agent's file there, and
// has one thread of the process call its entry point (e_entry), with a pointer to an AttachRequest in the process's own
// memory, once for each step. Both sides.
#pragma once

#include <cstdint>

#include "wire/patch.h"
#include "wire/session.h"

namespace flarestack {

enum class AttachStep : uint32_t {
  // While the other threads run: connects to the recorder, maps the session's region, and says what is to be hooked.
  kPrepare = 1,
  // While all other threads stand still, none of them within the bytes that the plan displaces: writes the jumps, tells
  // of the modules, enters the threads and arms them.
  kEnter = 2,
  // While all other threads stand still: takes the jumps out and the timers down, and says whose mask is to be closed
  // again.
  kLeave = 3,
  // Between kPrepare and kEnter, while the other threads run: maps the areas of the plan of the inline hooks, which the
  // recorder has made and put into the process. No entry is changed. Again with another plan where `outcome` has an
  // error.
  kHook = 4,
};

enum class AttachResult : uint32_t {
  kDone = 1,
  kOtherVersion = 2,  // the agent that is there is of another version
  kRecorded = 3,      // by another recorder, which lives
  kNoSession = 4,     // the recorder was not reached, or refused
  kNoMemory = 5,
  kBusy = 6,           // the loader's list is being changed, or an earlier recording written: try again
  kNoPreparation = 7,  // kHook or kEnter without kPrepare, kLeave without kEnter
  kNoHandler = 8,      // the kernel refused the signal's handler
  kNoLoader = 9,       // neither a loader that tells of modules nor a static program
  kGo = 10,            // whose runtime has signals and stacks of its own
};

// What a static program has no loader's tables for, or what those do not say; found in its file from outside.
inline constexpr const char* kProgramFunctions[] = {"pthread_create",
                                                    "pthread_attr_getstacksize",
                                                    "pthread_attr_getsigmask_np",
                                                    "fork",
                                                    "sigaction",
                                                    "pthread_sigmask",
                                                    "sigaltstack",
                                                    "sigpending",
                                                    "prctl",
                                                    "syscall",
                                                    "mmap",
                                                    "munmap",
                                                    "mremap",
                                                    "brk",
                                                    "sbrk"};
inline constexpr uint32_t kProgramFunctionCount = sizeof(kProgramFunctions) / sizeof(kProgramFunctions[0]);

struct AttachProgram {
  uint32_t is_static;    // the executable, the vdso and the agent are all that there is
  uint32_t is_starting;  // not an attach: none of the program's own code has run
  uint32_t lacks_cfi;    // a static program of musl, whose code has none where it starts programs and threads
  uint32_t has_names;    // a static program with a symbol table: what is not among its functions it does not call
  uint64_t eh_frame;     // runtime address of the executable's section; 0: none, or it is not known
  uint64_t eh_frame_bytes;
  uint64_t cleanup;  // of a static program: the code by which its allocator frees what it keeps for a thread that ends;
  uint64_t cleanup_bytes;                     // what that calls is nothing of the program's
  uint64_t functions[kProgramFunctionCount];  // of a static program, runtime addresses; 0: it has none of this name
};
static_assert(sizeof(AttachProgram) == 48 + 8 * kProgramFunctionCount);

struct AttachThread {
  int32_t tid;              // to the process itself
  uint32_t signal_blocked;  // the program has our signal blocked, and it was opened
  uint64_t thread_pointer;
  uint64_t stack_pointer;
  uint64_t stack_low;  // bounds of its stack; 0, 0: unknown
  uint64_t stack_high;
};
static_assert(sizeof(AttachThread) == 40);

struct AttachRequest {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  AttachStep step;
  char session_value[64];  // as the session variable has it
  char agent_path[4096];   // of the agent's file, for exec'd images
  uint32_t thread_count;
  AttachResult result;            // written by the agent
  uint64_t notification_address;  // after kPrepare: of the loader's function that is replaced (r_debug::r_brk); 0: none
  AttachProgram program;          // kPrepare
  PatchRequest hooks;             // after kPrepare: but for the secret
  uint64_t plan_address;          // for kHook: of the PatchPlanHeader (wire/patch.h), the agent's from then on
  uint32_t plan_bytes;
  uint32_t signal;                   // after kLeave: the one for samples
  PatchOutcome outcome;              // after kHook, of the areas alone: but for the secret
  AttachThread threads[kSlotCount];  // kEnter; after kLeave, by their tids: those that believe the signal blocked
};

}  // namespace flarestack
