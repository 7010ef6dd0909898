// SPDX-License-Identifier: Apache-2.0
// Can an image load the preloaded agent? Asked before an exec, by the recorder for the program it launches and by the
// agent for what the program executes: where the answer is no, LD_PRELOAD is left out, so that no loader complains on
// the program's stderr, and the process is listed with the reason.
#pragma once

#include <cstdint>

namespace flarestack {

enum class LoadVerdict : uint32_t {
  kLoadable = 0,
  kNotFound = 1,     // or not readable: the exec itself will say so
  kStatic = 2,       // no program interpreter
  kOther32Bit = 3,   // not an x86-64 ELF file
  kOtherLibc = 4,    // another loader than glibc's
  kSetuid = 5,       // the loader ignores LD_PRELOAD when privileges are raised
  kNoSession = 6,    // could load the agent, which could not reach the recorder
  kAgentHidden = 7,  // its loader would not find the agent's file
  kNoRoom = 8,       // too little memory is left to it
  kTraced = 9,       // a debugger, which sees every signal, follows it
};

// Looks at `path`, following #! lines up to four times as the kernel does. Uses raw system calls and 1 KiB of stack.
// [signal]
LoadVerdict check_loadable(const char* path);

// "statically linked" and so on.
const char* load_verdict_text(LoadVerdict verdict);

}  // namespace flarestack
