// SPDX-License-Identifier: Apache-2.0
// The names under which allocators are entered, and their signatures: glibc, jemalloc, tcmalloc, mimalloc and whatever
// else defines the malloc family. Recorder side.
#pragma once

#include <optional>
#include <string_view>

#include "wire/hook_shape.h"

namespace flarestack {

// The signature of an allocator's entry of this name (C++ operators by their mangled names); none: not one we hook.
std::optional<HookShape> allocator_shape(std::string_view name);

// Whether the definition of this name makes a module an allocator. One that has operator new alone (libstdc++) passes
// every call on to another module's malloc.
bool names_allocator(std::string_view name);

// The shape of operator new where it passes calls on; none for any other name.
std::optional<HookShape> relay_shape(std::string_view name);

// Whether the name belongs to C's malloc family, for which a program may have a static function of its own.
bool is_plain_c_name(std::string_view name);

}  // namespace flarestack
