// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/process_maps.h"
#include "profiler/thread_choice.h"

namespace flarestack {
namespace {

std::optional<int> read_ptrace_scope() {
  const Result<std::string> text = read_file("/proc/sys/kernel/yama/ptrace_scope");
  return text.ok() ? std::optional<int>(std::atoi(text->c_str())) : std::nullopt;
}

// Why the kernel does not let us trace it.
std::string closed(const AttachFacts& facts, const std::string& label) {
  const ProcessFacts& process = facts.process;
  const int scope = facts.ptrace_scope.value_or(0);
  if (scope >= 3) {
    return fmt::format(
        "{}: kernel.yama.ptrace_scope is {}, so no process can be attached to until the machine boots "
        "with another; record it from its start: flarestack record -- {}",
        label, scope, process.command_line);
  }
  const std::string as_root = fmt::format("sudo flarestack attach {}", process.pid);
  if (process.can_trace) {
    return fmt::format(
        "{} may not be traced, though flarestack has CAP_SYS_PTRACE: it belongs to another user "
        "namespace or a security module forbids it; run flarestack outside the container: {}",
        label, as_root);
  }
  if (process.owner != process.our_user) {
    return fmt::format(
        "{} runs as user {}, flarestack as user {} without CAP_SYS_PTRACE; attach as that user or as "
        "root: {}",
        label, process.owner, process.our_user, as_root);
  }
  if (!facts.is_dumpable) {
    return fmt::format("{} is closed to its own user (setuid, or PR_SET_DUMPABLE 0), which takes CAP_SYS_PTRACE: {}",
                       label, as_root);
  }
  if (scope == 2) {
    return fmt::format("{}: kernel.yama.ptrace_scope is 2, so attaching takes CAP_SYS_PTRACE: {}", label, as_root);
  }
  if (scope == 1) {
    return fmt::format(
        "{}: kernel.yama.ptrace_scope is 1, so only its parents may trace it: {}, or for all processes: "
        "sudo sysctl kernel.yama.ptrace_scope=0",
        label, as_root);
  }
  return fmt::format("{} has capabilities that flarestack lacks, so attaching takes CAP_SYS_PTRACE: {}", label,
                     as_root);
}

// Whether the loader has brought the agent: under `flarestack record`.
bool is_preloaded(int32_t pid) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  return maps.ok() && std::any_of(maps->mappings().begin(), maps->mappings().end(), [](const auto& mapping) {
           return mapping.path.ends_with("/libflarestack_preload.so");
         });
}

}  // namespace

AttachFacts gather_attach_facts(int32_t pid) {
  AttachFacts facts;
  facts.process = gather_process_facts(pid);
  facts.is_ourselves = pid == getpid();
  facts.ptrace_scope = read_ptrace_scope();
  if (facts.process.exists) {
    // Opening it asks for the right to trace, of security modules too, and does nothing to the process.
    facts.is_open_to_us = open_file(fmt::format("/proc/{}/mem", pid), O_RDWR).ok();
    struct stat status {};
    facts.is_dumpable =
        stat(fmt::format("/proc/{}/environ", pid).c_str(), &status) != 0 || status.st_uid == facts.process.owner;
  }
  return facts;
}

std::string refusal_of(const AttachFacts& facts) {
  const ProcessFacts& process = facts.process;
  if (!process.exists) {
    return fmt::format("There is no process {}; see which there are: ps -e", process.pid);
  }
  const std::string label = fmt::format("Process {} ({})", process.pid, process.name);
  if (facts.is_ourselves) {
    return fmt::format("{} is this very flarestack, which does not record itself", label);
  }
  if (process.is_kernel_thread) {
    return fmt::format("{} is a thread of the kernel and runs no program", label);
  }
  if (process.state == 'Z' || process.state == 'X') {
    return fmt::format("{} has ended and waits for its parent to notice (a zombie)", label);
  }
  if (process.tracer != 0) {
    return fmt::format("{} is already traced by process {} ({}); stop that first: kill {}", label, process.tracer,
                       process.tracer_name, process.tracer);
  }
  if (!facts.is_open_to_us) {
    return closed(facts, label);
  }
  if (process.program_kind == ProgramKind::k32Bit) {
    return fmt::format("{} runs the 32-bit program {}; only 64-bit ones can be recorded", label, process.program_path);
  }
  if (process.program_kind == ProgramKind::kOtherMachine) {
    return fmt::format("{} runs a program for another processor, {}", label, process.program_path);
  }
  if (process.state == 'T') {
    return fmt::format("{} is stopped by a signal; let it run on: kill -CONT {}", label, process.pid);
  }
  if (process.seccomp_filtered && !process.can_suspend_filters) {
    return fmt::format(
        "{} filters its system calls (seccomp); to look at its filter, and past it, takes CAP_SYS_ADMIN: sudo "
        "flarestack attach {}",
        label, process.pid);
  }
  if (is_preloaded(process.pid)) {
    return fmt::format("{} was started with flarestack's agent in it, and is recorded by that alone", label);
  }
  return {};
}

std::string no_agent_reason_of(const AttachFacts& facts) {
  const ProcessFacts& process = facts.process;
  const bool is_nothing_to_sample = !process.exists || facts.is_ourselves || process.is_kernel_thread ||
                                    process.state == 'Z' || process.state == 'X' || process.state == 'T' ||
                                    process.program_kind == ProgramKind::kOtherMachine;
  if (is_nothing_to_sample) {
    return {};
  }
  if (process.tracer != 0) {
    return fmt::format("process {} ({}) traces it already", process.tracer, process.tracer_name);
  }
  if (!facts.is_open_to_us) {
    return "flarestack may not trace it";
  }
  if (process.program_kind == ProgramKind::k32Bit) {
    return "it runs 32-bit code";
  }
  if (process.seccomp_filtered && !process.can_suspend_filters) {
    return "it filters its system calls (seccomp), and only root may look at its filter";
  }
  if (process.is_go) {
    return kGoProgram;
  }
  return {};
}

std::string attach_refusal(int32_t pid) { return refusal_of(gather_attach_facts(pid)); }

}  // namespace flarestack
