// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"
#include "tests/unit/unwind/odd_frames.h"

// The numbers of .cfi_escape are DW_CFA_* and DW_OP_*, see unwind/dwarf_constants.h.
asm(R"(
  .text
  .globl odd_cfa_in_rbx
  .type odd_cfa_in_rbx, @function
odd_cfa_in_rbx:
  .cfi_startproc
  push %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset rbx, -16
  mov %rsp, %rbx
  .cfi_def_cfa_register rbx
  and $-64, %rsp
  sub $64, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  mov %rbx, %rsp
  .cfi_def_cfa_register rsp
  pop %rbx
  .cfi_def_cfa_offset 8
  .cfi_restore rbx
  ret
  .cfi_endproc
  .size odd_cfa_in_rbx, .-odd_cfa_in_rbx

  .globl odd_cfa_in_r12
  .type odd_cfa_in_r12, @function
odd_cfa_in_r12:
  .cfi_startproc
  push %r12
  .cfi_def_cfa_offset 16
  .cfi_offset r12, -16
  mov %rsp, %r12
  .cfi_def_cfa_register r12
  push %rbx
  .cfi_offset rbx, -24
  push %rbp
  .cfi_offset rbp, -32
  and $-32, %rsp
  xor %ebp, %ebp
  xor %ebx, %ebx
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  lea -16(%r12), %rsp
  pop %rbp
  .cfi_restore rbp
  pop %rbx
  .cfi_restore rbx
  .cfi_def_cfa rsp, 16
  pop %r12
  .cfi_def_cfa_offset 8
  .cfi_restore r12
  ret
  .cfi_endproc
  .size odd_cfa_in_r12, .-odd_cfa_in_r12

  .globl odd_cfa_deref
  .type odd_cfa_deref, @function
odd_cfa_deref:
  .cfi_startproc
  mov %rsp, %rax
  .cfi_def_cfa_register rax
  sub $56, %rsp
  mov %rax, 24(%rsp)
  .cfi_escape 0x0f, 0x05, 0x77, 0x18, 0x06, 0x23, 0x08
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  mov 24(%rsp), %rsp
  .cfi_def_cfa rsp, 8
  ret
  .cfi_endproc
  .size odd_cfa_deref, .-odd_cfa_deref

  .globl odd_saved_by_expression
  .type odd_saved_by_expression, @function
odd_saved_by_expression:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_escape 0x10, 0x06, 0x02, 0x77, 0x00
  .cfi_escape 0x10, 0x10, 0x03, 0x08, 0x08, 0x1c
  xor %ebp, %ebp
  sub $32, %rsp
  .cfi_def_cfa_offset 48
  .cfi_escape 0x10, 0x06, 0x02, 0x77, 0x20
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  add $32, %rsp
  .cfi_def_cfa_offset 16
  .cfi_escape 0x10, 0x06, 0x02, 0x77, 0x00
  pop %rbp
  .cfi_def_cfa_offset 8
  .cfi_restore rbp
  ret
  .cfi_endproc
  .size odd_saved_by_expression, .-odd_saved_by_expression

  .globl odd_value_rules
  .type odd_value_rules, @function
odd_value_rules:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  push %r13
  .cfi_def_cfa_offset 24
  .cfi_escape 0x05, 0x0d, 0x03
  mov %rbp, %r13
  .cfi_register rbp, r13
  .cfi_escape 0x14, 0x07, 0x00
  .cfi_escape 0x16, 0x0e, 0x02, 0x7e, 0x00
  .cfi_escape 0x2e, 0x10
  mov %rsp, %rbp
  sub $8, %rsp
  .cfi_def_cfa_offset 32
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  add $8, %rsp
  .cfi_def_cfa_offset 24
  mov %r13, %rbp
  .cfi_same_value rbp
  pop %r13
  .cfi_def_cfa_offset 16
  .cfi_restore r13
  pop %rbp
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
  .size odd_value_rules, .-odd_value_rules

  .globl odd_arithmetic
  .type odd_arithmetic, @function
odd_arithmetic:
  .cfi_startproc
  sub $40, %rsp
  # breg7 0; (((6 * 7 + 6) ^ 0) | 0) & 0xff = 48, twice negated and inverted, shifted forth and back, divided and
  # multiplied, swapped, rotated and picked; the jumps leave it alone.
  .cfi_escape 0x0f, 59, 0x77, 0x00
  .cfi_escape 0x36, 0x37, 0x1e, 0x36, 0x22, 0x30, 0x27, 0x30, 0x21, 0x08, 0xff, 0x1a
  .cfi_escape 0x1f, 0x1f, 0x20, 0x20, 0x1f, 0x19, 0x33, 0x24, 0x32, 0x25, 0x31, 0x26
  .cfi_escape 0x09, 0xfd, 0x1b, 0x09, 0xfd, 0x1e
  .cfi_escape 0x12, 0x13, 0x14, 0x15, 0x01, 0x17, 0x13, 0x13
  .cfi_escape 0x30, 0x28, 0x03, 0x00, 0x2f, 0x02, 0x00, 0x31, 0x22
  .cfi_escape 0x31, 0x28, 0x01, 0x00, 0x1f
  .cfi_escape 0x0a, 0x64, 0x00, 0x1d
  .cfi_escape 0x22
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  add $40, %rsp
  .cfi_def_cfa rsp, 8
  ret
  .cfi_endproc
  .size odd_arithmetic, .-odd_arithmetic

  .globl odd_remember
  .type odd_remember, @function
odd_remember:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset rbp, -16
  sub $32, %rsp
  .cfi_def_cfa_offset 48
  test %rdi, %rdi
  .cfi_remember_state
  je 1f
  push %rax
  .cfi_def_cfa_offset 56
  .cfi_remember_state
  push %rax
  .cfi_def_cfa_offset 64
  pop %rax
  .cfi_restore_state
  pop %rax
  .cfi_restore_state
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
1:
  add $32, %rsp
  .cfi_def_cfa_offset 16
  pop %rbp
  .cfi_def_cfa_offset 8
  .cfi_restore rbp
  ret
  .cfi_endproc
  .size odd_remember, .-odd_remember

  .globl odd_undefined_rbp
  .type odd_undefined_rbp, @function
odd_undefined_rbp:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_undefined rbp
  xor %ebp, %ebp
  sub $32, %rsp
  .cfi_def_cfa_offset 48
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  add $32, %rsp
  .cfi_def_cfa_offset 16
  pop %rbp
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
  .size odd_undefined_rbp, .-odd_undefined_rbp

  .globl odd_no_cfi
  .type odd_no_cfi, @function
odd_no_cfi:
  push %rbp
  mov %rsp, %rbp
  sub $32, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  leave
  ret
  .size odd_no_cfi, .-odd_no_cfi
)");

