// SPDX-License-Identifier: Apache-2.0
// One place of the program unwound by us and by libunwind, from the same registers.
#pragma once

#define UNW_LOCAL_ONLY
#include <pthread.h>
#include <ucontext.h>

#include <vector>

#include <libunwind.h>

#include "tests/unit/unwind/self_modules.h"

namespace flarestack::test {

inline MachineRegisters registers_of(const ucontext_t& context) {
  static constexpr int kOrder[MachineRegisters::kCount] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                                           REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                           REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  MachineRegisters registers;
  for (unsigned i = 0; i < MachineRegisters::kCount; ++i) {
    registers.value[i] = static_cast<uint64_t>(context.uc_mcontext.gregs[kOrder[i]]);
  }
  return registers;
}

// The bounds of the calling thread's stack, if `sp` lies on it; else nothing.
inline StackBounds thread_stack_bounds(uint64_t sp) {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const auto start = reinterpret_cast<uint64_t>(low);
  return sp >= start && sp < start + size ? StackBounds{sp, start + size} : StackBounds{};
}

struct Trace {
  std::vector<uint64_t> addresses;  // leaf first
  StackTrace info;
};

inline Trace our_trace(OwnedUnwinder& unwinder, const SelfModules& modules, const ucontext_t& context,
                       AddressKind kind) {
  const MachineRegisters registers = registers_of(context);
  Trace trace;
  trace.info = unwinder->unwind(registers, kind, modules.snapshot(),
                                thread_stack_bounds(registers.value[MachineRegisters::kRsp]));
  for (uint32_t i = trace.info.count; i-- > 0;) {
    trace.addresses.push_back(trace.info.frames[i].address().value);
  }
  return trace;
}

inline std::vector<uint64_t> libunwind_trace(ucontext_t* context, AddressKind kind) {
  std::vector<uint64_t> addresses;
  unw_cursor_t cursor;
  unw_init_local2(&cursor, context, kind == AddressKind::kInstruction ? UNW_INIT_SIGNAL_FRAME : 0);
  do {
    unw_word_t address = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &address);
    if (address == 0) {
      break;
    }
    addresses.push_back(address);
  } while (unw_step(&cursor) > 0);
  return addresses;
}

// Both traces of the place that calls it. Always inlined, so that the place is the caller's.
#define FLARESTACK_COMPARE_HERE(unwinder, modules, mine, theirs)                             \
  do {                                                                                       \
    ucontext_t compare_context;                                                              \
    unw_getcontext(&compare_context);                                                        \
    (mine) = our_trace((unwinder), (modules), compare_context, AddressKind::kReturnAddress); \
    (theirs) = libunwind_trace(&compare_context, AddressKind::kReturnAddress);               \
  } while (0)

}  // namespace flarestack::test
