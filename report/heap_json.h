// SPDX-License-Identifier: Apache-2.0
// The keys "heap", "places" and "advice" of the JSON reports. Offline side.
#pragma once

#include "model/heap_summary.h"
#include "report/json_writer.h"

namespace flarestack {

void write_heap(JsonWriter& json, const Profile& profile, const HeapSummary& summary);
// `profile` is of a heap metric. Places whose part of the total is at least `threshold`.
void write_places(JsonWriter& json, const Profile& profile, double threshold);
void write_advice(JsonWriter& json, const Profile& profile, const HeapSummary& summary);

}  // namespace flarestack