namespace flarestack::test {
namespace {

struct OddPlace {
  SelfModules modules;
  OwnedUnwinder unwinder;
  Trace mine;
  std::vector<uint64_t> theirs;

  static void compare(void* self) {
    auto& place = *static_cast<OddPlace*>(self);
    FLARESTACK_COMPARE_HERE(place.unwinder, place.modules, place.mine, place.theirs);
    asm volatile("" ::: "memory");
  }
};

using OddFunction = void (*)(Callback, void*);

// A caller whose own CFA is in rbp, so that a lost rbp shows.
[[gnu::noinline]] void through(OddFunction function, void (*then)(void*), void* place) {
  auto* memory = static_cast<volatile char*>(__builtin_alloca(reinterpret_cast<uintptr_t>(place) % 64 + 16));
  memory[0] = 1;
  function(then, place);
  asm volatile("" ::"r"(memory) : "memory");
}

void nested_in_rbx(void* place) { through(odd_cfa_in_rbx, OddPlace::compare, place); }
void nested_in_deref(void* place) { through(odd_cfa_deref, nested_in_rbx, place); }

}  // namespace

TEST_CASE("frames with odd CFI unwind as libunwind does, and to the same callers") {
  const OddFunction functions[] = {odd_remember,   odd_cfa_in_rbx,          odd_cfa_in_r12,
                                   odd_cfa_deref,  odd_saved_by_expression, odd_arithmetic,
                                   odd_value_rules};
  std::vector<uint64_t> callers;
  for (size_t i = 0; i < std::size(functions); ++i) {
    CAPTURE(i);
    OddPlace p;
    for (int round = 0; round < 3; ++round) {
      through(functions[i], OddPlace::compare, &p);
      REQUIRE(p.mine.addresses == p.theirs);
      REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
      REQUIRE_FALSE(p.mine.info.heuristic);
      const std::vector<uint64_t> below(p.mine.addresses.begin() + 2, p.mine.addresses.end());
      callers = callers.empty() ? below : callers;
      REQUIRE(below == callers);
      REQUIRE(callers.size() > 5);
      through(functions[i], nested_in_deref, &p);
      REQUIRE(p.mine.addresses == p.theirs);
      REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
    }
    REQUIRE(p.mine.info.kept > 5);
  }
}

TEST_CASE("a frame without CFI is taken for one with a frame pointer, and the trace is marked") {
  OddPlace p;
  through(odd_no_cfi, OddPlace::compare, &p);
  REQUIRE(p.mine.addresses == p.theirs);
  REQUIRE(p.mine.info.heuristic);
  through(odd_no_cfi, nested_in_deref, &p);  // and needs rbx below it
  REQUIRE(p.mine.addresses == p.theirs);
  REQUIRE(p.mine.info.heuristic);
  through(odd_remember, OddPlace::compare, &p);
  REQUIRE(p.mine.addresses == p.theirs);
  REQUIRE_FALSE(p.mine.info.heuristic);
}

TEST_CASE("a caller that needs an rbp which the CFI gives up ends the trace, not the process") {
  OddPlace p;
  through(odd_undefined_rbp, OddPlace::compare, &p);
  REQUIRE(p.mine.info.end == UnwindEnd::kNoCode);
  REQUIRE(p.mine.info.count == 3);
}

}  // namespace flarestack::test
