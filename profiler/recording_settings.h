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
// What was asked for by name and cannot be had of a process that is sampled from outside; empty: nothing.
std::string wish_unmet_from_outside(const RecordOptions& options);
// Whether the program to be launched cannot load the agent, but its CPU time can be sampled, and that will do.
bool is_for_outside(const RecordOptions& options);
// Of the trace, where none was named.
std::string default_output_path(const RecordOptions& options);

}  // namespace flarestack
