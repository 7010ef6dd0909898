// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format massif`: a heap recording as Valgrind's massif writes one, for ms_print and
// massif-visualizer: what was live over time in at most a hundred snapshots, some with the call paths that held it
// (innermost frame first), the peak and the last one always. Offline side.
//
// Snapshots are taken where the trace knows what was live: at the ends of time slices, and at the peak within each.
// Bytes are requested bytes; what the allocator needs beside them is not known, and mem_heap_extra_B is 0. Of several
// processes the peak is what each held at its own, as everywhere in flarestack, at the time of the greatest one.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// `profile` is of a heap metric.
std::string massif(const Profile& profile);

}  // namespace flarestack
