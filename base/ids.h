// SPDX-License-Identifier: Apache-2.0
// Typed ids: dense small integers that cannot be mixed up. 0 means "none". Any side; signal-safe (no code).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace flarestack {

template <typename Tag>
struct Id {
  uint32_t value = 0;
  constexpr auto operator<=>(const Id&) const = default;  // NOLINT(modernize-use-nullptr): it has no pointer
  constexpr explicit operator bool() const { return value != 0; }
};

using ProcessId = Id<struct ProcessTag>;  // of a recording, not the kernel's pid: pids are reused and survive exec
using ThreadId = Id<struct ThreadTag>;
using ModuleId = Id<struct ModuleTag>;
using StringId = Id<struct StringTag>;
using FrameId = Id<struct FrameTag>;
using RegionId = Id<struct RegionTag>;  // a name that the program gave a part of itself, within that one's parent
using StackId = Id<struct StackTag>;    // a node of the call tree: a frame and its parent's StackId

}  // namespace flarestack

template <typename Tag>
struct std::hash<flarestack::Id<Tag>> {
  size_t operator()(flarestack::Id<Tag> id) const noexcept { return id.value * size_t{0x9E3779B97F4A7C15}; }
};
