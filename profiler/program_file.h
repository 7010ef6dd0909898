// SPDX-License-Identifier: Apache-2.0
// The file of a running program, as far as an agent needs to know of it what no loader could tell. Recorder side.
#pragma once

#include <cstdint>

#include <libelf.h>

#include "wire/attach.h"

namespace flarestack {

// Whether an executable is all that its process consists of: it names no loader, and is none itself.
bool is_static_program(Elf* elf);

// Where the program begins, behind its loader; 0: it cannot be read.
uint64_t entry_of(int32_t pid);

// Of a process's executable; all zero: it cannot be read. Its bytes are not trusted.
AttachProgram program_of(int32_t pid);

}  // namespace flarestack
