// SPDX-License-Identifier: Apache-2.0
// Linker symbol to the name that its programmer wrote. Offline side; safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace flarestack {

// C++ (Itanium ABI) and Rust (legacy and v0) demangled, symbol versions ("@@GLIBC_2.34") cut off, every other name as
// it is. A name that does not demangle, or that would grow past 64 KiB, comes back unchanged. Rust hashes are left out.
std::string demangle(std::string_view symbol);

// True for names that demangle() would treat as C++ or Rust, whose leading underscore is no part of the name.
bool is_mangled(std::string_view symbol);

}  // namespace flarestack
