// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format firefox`: the Firefox Profiler's processed profile format, version 63 (its types are in
// src/types/profile.ts of its source), for profiler.firefox.com, which reads all versions up to its own. Offline side.
//
// Weights of samples are the metric's values: time as "tracing-ms", bytes as "bytes", numbers of allocations as
// "samples". A frame is a code address with its inlined functions one by one; native symbols are the functions that
// contain them. Live heap and resident memory are counters of their process.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

std::string firefox_profile(const Profile& profile);

// The same with the bytes that were allocated beside it, as each thread's native allocations. `heap` is of
// Metric::kAllocated and of the same recording.
std::string firefox_profile_with_heap(const Profile& profile, const Profile& heap);

}  // namespace flarestack
