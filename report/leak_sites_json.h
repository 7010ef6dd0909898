// SPDX-License-Identifier: Apache-2.0
// Leaks in JSON, as `leaks --format json` has them and other documents do. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/leaks.h"
#include "model/suppressions.h"
#include "report/json_writer.h"

namespace flarestack {

// What the leaks are of; borrowed.
struct LeakJsonOf {
  const Profile& profile;
  const Suppressions& suppressions;  // those that made the leaks
  // Of the functions of the profile, numbers of whoever reads: beside each "stack" there is then a "path" of these,
  // root first. Null: there is none.
  const std::vector<uint32_t>* numbers = nullptr;
};

// The key `key`: what there is of each verdict.
void write_leak_summary(JsonWriter& json, const char* key, const LeakTotals& totals);
// The key "stack", leaf first: indexes of Profile::locations, innermost first.
void write_leak_stack(JsonWriter& json, const LeakJsonOf& shown, const std::vector<uint32_t>& path);
// The members "pid" and "program".
void write_leak_process(JsonWriter& json, const Recording& recording, uint32_t process);
// One object.
void write_leak_site(JsonWriter& json, const LeakJsonOf& shown, const LeakSite& site);

}  // namespace flarestack
