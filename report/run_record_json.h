// SPDX-License-Identifier: Apache-2.0
// RunRecord as JSON: in baselines, in what `gate` and `history` print. Offline side.
#pragma once

#include "model/run_record.h"
#include "report/json_writer.h"

namespace flarestack {

// As members of the object that is open.
void write_run_record(JsonWriter& json, const RunRecord& record);

}  // namespace flarestack
