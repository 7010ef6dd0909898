// SPDX-License-Identifier: Apache-2.0
// A trace as text, one line a record, for `info --records` and for tests. Offline side. Nothing is left out or rounded,
// so two traces with the same lines hold the same recording; scripts may rely on "kind name=value ..." in this order.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trace/reader.h"
#include "trace/records.h"

namespace flarestack {

// The line without its newline: "stack id=4 parent=3 frame=1". Texts are quoted; what is not printable ASCII in them is
// escaped (\n, \", \\, \xE2), as is safe on a terminal whatever the target called its threads.
std::string describe(const TraceRecord& record);

// Reads the trace to its end and gives out every line: "# chunk at byte N" before the records of each chunk, and last a
// line "# ..." that says whether anything was lost. The view is borrowed until `line` returns.
void dump_trace(TraceReader& reader, const std::function<void(std::string_view line)>& line);

}  // namespace flarestack
