// SPDX-License-Identifier: Apache-2.0
// Functions written by hand are hooked where they lie, called, and must do what they did before.
#include "profiler/inline_hook.h"

#include <cstdint>
#include <string>

#include "tests/unit/profiler/hook_maker.h"

// Each function NAME lies between NAME and NAME_end; the bytes up to NAME_next are its own or padding.
asm(R"(
    .pushsection .data
  hooked_number: .quad 40
  hooked_pointer: .quad hooked_return_address
    .popsection
    .pushsection .text
    .macro function name
    .p2align 4
    .globl \name, \name\()_end, \name\()_next
  \name:
    .endm
    .macro finish name
  \name\()_end:
    .p2align 4
  \name\()_next:
    .endm

    function hooked_return_address
    mov (%rsp), %rax
    ret
    finish hooked_return_address

    function hooked_rip_load
    mov hooked_number(%rip), %rax
    add %rdi, %rax
    ret
    finish hooked_rip_load

    function hooked_rip_immediate
    cmpl $40, hooked_number(%rip)
    sete %al
    movzbl %al, %eax
    add %rdi, %rax
    ret
    finish hooked_rip_immediate

    function hooked_short_branch
    test %rdi, %rdi
    je 1f
    lea 1(%rdi), %rax
    ret
  1:
    mov $77, %eax
    ret
    finish hooked_short_branch

    function hooked_long_branch
    test %rdi, %rdi
    .byte 0x0f, 0x84
    .long 1f - . - 4
    lea 1(%rdi), %rax
    ret
  1:
    mov $77, %eax
    ret
    finish hooked_long_branch

    function hooked_tail_jump
    .byte 0xe9
    .long hooked_rip_load - . - 4
    .globl hooked_tail_jump_close
  hooked_tail_jump_close:
    ret
    finish hooked_tail_jump

    function hooked_short_jump
    jmp 1f
    finish hooked_short_jump
  1:
    lea 9(%rdi), %rax
    ret

    function hooked_prologue
    push %rbp
    mov %rsp, %rbp
    push %rbx
    sub $24, %rsp
    mov %rdi, -24(%rbp)
    mov -24(%rbp), %rbx
    lea 3(%rbx,%rbx), %rax
    add $24, %rsp
    pop %rbx
    pop %rbp
    ret
    finish hooked_prologue

    function hooked_bare_return
    ret
    finish hooked_bare_return

    function hooked_endbr_return
    .byte 0xf3, 0x0f, 0x1e, 0xfa
    ret
    finish hooked_endbr_return

    function hooked_call
    sub $8, %rsp
    .byte 0xe8
    .long hooked_return_address - . - 4
    .globl hooked_call_behind
  hooked_call_behind:
    add $8, %rsp
    ret
    finish hooked_call

    function hooked_call_through
    push %rbx
    call *hooked_pointer(%rip)
    .globl hooked_call_through_behind
  hooked_call_through_behind:
    pop %rbx
    ret
    finish hooked_call_through

    function hooked_recursion
    test %rdi, %rdi
    je 1f
    push %rdi
    dec %rdi
    call hooked_recursion
    pop %rdi
    add %rdi, %rax
    ret
  1:
    xor %eax, %eax
    ret
    finish hooked_recursion

    function hooked_four
    lea (%rdi,%rsi), %rax
    add %rdx, %rax
    add %rcx, %rax
    ret
    finish hooked_four
    .popsection
)");

#define FUNCTION_OF_ASM(name) extern "C" const uint8_t name[], name##_end[], name##_next[]
FUNCTION_OF_ASM(hooked_return_address);
FUNCTION_OF_ASM(hooked_rip_load);
FUNCTION_OF_ASM(hooked_rip_immediate);
FUNCTION_OF_ASM(hooked_short_branch);
FUNCTION_OF_ASM(hooked_long_branch);
FUNCTION_OF_ASM(hooked_tail_jump);
FUNCTION_OF_ASM(hooked_short_jump);
FUNCTION_OF_ASM(hooked_prologue);
FUNCTION_OF_ASM(hooked_bare_return);
FUNCTION_OF_ASM(hooked_endbr_return);
FUNCTION_OF_ASM(hooked_call);
FUNCTION_OF_ASM(hooked_call_through);
FUNCTION_OF_ASM(hooked_recursion);
FUNCTION_OF_ASM(hooked_four);
extern "C" const uint8_t hooked_tail_jump_close[], hooked_call_behind[], hooked_call_through_behind[];

