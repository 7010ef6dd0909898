// SPDX-License-Identifier: Apache-2.0
// What a recording's options mean for its sessions. Part of recorder.cc.
#pragma once

#include <cstdint>
#include <string>

#include "profiler/recorder.h"
#include "profiler/sample_clock.h"
#include "profiler/session_region.h"

namespace flarestack {

ClockChoice clock_for(const RecordOptions& options);
SessionSettings settings_for(const RecordOptions& options, const ClockChoice& choice);
// How long rings may fill up, in ns: to a quarter, at the rate asked for. A heap ring that is half full rings the
// doorbell.
uint64_t nap_for(const RecordOptions& options);
// Of the trace, where none was named.
std::string default_output_path(const RecordOptions& options);

}  // namespace flarestack
