// SPDX-License-Identifier: Apache-2.0
// Launches the program of a recording. Where no loader would bring the agent, in static programs and those of musl, it
// is brought in before the program's first instruction: the child is traced from before its exec until the agent has
// entered, and no longer (docs/attach.md). Recorder side.
#pragma once

#include <functional>
#include <string>

#include "profiler/attacher.h"
#include "profiler/launcher.h"
#include "profiler/perf_rings.h"

namespace flarestack {

struct EnteredProgram {
  LaunchedProgram program;
  std::string unrecorded;  // why; empty: its loader brings the agent, or that is there, or it is sampled from outside
};

// Why no agent is to enter a program that is launched, though its CPU time may be sampled from outside; empty: it
// enters, or nothing can be done.
std::string launched_without_agent(const std::string& program);

struct LaunchEntryOptions {
  LaunchOptions launch;
  AttachOptions attach;                          // without a pid
  std::function<void(int32_t pid)> on_launched;  // before anything is said by the program
  // Both are called by the caller's thread.
  std::function<void()> answer;                                               // answers the agent for a moment
  std::function<std::string(int32_t pid, const PatchRequest& request)> plan;  // of the hooks, as wire/patch.h has it
  // If any: the program runs without an agent, for that reason, from its exec on or from now. False: unrecorded.
  std::function<bool(int32_t pid, PerfRings::Start start, const std::string& reason)> go_without_agent;
};

// Error: no child could be made.
Result<EnteredProgram> launch_and_enter(LaunchEntryOptions options);

}  // namespace flarestack