namespace flarestack {
namespace {

uint64_t hook_calls = 0;
uint64_t (*plain_original)(uint64_t) = nullptr;

using One = uint64_t (*)(uint64_t);
uint64_t hook_one(uint64_t a, One original) {
  ++hook_calls;
  return original(a);
}
uint64_t hook_plain(uint64_t a) {
  ++hook_calls;
  return plain_original(a);
}
// What the arguments were, in the decimal digits of the result, and the original's beyond them.
uint64_t hook_two(uint64_t a, uint64_t b, uint64_t (*original)(uint64_t, uint64_t, uint64_t, uint64_t)) {
  return 10 * a + b + 1'000'000 * original(a, b, 0, 0);
}
uint64_t hook_three(uint64_t a, uint64_t b, uint64_t c, uint64_t (*original)(uint64_t, uint64_t, uint64_t, uint64_t)) {
  return 100 * a + 10 * b + c + 1'000'000 * original(a, b, c, 0);
}
uint64_t hook_four(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t (*original)(uint64_t, uint64_t, uint64_t, uint64_t)) {
  return 1000 * a + 100 * b + 10 * c + d + 1'000'000 * original(a, b, c, d);
}

template <typename Function>
uint64_t address_of(Function* function) {
  return reinterpret_cast<uint64_t>(function);
}

struct AsmFunction {
  const uint8_t* start;
  const uint8_t* end;
  const uint8_t* next;
  uint64_t address() const { return address_of(start); }
  FunctionCode code() const { return {{start, next}, static_cast<size_t>(end - start)}; }
  One callable() const { return reinterpret_cast<One>(address()); }
};
#define ASM_FUNCTION(name) \
  AsmFunction { name, name##_end, name##_next }

std::string reason(std::vector<uint8_t> bytes, size_t size_bytes = 0, size_t room_bytes = SIZE_MAX) {
  const Result<DisplacedEntry> displaced = displace_entry({bytes, size_bytes, room_bytes});
  return displaced.ok() ? "none" : displaced.error().message;
}

}  // namespace

TEST_CASE("a hooked function does what it did, through its hook") {
  const std::pair<const char*, AsmFunction> functions[] = {
      {"a load relative to the program counter", ASM_FUNCTION(hooked_rip_load)},
      {"the same with an immediate behind it", ASM_FUNCTION(hooked_rip_immediate)},
      {"a short branch", ASM_FUNCTION(hooked_short_branch)},
      {"a long branch", ASM_FUNCTION(hooked_long_branch)},
      {"a short jump and padding", ASM_FUNCTION(hooked_short_jump)},
      {"a prologue", ASM_FUNCTION(hooked_prologue)},
      {"a tail jump", ASM_FUNCTION(hooked_tail_jump)},
  };
  for (const auto& [what, function] : functions) {
    INFO(what);
    const One call = function.callable();
    const uint64_t before[] = {call(0), call(1), call(1000)};
    hook_calls = 0;
    const HookedFunction hooked(function.address(), function.code(), address_of(hook_one), 1);
    CHECK(call(0) == before[0]);
    CHECK(call(1) == before[1]);
    CHECK(call(1000) == before[2]);
    CHECK(hook_calls == 3);
  }
}

TEST_CASE("a jump of exactly five bytes is hooked although a function begins right behind it") {
  hook_calls = 0;
  const HookedFunction hooked(address_of(hooked_tail_jump), {{hooked_tail_jump, hooked_tail_jump_close}, 5},
                              address_of(hook_one), 1);
  CHECK(reinterpret_cast<One>(address_of(hooked_tail_jump))(2) == 42);
  CHECK(hook_calls == 1);
}

TEST_CASE("a function that only returns is hooked where padding follows") {
  for (const AsmFunction& function : {ASM_FUNCTION(hooked_bare_return), ASM_FUNCTION(hooked_endbr_return)}) {
    hook_calls = 0;
    const HookedFunction hooked(function.address(), function.code(), address_of(hook_one), 1);
    function.callable()(1);
    CHECK(hook_calls == 1);
  }
}

TEST_CASE("a displaced call returns into the function, never into the trampoline") {
  hook_calls = 0;
  const HookedFunction hooked(address_of(hooked_call), ASM_FUNCTION(hooked_call).code(), address_of(hook_one), 1);
  CHECK(ASM_FUNCTION(hooked_call).callable()(0) == address_of(hooked_call_behind));
  const AsmFunction through = ASM_FUNCTION(hooked_call_through);
  const HookedFunction hooked_too(through.address(), through.code(), address_of(hook_one), 1);
  CHECK(through.callable()(0) == address_of(hooked_call_through_behind));
  CHECK(hook_calls == 2);
}

TEST_CASE("a function that calls itself is hooked at each call") {
  hook_calls = 0;
  const AsmFunction function = ASM_FUNCTION(hooked_recursion);
  const HookedFunction hooked(function.address(), function.code(), address_of(hook_one), 1);
  CHECK(function.callable()(4) == 10);
  CHECK(hook_calls == 5);
}

TEST_CASE("the trampoline is the argument behind the function's own") {
  const AsmFunction function = ASM_FUNCTION(hooked_four);
  const auto call = reinterpret_cast<uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t)>(function.address());
  {
    const HookedFunction hooked(function.address(), function.code(), address_of(hook_two), 2);
    CHECK(call(1, 2, 0, 0) == 3'000'012);
  }
  {
    const HookedFunction hooked(function.address(), function.code(), address_of(hook_three), 3);
    CHECK(call(1, 2, 3, 0) == 6'000'123);
  }
  {
    const HookedFunction hooked(function.address(), function.code(), address_of(hook_four), 4);
    CHECK(call(1, 2, 3, 4) == 10'001'234);
  }
  CHECK(call(1, 2, 3, 4) == 10);
}

TEST_CASE("a plain hook is given the function's arguments alone") {
  hook_calls = 0;
  const AsmFunction function = ASM_FUNCTION(hooked_prologue);
  const HookedFunction hooked(function.address(), function.code(), address_of(hook_plain), std::nullopt);
  plain_original = reinterpret_cast<One>(hooked.trampoline());
  CHECK(function.callable()(5) == 13);
  CHECK(hook_calls == 1);
}

TEST_CASE("each of the sixteen conditions survives") {
  auto* memory = static_cast<uint8_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (uint8_t condition = 0; condition < 16; ++condition) {
    // cmp %rsi, %rdi; jcc 1f; xor %eax, %eax; ret; 1: mov $1, %eax; ret
    const uint8_t code[] = {
        0x48, 0x39, 0xf7, static_cast<uint8_t>(0x70 | condition), 0x03, 0x31, 0xc0, 0xc3, 0xb8, 1, 0, 0, 0, 0xc3};
    std::memcpy(memory, code, sizeof(code));
    const auto call = reinterpret_cast<uint64_t (*)(uint64_t, uint64_t)>(address_of(memory));
    const std::pair<uint64_t, uint64_t> inputs[] = {{1, 2},          {2, 1},          {3, 3},          {UINT64_MAX, 1},
                                                    {1, UINT64_MAX}, {1ULL << 63, 1}, {0, 1ULL << 63}, {7, 4}};
    std::vector<uint64_t> before;
    for (const auto& [left, right] : inputs) {
      before.push_back(call(left, right));
    }
    const auto pass = +[](uint64_t a, uint64_t b, uint64_t (*original)(uint64_t, uint64_t)) { return original(a, b); };
    const HookedFunction hooked(address_of(memory), {{memory, sizeof(code)}, sizeof(code)}, address_of(pass), 2);
    for (size_t i = 0; i < before.size(); ++i) {
      INFO("condition " << int{condition} << ", input " << i);
      CHECK(call(inputs[i].first, inputs[i].second) == before[i]);
    }
  }
  munmap(memory, 4096);
}

TEST_CASE("what cannot be displaced is refused, with the reason") {
  // A function behind the byte: ret, then another function's first byte.
  CHECK(reason({0xc3, 0x53, 0x53, 0x53, 0x53, 0x53, 0xc3}, 1) == "it is shorter than a jump, and no padding follows");
  CHECK(reason({0xc3, 0x90, 0x90}, 1) == "it is shorter than a jump, and another function begins behind it");
  CHECK(reason({0x53, 0x5b, 0x90, 0x90, 0x90, 0x90}, 2) == "it is shorter than a jump, and no padding follows");
  // A place with a name within the displaced bytes, and one behind them, past which a branch comes back.
  CHECK(reason({0x53, 0x48, 0xff, 0xcf, 0x48, 0xff, 0xcf, 0x5b, 0xc3}, 9, 5) ==
        "another function begins within its first instructions");
  CHECK(reason({0x53, 0x48, 0xff, 0xcf, 0x90, 0x75, 0xfa, 0x5b, 0xc3}, 9, 5) == "`jne 1` leads back into its entry");
  // push %rbx; 1: dec %rdi; nop; jne 1b; pop %rbx; ret
  CHECK(reason({0x53, 0x48, 0xff, 0xcf, 0x90, 0x75, 0xfa, 0x5b, 0xc3}) == "`jne 1` leads back into its entry");
  // 1: dec %rdi; nop; nop; jne 1b; ret
  CHECK(reason({0x48, 0xff, 0xcf, 0x90, 0x90, 0x75, 0xf9, 0xc3}) == "`jne 0` leads back into its entry");
  // test %edi, %edi; je over the next displaced one; nop; ret
  CHECK(reason({0x85, 0xff, 0x74, 0x00, 0x90, 0xc3}) == "`je 4` leads back into its entry");
  CHECK(reason({0xe2, 0x05, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3}) ==
        "its entry holds `loop 7`, which reaches no further than 127 bytes");
  CHECK(reason({0xe3, 0x05, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3}) ==
        "its entry holds `jrcxz 7`, which reaches no further than 127 bytes");
  CHECK(reason({0xc7, 0xf8, 0x01, 0, 0, 0, 0x90, 0xc3}) ==
        "its entry holds `xbegin 7`, which reaches no further than 127 bytes");
  CHECK(reason({0xcc, 0x90, 0x90, 0x90, 0x90, 0xc3}) == "its entry holds `int3`, a breakpoint");
  CHECK(reason({0x0f, 0x05, 0x90, 0x90, 0x90, 0xc3}) == "its entry holds `syscall`, in which a thread may stay");
  CHECK(reason({0xff, 0xd0, 0x90, 0x90, 0x90, 0xc3}) ==
        "its entry holds `call rax`, a call through a register or a pointer elsewhere");
  CHECK(reason({0x67, 0x8b, 0x05, 0, 0, 0, 0, 0xc3}) ==
        "its entry holds `mov eax, dword ptr [eip]`, relative to a 32-bit program counter");
  CHECK(reason({0x90, 0x06, 0x90, 0x90, 0x90, 0xc3}) == "its byte 1 begins no known instruction");
  CHECK(reason({0x90, 0x90, 0x90, 0x90, 0x90, 0x06, 0xc3}) == "its byte 5 begins no known instruction");
  // notrack jmp *%rax: of a jump table
  CHECK(reason({0x90, 0x90, 0x90, 0x90, 0x90, 0x3e, 0xff, 0xe0}) ==
        "`jmp rax` leads nobody knows where (a jump table)");
  // jmp *0x0(,%rax,8)
  CHECK(reason({0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x24, 0xc5, 0, 0, 0, 0}) ==
        "`jmp qword ptr [rax*8]` leads nobody knows where (a jump table)");
}

TEST_CASE("the worked example of docs/wire-protocol.md is what is made") {
  std::vector<uint8_t> function = {0x48, 0x85, 0xff, 0x74, 0x4b};
  function.resize(128, 0x90);
  const Result<DisplacedEntry> displaced = displace_entry({function, 0});
  REQUIRE(displaced.ok());
  const Result<HookCode> hook = build_hook(*displaced, {0x7f0000098ef0, 0x7effffff0000, 0x8877665544332211, 1});
  REQUIRE(hook.ok());
  CHECK(hook->trampoline_address == 0x7effffff0018);
  CHECK(hook->entry_jump == std::array<uint8_t, 5>{0xe9, 0x0b, 0x71, 0xf5, 0xff});
  CHECK(hook->code == std::vector<uint8_t>{0x48, 0x8d, 0x35, 0x11, 0x00, 0x00, 0x00, 0xff, 0x25, 0x03, 0x00, 0x00, 0x00,
                                           0xcc, 0xcc, 0xcc, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x48, 0x85,
                                           0xff, 0x0f, 0x84, 0x1f, 0x8f, 0x0a, 0x00, 0xe9, 0xcf, 0x8e, 0x0a, 0x00});
}

TEST_CASE("code that is out of reach is refused") {
  const AsmFunction function = ASM_FUNCTION(hooked_rip_load);
  const Result<DisplacedEntry> displaced = displace_entry(function.code());
  REQUIRE(displaced.ok());
  CHECK(build_hook(*displaced, {0x10000000, 0x20000000, 1, 1}).ok());
  CHECK_FALSE(build_hook(*displaced, {0x10000000, 0x10000000 + (3ULL << 30), 1, 1}).ok());
  // The jump reaches, the relocated operand would not.
  DisplacedEntry far = *displaced;
  far.instructions[0].target = -0x70000000;
  CHECK_FALSE(build_hook(far, {0x80000000, 0xa0000000, 1, 1}).ok());
}

}  // namespace flarestack
