// SPDX-License-Identifier: Apache-2.0
// Names for the stubs of the procedure linkage table, which no symbol table lists: "malloc@plt". Offline side.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <libelf.h>

namespace flarestack {

struct PltStub {
  bool found = false;
  std::string symbol;   // mangled, without "@plt"; empty: the stub of a function that only `target` tells
  uint64_t target = 0;  // for STT_GNU_IFUNC within the module: the function that selects the one to call
  uint64_t start = 0;
};

// For each of the ascending addresses, the stub that it lies in. A stub is known by the GOT slot that its code jumps
// through, which a relocation fills, so that .plt, .plt.sec, .plt.got and the linkers' different orders need no rules
// of their own (System V ABI, AMD64 supplement, sections 5.2 and 13.2).
std::vector<PltStub> find_plt_stubs(Elf* elf, std::span<const uint64_t> addresses);

}  // namespace flarestack
