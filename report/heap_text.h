// SPDX-License-Identifier: Apache-2.0
// What the report of a heap metric says below its table, as text: memory mapped by the program itself, sizes and
// lifetimes of blocks, resident memory, advice. Offline side.
#pragma once

#include <string>

#include "model/heap_summary.h"
#include "report/text_style.h"

namespace flarestack {

// Begins with an empty line; empty where there is nothing to say.
std::string heap_text(const Profile& profile, const HeapSummary& summary, const TextLayout& layout);

}  // namespace flarestack
