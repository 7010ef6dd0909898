// SPDX-License-Identifier: Apache-2.0
// What JSON documents say of a heap: its numbers, and the keys "places" and "advice" of the reports. Offline side.
#pragma once

#include "model/heap_summary.h"
#include "report/json_writer.h"

namespace flarestack {

const char* heap_mode_name(HeapMode mode);  // "none", "exact", "sampled", "imported"

// The key `key`, "heap" in reports.
void write_heap(JsonWriter& json, const char* key, const Profile& profile, const HeapSummary& summary);
// `profile` is of a heap metric. Places whose part of the total is at least `threshold`.
void write_places(JsonWriter& json, const Profile& profile, double threshold);
void write_advice(JsonWriter& json, const Profile& profile, const HeapSummary& summary);

}  // namespace flarestack
