// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "profiler/doctor.h"

namespace flarestack {

namespace {

constexpr const char* kLoader = "/ld-linux-x86-64.so.2";

std::string label(const ProcessFacts& facts) { return fmt::format("Process {} ({})", facts.pid, facts.name); }

Check check_running(const ProcessFacts& facts, const std::string& refusal, const std::string& no_agent_reason) {
  if (!no_agent_reason.empty()) {
    return warning_check("running",
                         fmt::format("{} can be sampled from outside while it runs, its CPU time alone: no agent can "
                                     "enter it and record its heap, since {}.",
                                     label(facts), no_agent_reason),
                         fmt::format("flarestack attach {}", facts.pid));
  }
  if (refusal.empty()) {
    return ok_check("running", label(facts) + " can be attached to while it runs.",
                    fmt::format("flarestack attach {}", facts.pid));
  }
  std::string command = facts.command_line.empty() ? "" : "flarestack record -- " + facts.command_line;
  return problem_check("running", "It cannot be attached to while it runs: " + refusal + ".", command);
}

Check check_program(const ProcessFacts& facts, bool from_outside) {
  const char* name = "program";
  const std::string& path = facts.program_path;
  switch (facts.program_kind) {
    case ProgramKind::kUnknown:
      return warning_check(name, "Its program cannot be read, so whether it can be recorded is not known.");
    case ProgramKind::k32Bit:
      if (from_outside) {
        return warning_check(name, fmt::format("{} is a 32-bit program; its CPU time alone can be recorded.", path));
      }
      return problem_check(name, fmt::format("{} is a 32-bit program; only 64-bit ones can be recorded.", path));
    case ProgramKind::kOtherMachine:
      return problem_check(name, fmt::format("{} is for another processor; only x86-64 can be recorded.", path));
    case ProgramKind::kStatic:
      if (from_outside) {
        return warning_check(name, fmt::format("{} is statically linked; its CPU time alone can be recorded.", path));
      }
      return facts.changes_user
                 ? problem_check(name, fmt::format("{} is setuid or setgid, which no agent is brought into.", path))
                 : ok_check(name, fmt::format("{} is statically linked; its heap is recorded if it has a symbol table.",
                                              path));
    case ProgramKind::kDynamic:
      break;
  }
  if (facts.changes_user) {
    return problem_check(name, fmt::format("{} is setuid or setgid: the loader ignores LD_PRELOAD for it.", path));
  }
  if (facts.interpreter.find("/ld-musl-") != std::string::npos) {
    return ok_check(name, fmt::format("{} runs on musl and can be recorded from its start.", path));
  }
  if (!facts.interpreter.ends_with(kLoader)) {
    return warning_check(
        name, fmt::format("{} is loaded by {}; recording is tested with glibc's and musl's loaders only.", path,
                          facts.interpreter));
  }
  return ok_check(name, fmt::format("{} is dynamically linked and can be recorded from its start.", path));
}

Check check_owner(const ProcessFacts& facts) {
  if (facts.owner == facts.our_user) return ok_check("owner", "It runs as the same user as flarestack.");
  std::string sentence = fmt::format("It runs as user {}, flarestack as user {}", facts.owner, facts.our_user);
  if (facts.can_trace) return ok_check("owner", sentence + ", which may look into it.");
  return warning_check("owner", sentence + ", which may not look into it.",
                       fmt::format("sudo -u '#{}' flarestack ...", facts.owner));
}

Check check_seccomp(const ProcessFacts& facts) {
  if (!facts.seccomp_filtered) return ok_check("seccomp", "It filters no system calls.");
  return warning_check("seccomp",
                       "It filters its system calls (seccomp): what the filter forbids, perf_event_open or "
                       "timer_create, cannot serve to sample threads that start behind it.");
}

Check check_tracer(const ProcessFacts& facts) {
  if (facts.tracer == 0) return ok_check("tracer", "Nobody traces it.");
  return warning_check("tracer", fmt::format("It is traced by process {} ({}).", facts.tracer, facts.tracer_name));
}

Check check_namespaces(const ProcessFacts& facts) {
  if (!facts.other_mounts && !facts.other_pids)
    return ok_check("namespaces", "It sees the same files and processes as flarestack.");
  return warning_check(
      "namespaces",
      fmt::format("It lives in another {} namespace (a container): `flarestack attach` records it from here, "
                  "`flarestack record` only inside.",
                  facts.other_mounts ? "mount" : "pid"),
      fmt::format("sudo nsenter --target {} --mount --pid flarestack ...", facts.pid));
}

}  // namespace

std::vector<Check> diagnose_process(const ProcessFacts& facts, const std::string& refusal,
                                    const std::string& no_agent_reason) {
  if (!facts.exists) return {problem_check("process", fmt::format("There is no process {}.", facts.pid))};
  if (facts.is_kernel_thread) {
    return {problem_check("process", label(facts) + " is a thread of the kernel and runs no program.")};
  }
  if (facts.state == 'Z') {
    return {problem_check("process", label(facts) + " has ended and waits for its parent to notice (a zombie).")};
  }
  return {ok_check("process", label(facts) + " exists."),
          check_running(facts, refusal, no_agent_reason),
          check_program(facts, !no_agent_reason.empty()),
          check_owner(facts),
          check_seccomp(facts),
          check_tracer(facts),
          check_namespaces(facts)};
}

}  // namespace flarestack
