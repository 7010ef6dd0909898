// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/disassembly.h"

#include <set>

#include "fixture.h"
#include "symbolizer/function_code.h"
#include "symbolizer/source_text.h"

namespace flarestack {
namespace {

using fixture::output_of;
using fixture::TemporaryDirectory;

Instruction one(std::vector<uint8_t> bytes) {
  const std::vector<Instruction> code = disassemble(bytes, 0x1000);
  REQUIRE(code.size() == 1);
  return code.front();
}

RegisterSet set_of(std::initializer_list<unsigned> numbers) {
  RegisterSet set;
  for (const unsigned number : numbers) {
    set.add(number);
  }
  return set;
}

TEST_CASE("an instruction is told in both syntaxes, with what it reads and writes") {
  const Instruction load = one({0x48, 0x8b, 0x44, 0x8f, 0x08});
  CHECK(load.intel == "mov     rax, qword ptr [rdi + rcx*4 + 8]");
  CHECK(load.att == "movq    8(%rdi, %rcx, 4), %rax");
  CHECK(load.kind == InstructionKind::kMove);
  CHECK((load.loads && !load.stores));
  CHECK(load.memory.address_registers() == set_of({registers::kRdi, registers::kRcx}));
  CHECK(load.memory.displacement == 8);
  CHECK(load.writes == set_of({registers::kRax}));
}

TEST_CASE("a part of a register is that register, and one that clears itself reads nothing") {
  CHECK(one({0x31, 0xc0}).reads.empty());                                        // xor eax, eax
  CHECK(one({0x31, 0xc8}).reads.contains(registers::kRcx));                      // xor eax, ecx
  CHECK(one({0x0f, 0xb6, 0xc1}).writes == set_of({registers::kRax}));            // movzx eax, cl
  CHECK(one({0xc5, 0xfc, 0x58, 0xc1}).reads.contains(registers::kVector0 + 1));  // vaddps ymm0, ymm0, ymm1
}

TEST_CASE("instructions are told apart by what they do, not by their names") {
  struct Case {
    std::vector<uint8_t> bytes;
    InstructionKind kind;
  };
  const std::vector<Case> cases = {
      {{0x48, 0xf7, 0xf1}, InstructionKind::kIntegerDivide},      // div rcx
      {{0xf2, 0x0f, 0x5e, 0xc1}, InstructionKind::kFloatDivide},  // divsd xmm0, xmm1
      {{0xc5, 0xfb, 0x51, 0xc1}, InstructionKind::kFloatDivide},  // vsqrtsd xmm0, xmm0, xmm1
      {{0xf3, 0xa4}, InstructionKind::kString},                   // rep movsb
      {{0xa5}, InstructionKind::kString},                         // movsd, of strings
      {{0xf2, 0x0f, 0x10, 0x07}, InstructionKind::kMove},         // movsd, of doubles
      {{0x0f, 0x05}, InstructionKind::kSystemCall},               // syscall
      {{0xcd, 0x80}, InstructionKind::kSystemCall},               // int 0x80
      {{0xf3, 0x90}, InstructionKind::kPause},                    // pause
      {{0x90}, InstructionKind::kPadding},                        // nop
      {{0x66, 0x90}, InstructionKind::kPadding},                  // xchg ax, ax
      {{0xf3, 0x0f, 0x1e, 0xfa}, InstructionKind::kPadding},      // endbr64
      {{0xe8, 0, 0, 0, 0}, InstructionKind::kCall},               // call
      {{0xff, 0xd0}, InstructionKind::kIndirectCall},             // call rax
      {{0x74, 0x02}, InstructionKind::kConditionalJump},          // je
      {{0xeb, 0x02}, InstructionKind::kJump},                     // jmp
      {{0xff, 0xe0}, InstructionKind::kIndirectJump},             // jmp rax
      {{0xc3}, InstructionKind::kReturn},                         // ret
      {{0x0f, 0x0b}, InstructionKind::kReturn},                   // ud2
      {{0x48, 0x39, 0xc8}, InstructionKind::kCompare},            // cmp rax, rcx
      {{0x66, 0x0f, 0x2e, 0xc1}, InstructionKind::kCompare},      // ucomisd xmm0, xmm1
      {{0x0f, 0x44, 0xc1}, InstructionKind::kMove},               // cmove eax, ecx
      {{0x0f, 0x18, 0x0f}, InstructionKind::kPrefetch},           // prefetcht0
      {{0xf3, 0x48, 0x0f, 0xb8, 0xc1}, InstructionKind::kOther},  // popcnt
  };
  for (const Case& each : cases) {
    const Instruction code = one(each.bytes);
    INFO(code.intel);
    CHECK(code.kind == each.kind);
  }
}

TEST_CASE("loads, stores and locked instructions are told from those that only name memory") {
  CHECK(one({0xf0, 0x48, 0x0f, 0xc1, 0x07}).locked);  // lock xadd
  CHECK(one({0x87, 0x07}).locked);                    // xchg with memory locks by itself
  CHECK_FALSE(one({0x87, 0xc1}).locked);
  const Instruction vex_store = one({0xc5, 0xfb, 0x11, 0x04, 0xc7});  // vmovsd [rdi + rax*8], xmm0
  CHECK((vex_store.stores && !vex_store.loads));
  const Instruction both = one({0x48, 0x01, 0x07});  // add [rdi], rax
  CHECK((both.stores && both.loads));
  const Instruction address = one({0x48, 0x8d, 0x07});  // lea rax, [rdi]
  CHECK((address.has_memory && !address.loads && !address.stores));
  const Instruction compare = one({0x48, 0x39, 0x07});  // cmp [rdi], rax
  CHECK((compare.loads && !compare.stores));
}

TEST_CASE("vector instructions say whether they compute one number or several") {
  CHECK(one({0xf2, 0x0f, 0x58, 0xc1}).vector_use == VectorUse::kScalarFloat);    // addsd
  CHECK(one({0x66, 0x0f, 0x58, 0xc1}).vector_use == VectorUse::kPackedFloat);    // addpd
  CHECK(one({0x66, 0x0f, 0xfe, 0xc1}).vector_use == VectorUse::kPackedInteger);  // paddd
  CHECK(one({0xc5, 0xfc, 0x58, 0xc1}).vector_bits == 256);
  CHECK(one({0x48, 0x01, 0xc8}).vector_use == VectorUse::kNone);
}

TEST_CASE("targets and data relative to rip are module offsets") {
  CHECK(*one({0x74, 0x10}).target == 0x1012);
  CHECK(*one({0x8b, 0x05, 0x10, 0, 0, 0}).data_offset == 0x1016);
}

TEST_CASE("bytes that are no instruction are shown, and a known start ends them") {
  const std::vector<uint8_t> bytes = {0x90, 0x06, 0x48, 0x90, 0xc3};  // nop, bad, a prefix of what follows, ret
  const std::vector<Instruction> guessed = disassemble(bytes, 0x10);
  CHECK(guessed.size() == 4);  // rex.W nop is one instruction
  const std::vector<uint64_t> known = {0x13};
  const std::vector<Instruction> code = disassemble(bytes, 0x10, known);
  REQUIRE(code.size() == 5);
  CHECK(code[1].kind == InstructionKind::kUndecoded);
  CHECK(code[2].kind == InstructionKind::kUndecoded);
  CHECK(code[3].module_offset == 0x13);
}

TEST_CASE("the instructions of real functions begin where objdump says") {
  const TemporaryDirectory directory;
  const std::string program = fixture::build(directory, "g++ -O2 -g");
  std::set<uint64_t> expected;
  std::istringstream lines(output_of("objdump -d --no-show-raw-insn -j .text " + program));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(":\t");
    if (colon != std::string::npos) {
      expected.insert(std::stoull(line, nullptr, 16));
    }
  }
  CodeRequest request;
  request.module = {{1}, program, fixture::build_id(program)};
  request.offsets = fixture::function_addresses(program, " [tT] .*(area|sort|slow|sum|main)");
  const Result<FunctionCode> code = read_function_code(request);
  REQUIRE(code.ok());
  size_t checked = 0;
  for (const CodePiece& piece : code->pieces) {
    uint64_t next = piece.begin;
    for (const Instruction& each : piece.instructions) {
      INFO(std::hex << each.module_offset << " " << each.intel);
      CHECK(each.module_offset == next);
      next = each.end();
      // Sampled addresses that are none of an instruction's, as this test's are, must do no harm.
      checked += expected.count(each.module_offset);
      CHECK(expected.contains(each.module_offset));
    }
    CHECK(next == piece.end);
  }
  CHECK(checked > 100);
}

TEST_CASE("code comes from the recorded file only") {
  const TemporaryDirectory directory;
  const std::string program = fixture::build(directory, "g++ -O2 -g");
  const std::vector<uint64_t> offsets = {fixture::function_addresses(program, " [tT] .*(area|sort|main)").front()};
  const std::vector<uint8_t> id = fixture::build_id(program);
  const auto problem = [&](const CodeRequest& request) {
    const Result<FunctionCode> code = read_function_code(request);
    return code.ok() ? std::string() : code.error().message;
  };
  CHECK(problem({{{1}, program, id}, offsets, 0, {}}).empty());
  CHECK(problem({{{1}, program, {1, 2, 3, 4}}, offsets, 0, {}}) ==
        program + " changed since the recording (build id differs)");
  CHECK(problem({{{1}, program + ".gone", id}, offsets, 0, {}}).find("No such file") != std::string::npos);
  // A debug file of the right build id has names and lines, but no code.
  output_of("cd " + directory.path() + " && mkdir -p debug/.build-id/" +
            output_of("readelf -n " + program + " | sed -n \"s/.*Build ID: \\(..\\).*/\\1/p\" | tr -d \"\\n\""));
  const std::string hex = output_of("readelf -n " + program + " | sed -n \"s/.*Build ID: //p\" | tr -d \"\\n\"");
  output_of("cd " + directory.path() + " && objcopy --only-keep-debug prog debug/.build-id/" + hex.substr(0, 2) + "/" +
            hex.substr(2) + ".debug && mv prog gone");
  CHECK(problem({{{1}, program, id}, offsets, 0, {directory / "debug"}}).find("No such file") != std::string::npos);
  // Without a build id its age tells.
  output_of("cd " + directory.path() + " && objcopy --remove-section .note.gnu.build-id gone prog");
  CHECK(problem({{{1}, program, {}}, offsets, 1'000'000'000, {}}).find("changed since the recording") !=
        std::string::npos);
}

TEST_CASE("a source file that is younger than the program, or too short, is not shown") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.c";
  fixture::write_text(path, "int a;\n\tint b;\r\n");
  const SourceText text = read_source({path, 0, 2});
  CHECK(text.problem.empty());
  CHECK(text.lines == std::vector<std::string>{"int a;", "        int b;"});
  CHECK(read_source({path, 1'000'000'000, 2}).problem.find("younger than the program") != std::string::npos);
  CHECK(read_source({path, 1'000'000'000, 2}).lines.empty());
  CHECK(read_source({path, 0, 3}).problem.find("it has 2 lines, and line 3 was compiled") != std::string::npos);
  CHECK(read_source({directory / "b.c", 0, 1}).problem == (directory / "b.c") + " is not on this machine");
}

}  // namespace
}  // namespace flarestack
