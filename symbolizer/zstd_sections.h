// SPDX-License-Identifier: Apache-2.0
// Files with sections that are compressed by zstd (ELFCOMPRESS_ZSTD), which libelf can read from 0.189 on, Debian 12
// has 0.188. Offline side.
#pragma once

#include "base/fd.h"

namespace flarestack {

bool has_zstd_sections(int file);

// `file` itself, or, if it is an ELF file with such sections, a copy in memory where they are unpacked behind what it
// had. A section that makes no sense stays as it is.
Fd unpack_zstd_sections(Fd file);

}  // namespace flarestack
