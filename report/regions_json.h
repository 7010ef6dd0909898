// SPDX-License-Identifier: Apache-2.0
// Regions that the program named, as keys of JSON documents. Offline side.
#pragma once

#include "model/regions.h"
#include "report/json_writer.h"

namespace flarestack {

// The keys "regions", "counters" and "pools"; of a recording that has none of them, nothing.
void write_regions(JsonWriter& json, const Profile& profile);

}  // namespace flarestack
