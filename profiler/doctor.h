// SPDX-License-Identifier: Apache-2.0
// `doctor`: what stands in the way of recording on this machine, or of recording this process, and the command that
// removes it. Pure judgement of facts that profiler/machine_facts.h and profiler/process_facts.h gather, so that every
// kind of machine can be put into a test. Recorder side.
#pragma once

#include <string>
#include <vector>

#include "profiler/check.h"
#include "profiler/machine_facts.h"
#include "profiler/process_facts.h"

namespace flarestack {

// In order of importance. Names, each once: "architecture", "kernel", "perf_event", "cpu_timer", "perf_pages",
// "pending_signals", "open_files", "shared_memory", "process_memory", "output", "cache", "tmp", "libc_debug_file",
// "debuginfod". Those that make no sense (a place that was not
// looked at, pages without perf_event) are left out.
std::vector<Check> diagnose_machine(const MachineFacts& facts);

// Whether the process can be recorded while it runs (`refusal`: why not, of attach_refusal() in
// profiler/attach_check.h; `no_agent_reason`, of the same: why its CPU time alone can be, from outside), and if not,
// whether its program can be when it is started anew. Names: "process", "running", "program", "owner", "seccomp",
// "tracer", "namespaces"; those that make no sense (the program of a process that is gone) are left out.
std::vector<Check> diagnose_process(const ProcessFacts& facts, const std::string& refusal,
                                    const std::string& no_agent_reason = {});

// No check is a problem.
bool is_recordable(const std::vector<Check>& checks);

}  // namespace flarestack
