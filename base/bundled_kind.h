// SPDX-License-Identifier: Apache-2.0
// What a file that was packed into a trace is for. Recorder and offline side.
#pragma once

#include <cstdint>

namespace flarestack {

enum class BundledKind : uint8_t {
  kModule = 0,         // program, library or vdso
  kDebugFile = 1,      // of a module
  kSupplementary = 2,  // that dwz moved out of debug files
  kSplitPackage = 3,   // .dwp of a module
  kSplitUnit = 4,      // .dwo of one unit
  kSource = 5,
};

}  // namespace flarestack
