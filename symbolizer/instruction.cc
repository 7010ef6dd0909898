// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/instruction.h"

#include <fmt/format.h>

namespace flarestack {

std::string register_name(unsigned number) {
  constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  if (number < 16) {
    return kNames[number];
  }
  if (number < registers::kMask0) {
    return fmt::format("xmm{}", number - registers::kVector0);
  }
  if (number < registers::kFlags) {
    return fmt::format("k{}", number - registers::kMask0);
  }
  return number == registers::kFlags ? "flags" : number == registers::kRip ? "rip" : "st";
}

}  // namespace flarestack
