// SPDX-License-Identifier: Apache-2.0
// section_named(): a section of an ELF file by its name. Recorder side.
#pragma once

#include <optional>
#include <string_view>

#include <gelf.h>

namespace flarestack {

// Of an open ELF file. None: it has no such section, or its section headers were stripped or cannot be read.
std::optional<GElf_Shdr> section_named(Elf* elf, std::string_view name);

}  // namespace flarestack
