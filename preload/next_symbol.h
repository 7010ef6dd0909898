// SPDX-License-Identifier: Apache-2.0
// Finds the functions that the hooks forward to, in the loader's own tables: dlsym would allocate from the program's
// heap when a name is missing, and would have to be imported.
#pragma once

#include <link.h>

#include <cstdint>

namespace flarestack::agent {

// The loader's description of itself (DT_DEBUG of the executable), or nullptr in a program without one. [init]
r_debug* loader_debug();

// Where the executable's ELF header is mapped, from AT_PHDR; 0 if unknown. [init]
uint64_t executable_header_address();

// By how much the executable lies above the addresses that its file has. [init]
uint64_t executable_bias();

// Where the kernel has mapped its own library; 0: nowhere. [init]
uint64_t vdso_address();

// Whether the executable has an ELF note of this owner ("Go"). [init]
bool executable_has_note(const char* owner);

// The definition of the function `name` in the first module behind ours in the loader's list, its default version where
// there are several; nullptr if no module has it. This is what dlsym(RTLD_NEXT) finds for a preloaded library. [init]
void* next_symbol(const r_debug* debug, const char* name);

// The definition of the function `name` in this very module, or nullptr. [init], and under the loader's lock
void* function_of(const link_map& module, const char* name);

// The variable `name` that the whole process uses: the executable's copy of it, where there is one (copy relocation).
// [init]
void* global_object(const r_debug* debug, const char* name);

// A pointer to a function from its address.
template <typename Function>
void find_next(Function*& function, const r_debug* debug, const char* name) {
  function = reinterpret_cast<Function*>(next_symbol(debug, name));
}

}  // namespace flarestack::agent
