// SPDX-License-Identifier: Apache-2.0
// Sections of an ELF file by name. Offline side.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <gelf.h>

namespace flarestack {

// The contents of the section `name` unpacked. Empty: there is none, or it cannot be had. Borrowed from
// `elf`.
std::span<const uint8_t> section_contents(Elf* elf, std::string_view name);

}  // namespace flarestack
