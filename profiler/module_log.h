// SPDX-License-Identifier: Apache-2.0
// The module log of a session: which modules came and went, told by the agent before any sample that needs them.
// Recorder side; the log's bytes are untrusted.
#pragma once

#include <cstdint>

#include "profiler/module_map.h"
#include "profiler/recording_tables.h"
#include "wire/session.h"

namespace flarestack {

struct ModuleLogResult {
  uint32_t last_generation = 0;  // 0: the log was empty
  uint64_t damaged_records = 0;  // that made no sense; the rest of the log was then skipped
};

// Takes everything out of the log, into the map and the trace.
ModuleLogResult drain_module_log(SessionView session, RecordingTables& tables, ModuleMap& modules);

}  // namespace flarestack
