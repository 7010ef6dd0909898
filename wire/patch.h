// SPDX-License-Identifier: Apache-2.0
// How inline hooks get into a target (docs/inline-hooks.md): on the connection of its Hello (wire/handshake.h), or on
// one of its own, the agent sends a PatchRequest; the recorder answers with a PatchReply and, as a sealed memfd
// (SCM_RIGHTS), the plan, which the agent carries out; it says how that went (PatchOutcome) and closes. Both sides.
//
//   plan:  0                   +------------------------------+
//                              | PatchPlanHeader              |
//          24                  +------------------------------+
//                              | PlannedArea [area_count]     |  memory to map, and what goes into it
//                              +------------------------------+
//                              | PlannedPatch [patch_count]   |  jumps over entries, and pointers to them
//                              +------------------------------+
//                              | code of the areas            |
//          size_bytes          +------------------------------+
#pragma once

#include <cstdint>

#include "wire/handshake.h"
#include "wire/hook_shape.h"

namespace flarestack {

inline constexpr uint32_t kMaxPatchAreas = 32;
inline constexpr uint32_t kMaxPatches = 2048;  // of one process, over its life
inline constexpr uint32_t kMaxPlanBytes = 1 << 20;

// A function of libc's that is no allocator's, and the agent's function that stands in front of it.
struct HookedFunction {
  char name[24];  // zero-terminated
  uint64_t hook;
};
inline constexpr uint32_t kMaxHookedFunctions = 48;

struct PatchRequest {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  uint32_t function_count;
  uint64_t module_address;          // any address of the one module's code that is asked about; 0: all modules
  uint64_t hooks[kHookShapeCount];  // the agent's function for each HookShape; 0: such entries are left alone
  HookedFunction functions[kMaxHookedFunctions];
  char secret[kSessionSecretLength];
};
static_assert(sizeof(PatchRequest) == 40 + 8 * kHookShapeCount + 32 * kMaxHookedFunctions);

struct PatchReply {
  uint64_t magic;
  uint32_t version;
  uint32_t size_bytes;  // of the plan; 0: there is nothing to patch, and no descriptor
};
static_assert(sizeof(PatchReply) == 16);

struct PatchOutcome {
  uint64_t magic;
  uint32_t version;
  uint32_t patched;      // entries
  uint32_t changed;      // entries left alone, since they do not hold the bytes of their file
  uint32_t failed;       // entries left alone for `error`
  int32_t error_number;  // the first errno; 0: none
  uint32_t reserved;
  char secret[kSessionSecretLength];
};
static_assert(sizeof(PatchOutcome) == 48);

struct PatchPlanHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t size_bytes;  // of the whole plan
  uint32_t area_count;
  uint32_t patch_count;
};
static_assert(sizeof(PatchPlanHeader) == 24);

struct PlannedArea {
  uint64_t address;      // free when the recorder looked; page-aligned
  uint32_t size_bytes;   // whole pages
  uint32_t code_offset;  // from the beginning of the plan
  uint32_t code_bytes;
  uint32_t reserved;
};
static_assert(sizeof(PlannedArea) == 24);

// A jump over a function's entry, or an address in a table by which the function is called.
struct PlannedPatch {
  uint64_t address;             // what is written to
  uint64_t function_address;    // by which the function is known from now on: its entry (`address`), or the stub
  uint64_t trampoline_address;  // stands for the function
  uint32_t area;                // that it needs
  uint16_t expected_bytes;
  uint16_t written_bytes;  // no more than are expected
  uint8_t expected[24];    // what must be at `address`
  uint8_t written[8];      // what is written there

  bool is_jump() const { return address == function_address; }
};
static_assert(sizeof(PlannedPatch) == 64);

}  // namespace flarestack
