// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format chrome`: the Trace Event Format in JSON, which Perfetto, chrome://tracing and speedscope
// show: processes, threads, what they did over time, and counters of live heap and resident memory. Offline side.
//
// Of a metric of time, functions are complete events ("X") nested in their callers: all of these viewers draw them,
// where of stack samples Perfetto draws none. Of a metric of the heap, a value is no length of time: what was allocated
// is in "samples" with its weight and a stack of "stackFrames".
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

std::string chrome_trace(const Profile& profile);

}  // namespace flarestack
