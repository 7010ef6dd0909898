// SPDX-License-Identifier: Apache-2.0
#include "model/control_flow.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "model/annotation.h"
#include "model/code_flow.h"
#include "symbolizer/disassembly.h"

namespace flarestack {
namespace {

using Bytes = std::vector<uint8_t>;

std::vector<std::pair<uint32_t, uint32_t>> edges(const ControlFlow& flow) {
  std::vector<std::pair<uint32_t, uint32_t>> result;
  for (uint32_t i = 0; i < flow.blocks.size(); ++i) {
    for (const uint32_t next : flow.blocks[i].successors) result.emplace_back(i, next);
  }
  std::sort(result.begin(), result.end());
  return result;
}

// A loop in a loop:      0: xor eax, eax
//   outer:               2: mov ecx, 5
//   inner:               7: dec ecx
//                        9: jne inner
//                        b: inc eax
//                        d: cmp eax, 9
//                       10: jne outer
//                       12: ret
const Bytes kNested = {0x31, 0xc0, 0xb9, 5,    0,    0, 0,    0xff, 0xc9, 0x75,
                       0xfc, 0xff, 0xc0, 0x83, 0xf8, 9, 0x75, 0xf0, 0xc3};

TEST_CASE("blocks begin where jumps lead and behind jumps; loops nest") {
  const std::vector<Instruction> code = disassemble(kNested, 0);
  const ControlFlow flow = control_flow(code);
  REQUIRE(flow.blocks.size() == 5);
  CHECK(edges(flow) == std::vector<std::pair<uint32_t, uint32_t>>{{0, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 1}, {3, 4}});
  REQUIRE(flow.loops.size() == 2);
  CHECK(flow.loops[0].blocks == std::vector<uint32_t>{2});
  CHECK(flow.loops[1].blocks == std::vector<uint32_t>{1, 2, 3});
  CHECK(flow.loops[0].parent == 1);
  CHECK((flow.loops[0].innermost && !flow.loops[1].innermost));
  CHECK((flow.in_loop(2, 1) && !flow.in_loop(3, 0) && !flow.in_loop(4, 1)));
  CHECK(instruction_at(code, 3) == 1);
  CHECK(instruction_at(code, 0x13) == kNoIndex);
}

TEST_CASE("an indirect jump may lead to every block that nothing else leads to") {
  // 0: jmp rax; 2: ret; 3: nop; 4: jmp 3
  const std::vector<Instruction> code = disassemble(Bytes{0xff, 0xe0, 0xc3, 0x90, 0xeb, 0xfd}, 0);
  const ControlFlow flow = control_flow(code);
  REQUIRE(flow.blocks.size() == 3);
  CHECK(edges(flow) == std::vector<std::pair<uint32_t, uint32_t>>{{0, 1}, {2, 2}});
  CHECK(control_flow({}).blocks.empty());
}

AnnotatedPiece piece_of(const Bytes& bytes, const std::vector<uint64_t>& self) {
  AnnotatedPiece piece;
  piece.code = disassemble(bytes, 0);
  piece.end = bytes.size();
  piece.flow = control_flow(piece.code);
  piece.is_own.assign(piece.code.size(), true);
  piece.costs.resize(piece.code.size());
  for (size_t i = 0; i < self.size(); ++i) piece.costs[i] = {self[i], self[i], self[i]};
  return piece;
}

TEST_CASE("what is found behind a division is due to it, around the loop as well, and not beyond the window") {
  Bytes bytes = {0x48, 0xf7, 0xf1};                                      // 0: div rcx
  for (int i = 0; i < 10; ++i) bytes.insert(bytes.end(), {0xff, 0xc6});  // 1 to 10: inc esi
  bytes.insert(bytes.end(), {0x75, 0xe7, 0xc3});                         // 11: jne 0; 12: ret
  const AnnotatedPiece piece = piece_of(bytes, {5, 7, 0, 0, 0, 0, 0, 0, 11, 13});
  const std::vector<uint64_t> due = CodeFlow(piece).due_costs();
  CHECK(due[0] == 5 + 7 + 11);
  CHECK(due[9] == 13);
}

TEST_CASE("what waits for a load, and what is right behind one, is due to it") {
  // 0: mov rax, [rdi]; 1: inc ecx; 2: inc edx; 3: add rbx, rax; 4: inc esi; 5: ret
  const AnnotatedPiece piece =
      piece_of({0x48, 0x8b, 0x07, 0xff, 0xc1, 0xff, 0xc2, 0x48, 0x01, 0xc3, 0xff, 0xc6, 0xc3}, {1, 2, 4, 8, 16, 32});
  CHECK(CodeFlow(piece).due_costs() == std::vector<uint64_t>{1 + 2 + 8, 0, 4, 0, 16, 32});
}

TEST_CASE("a call ends what is due to what was before it") {
  // 0: div rcx; 1: call; 2: inc eax
  const AnnotatedPiece piece = piece_of({0x48, 0xf7, 0xf1, 0xe8, 0, 0, 0, 0, 0xff, 0xc0}, {0, 3, 5});
  CHECK(CodeFlow(piece).due_costs() == std::vector<uint64_t>{3, 0, 5});
}

TEST_CASE("the sources of an address go around the loop") {
  // 0: mov rax, [rax]; 1: add rdx, [rcx]; 2: add rcx, 8; 3: jne 0; 4: ret
  const AnnotatedPiece piece =
      piece_of({0x48, 0x8b, 0x00, 0x48, 0x03, 0x11, 0x48, 0x83, 0xc1, 0x08, 0x75, 0xf4, 0xc3}, {});
  REQUIRE(piece.flow.loops.size() == 1);
  const CodeFlow flow(piece);
  CHECK(flow.sources(0, piece.code[0].memory.address_registers(), 0)[0]);  // a chain
  const std::vector<bool> walk = flow.sources(1, piece.code[1].memory.address_registers(), 0);
  CHECK((walk[2] && !walk[0] && !walk[1]));  // a walk
}

TEST_CASE("where two ways meet, a cost is due to the one that runs") {
  // 0: je 4; 1: div rcx; 2: jmp 5; 4: div ecx; 5: inc eax; 6: ret
  const Bytes bytes = {0x74, 0x05, 0x48, 0xf7, 0xf1, 0xeb, 0x02, 0xf7, 0xf1, 0xff, 0xc0, 0xc3};
  CHECK(CodeFlow(piece_of(bytes, {0, 0, 0, 6, 10, 0})).due_costs() == std::vector<uint64_t>{0, 0, 0, 16, 0, 0});
  CHECK(CodeFlow(piece_of(bytes, {0, 6, 0, 6, 10, 0})).due_costs() == std::vector<uint64_t>{0, 6, 0, 6, 10, 0});
}

TEST_CASE("what goes through memory is followed where the operand is the same") {
  // 0: movsd xmm0, [rsp]; 1: mulsd xmm0, xmm1; 2: movsd [rsp], xmm0; 3: jne 0; 4: ret
  const AnnotatedPiece piece = piece_of(
      {0xf2, 0x0f, 0x10, 0x04, 0x24, 0xf2, 0x0f, 0x59, 0xc1, 0xf2, 0x0f, 0x11, 0x04, 0x24, 0x75, 0xf0, 0xc3}, {});
  REQUIRE(piece.flow.loops.size() == 1);
  CHECK(CodeFlow(piece).all_sources(1, 0)[1]);
  CHECK(CodeFlow(piece).all_sources(0, 0)[2]);
}

}  // namespace
}  // namespace flarestack
