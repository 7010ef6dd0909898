// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>

#include "base/raw_syscall.h"
#include "tests/unit/unwind/against_libunwind.h"
#include "unwind/code_patterns.h"

// A PLT as lld writes it, and a signal return as musl does: without CFI.
asm(R"(
  .text
  .p2align 4
bare_plt:
  pushq bare_target(%rip)
  jmp *bare_target(%rip)
  .p2align 4
bare_plt_entry:
  jmp *bare_target(%rip)
  pushq $0x12345
  jmp bare_plt_far
  .p2align 4
bare_signal_return:
  mov $15, %rax
  syscall
  .p2align 8
bare_plt_far:
  .skip 256, 0xcc
  .data
bare_target: .quad 0
  .text
)");
extern "C" char bare_plt[], bare_plt_entry[], bare_signal_return[];

namespace flarestack::test {
namespace {

SelfModules* modules = nullptr;
OwnedUnwinder* unwinder = nullptr;
Trace mine;
std::vector<uint64_t> theirs;

[[gnu::noinline]] void compare_here() {
  FLARESTACK_COMPARE_HERE(*unwinder, *modules, mine, theirs);
  asm volatile("" ::: "memory");
}

// The trace of a thread at `code` that has pushed `words` words over the return address to this function.
[[gnu::noinline]] void unwind_at(const char* code, unsigned words) {
  ucontext_t context;
  unw_getcontext(&context);
  theirs = libunwind_trace(&context, AddressKind::kReturnAddress);
  MachineRegisters registers = registers_of(context);
  uint64_t stack[4] = {1, 1, 1, 1};
  stack[words] = registers.value[MachineRegisters::kRip];
  registers.value[MachineRegisters::kRip] = reinterpret_cast<uint64_t>(code);
  registers.value[MachineRegisters::kRsp] = reinterpret_cast<uint64_t>(stack);
  mine.info = (*unwinder)->unwind(registers, AddressKind::kInstruction, modules->snapshot(),
                                  thread_stack_bounds(reinterpret_cast<uint64_t>(stack)));
  mine.addresses.clear();
  for (uint32_t i = mine.info.count; i-- > 0;) {
    mine.addresses.push_back(mine.info.frames[i].address().value);
  }
  asm volatile("" ::: "memory");
}

// As the kernel sees it (Linux arch/x86/include/uapi/asm/signal.h).
struct KernelSigaction {
  void (*handler)(int);
  unsigned long flags;
  char* restorer;
  unsigned long mask;
};
constexpr unsigned long kRestorer = 0x04000000;

}  // namespace

TEST_CASE("a PLT entry without CFI unwinds by what its bytes push") {
  SelfModules m;
  OwnedUnwinder u;
  modules = &m;
  unwinder = &u;
  const struct {
    const char* code;
    unsigned words;
  } places[] = {
      {bare_plt_entry, 0}, {bare_plt_entry + 6, 0}, {bare_plt_entry + 11, 1}, {bare_plt, 1}, {bare_plt + 6, 2}};
  for (const auto& place : places) {
    CAPTURE(place.code - bare_plt);
    unwind_at(place.code, place.words);
    REQUIRE(mine.info.end == UnwindEnd::kRoot);
    REQUIRE_FALSE(mine.info.heuristic);
    REQUIRE(std::vector<uint64_t>(mine.addresses.begin() + 1, mine.addresses.end()) == theirs);
  }
}

TEST_CASE("a signal return without CFI is known by its bytes") {
  SelfModules m;
  OwnedUnwinder u;
  modules = &m;
  unwinder = &u;
  KernelSigaction action = {[](int) { compare_here(); }, kRestorer, bare_signal_return, 0};
  KernelSigaction before = {};
  raw_syscall(SYS_rt_sigaction, SIGUSR2, raw_pointer(&action), raw_pointer(&before), sizeof action.mask);
  raise(SIGUSR2);
  raw_syscall(SYS_rt_sigaction, SIGUSR2, raw_pointer(&before), 0, sizeof action.mask);
  REQUIRE(mine.info.end == UnwindEnd::kRoot);
  REQUIRE_FALSE(mine.info.heuristic);
  // libunwind 1.6.2 takes the trampoline for code with a frame pointer and loses raise() and what it calls.
  REQUIRE(mine.addresses.size() > theirs.size());
  REQUIRE(std::equal(theirs.begin(), theirs.begin() + 2, mine.addresses.begin()));
  REQUIRE(std::equal(theirs.begin() + 2, theirs.end(), mine.addresses.end() - static_cast<long>(theirs.size()) + 2));
  const FrameAddress interrupted = mine.info.frames[mine.info.count - 3];
  REQUIRE(interrupted.kind() == AddressKind::kInstruction);
}

}  // namespace flarestack::test
