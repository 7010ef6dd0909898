// SPDX-License-Identifier: Apache-2.0
#include "profiler/doctor.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

MachineFacts good_machine() {
  MachineFacts facts;
  facts.kernel_release = "6.1.0-18-amd64";
  facts.architecture = "x86_64";
  facts.perf_event_paranoid = 2;
  facts.perf_page_limit = 2306;
  facts.cpu_timer_interval_ns = 4'000'000;
  facts.pending_signals_limit = 96365;
  facts.open_files_limit = 1024;
  facts.ptrace_scope = 1;
  facts.places = {"/home/me/.cache/flarestack", "."};
  facts.output_free_bytes = uint64_t{80} << 30;
  facts.libc_path = "/lib/x86_64-linux-gnu/libc.so.6";
  facts.libc_build_id = "93ac";
  facts.libc_debug_file = "/usr/lib/debug/.build-id/93/ac.debug";
  return facts;
}

ProcessFacts good_process() {
  ProcessFacts facts;
  facts.pid = 71;
  facts.exists = true;
  facts.name = "server";
  facts.state = 'S';
  facts.owner = 1000;
  facts.our_user = 1000;
  facts.command_line = "/usr/bin/server --port 80";
  facts.program_path = "/usr/bin/server";
  facts.program_kind = ProgramKind::kDynamic;
  facts.interpreter = "/lib64/ld-linux-x86-64.so.2";
  return facts;
}

const Check& find(const std::vector<Check>& checks, std::string_view name) {
  auto found = std::ranges::find(checks, name, &Check::name);
  REQUIRE(found != checks.end());
  return *found;
}

bool contains(const std::vector<Check>& checks, std::string_view name) {
  return std::ranges::find(checks, name, &Check::name) != checks.end();
}

size_t count(const std::vector<Check>& checks, Outcome outcome) {
  return static_cast<size_t>(std::ranges::count(checks, outcome, &Check::outcome));
}

TEST_CASE("a good machine has no warning, and each check has its own name and a whole sentence") {
  std::vector<Check> checks = diagnose_machine(good_machine());
  REQUIRE(count(checks, Outcome::kOk) == checks.size());
  REQUIRE(is_recordable(checks));
  std::set<std::string> names;
  for (const Check& check : checks) {
    CAPTURE(check.name, check.sentence);
    REQUIRE(names.insert(check.name).second);
    REQUIRE(check.sentence.ends_with("."));
  }
}

TEST_CASE("a paranoid kernel is named with the command that helps, and the timer's real rate is given") {
  MachineFacts facts = good_machine();
  facts.perf_event_errno = EACCES;
  facts.perf_event_paranoid = 3;
  std::vector<Check> checks = diagnose_machine(facts);
  REQUIRE(is_recordable(checks));
  const Check& perf = find(checks, "perf_event");
  REQUIRE(perf.outcome == Outcome::kWarning);
  REQUIRE(perf.sentence ==
          "perf_event is for root only (kernel.perf_event_paranoid is 3); CPU samples come from POSIX timers instead.");
  REQUIRE(perf.command == "sudo sysctl kernel.perf_event_paranoid=2");
  const Check& timer = find(checks, "cpu_timer");
  REQUIRE(timer.outcome == Outcome::kWarning);
  REQUIRE(timer.sentence.find("250 times a second") != std::string::npos);
  REQUIRE_FALSE(contains(checks, "perf_pages"));
}

TEST_CASE("a container's filter is told from a paranoid kernel") {
  MachineFacts facts = good_machine();
  facts.perf_event_errno = EPERM;
  facts.seccomp_filtered = true;
  const Check perf = find(diagnose_machine(facts), "perf_event");
  REQUIRE(perf.outcome == Outcome::kWarning);
  REQUIRE(perf.sentence.starts_with("The seccomp filter of this container forbids perf_event_open"));
  REQUIRE(perf.command.starts_with("docker run"));
}

TEST_CASE("neither perf_event nor a timer is a problem") {
  MachineFacts facts = good_machine();
  facts.perf_event_errno = ENOSYS;
  facts.cpu_timer_errno = EAGAIN;
  std::vector<Check> checks = diagnose_machine(facts);
  REQUIRE_FALSE(is_recordable(checks));
  REQUIRE(find(checks, "perf_event").sentence == "This kernel has no perf_event; there are no CPU samples.");
  REQUIRE(find(checks, "cpu_timer").outcome == Outcome::kProblem);
  facts.cpu_timer_errno = 0;
  facts.cpu_timer_interval_ns = 0;
  REQUIRE(find(diagnose_machine(facts), "cpu_timer").outcome == Outcome::kProblem);
  // A timer that is not needed may be broken.
  facts.perf_event_errno = 0;
  REQUIRE(is_recordable(diagnose_machine(facts)));
}

TEST_CASE("limits warn only where they bind") {
  MachineFacts facts = good_machine();
  facts.pending_signals_limit = 64;
  REQUIRE(find(diagnose_machine(facts), "pending_signals").outcome == Outcome::kOk);
  facts.perf_event_errno = EPERM;
  REQUIRE(find(diagnose_machine(facts), "pending_signals").outcome == Outcome::kWarning);
  facts = good_machine();
  facts.perf_page_limit = 258;
  REQUIRE(find(diagnose_machine(facts), "perf_pages").outcome == Outcome::kWarning);
  facts.perf_page_limit = 0;
  REQUIRE(find(diagnose_machine(facts), "perf_pages").outcome == Outcome::kOk);
  facts.open_files_limit = 20;
  REQUIRE(find(diagnose_machine(facts), "open_files").outcome == Outcome::kWarning);
}

TEST_CASE("Yama is blamed where it is the cause") {
  MachineFacts facts = good_machine();
  facts.read_child_memory_errno = EPERM;
  facts.ptrace_scope = 2;
  const Check check = find(diagnose_machine(facts), "process_memory");
  REQUIRE(check.outcome == Outcome::kWarning);
  REQUIRE(check.command == "sudo sysctl kernel.yama.ptrace_scope=1");
  facts.ptrace_scope = 3;  // cannot be lowered before the next boot
  REQUIRE(find(diagnose_machine(facts), "process_memory").command.empty());
  facts.ptrace_scope.reset();
  REQUIRE(find(diagnose_machine(facts), "process_memory").sentence.find("yama") == std::string::npos);
}

TEST_CASE("places that cannot be written to are named") {
  MachineFacts facts = good_machine();
  facts.output_errno = EROFS;
  facts.cache_errno = EACCES;
  facts.tmp_errno = ENOSPC;
  std::vector<Check> checks = diagnose_machine(facts);
  REQUIRE_FALSE(is_recordable(checks));
  REQUIRE(find(checks, "output").sentence == "No trace can be written to .: Read-only file system.");
  REQUIRE(find(checks, "cache").outcome == Outcome::kWarning);
  REQUIRE(find(checks, "tmp").outcome == Outcome::kWarning);

  facts = good_machine();
  facts.output_free_bytes = 100 << 20;
  REQUIRE(find(diagnose_machine(facts), "output").outcome == Outcome::kWarning);
  facts.output_free_bytes = 0;
  REQUIRE(find(diagnose_machine(facts), "output").outcome == Outcome::kProblem);
  facts.places = {"", ""};
  REQUIRE_FALSE(contains(diagnose_machine(facts), "output"));
  REQUIRE_FALSE(contains(diagnose_machine(facts), "cache"));
}

TEST_CASE("another processor and a kernel without shared memory are problems") {
  MachineFacts facts = good_machine();
  facts.architecture = "aarch64";
  REQUIRE_FALSE(is_recordable(diagnose_machine(facts)));
  facts = good_machine();
  facts.memfd_errno = EPERM;
  REQUIRE_FALSE(is_recordable(diagnose_machine(facts)));
}

TEST_CASE("a missing debug file of libc comes with the package's name") {
  MachineFacts facts = good_machine();
  facts.libc_debug_file.clear();
  const Check check = find(diagnose_machine(facts), "libc_debug_file");
  REQUIRE(check.outcome == Outcome::kWarning);
  REQUIRE(check.command == "sudo apt-get install libc6-dbg");
}

TEST_CASE("this machine's facts are what the machine says") {
  MachineFacts facts = gather_machine_facts({"/nonexistent/cache", "/tmp"});
  REQUIRE(facts.architecture == "x86_64");
  REQUIRE(facts.memfd_errno == 0);
  REQUIRE(facts.tmp_errno == 0);
  REQUIRE(facts.output_errno == 0);
  REQUIRE(facts.output_free_bytes > 0);
  REQUIRE(facts.open_files_limit > 0);
  REQUIRE(facts.libc_build_id.size() == 40);  // Debian's are SHA-1
  REQUIRE(facts.libc_path.ends_with("/libc.so.6"));
  // A tick of 100 to 1000 Hz, or the millisecond that was asked for.
  REQUIRE(facts.cpu_timer_errno == 0);
  REQUIRE(facts.cpu_timer_interval_ns > 900'000);
  REQUIRE(facts.cpu_timer_interval_ns < 25'000'000);
}

TEST_CASE("a running program that could be started under us says how") {
  std::vector<Check> checks =
      diagnose_process(good_process(), "Process 42 (server) is already traced by process 7 (gdb)");
  REQUIRE(find(checks, "running").outcome == Outcome::kProblem);
  REQUIRE(find(checks, "running").command == "flarestack record -- /usr/bin/server --port 80");
  REQUIRE(find(checks, "program").outcome == Outcome::kOk);
  REQUIRE(count(checks, Outcome::kProblem) == 1);
  REQUIRE(count(checks, Outcome::kWarning) == 0);
}

TEST_CASE("a running program that can be attached to has no problem") {
  std::vector<Check> checks = diagnose_process(good_process(), "");
  REQUIRE(find(checks, "running").outcome == Outcome::kOk);
  REQUIRE(find(checks, "running").command.starts_with("flarestack attach "));
  REQUIRE(count(checks, Outcome::kProblem) == 0);
}

TEST_CASE("a running program that can be sampled from outside alone is no problem, and says what is missing") {
  ProcessFacts facts = good_process();
  facts.program_kind = ProgramKind::kStatic;
  const std::vector<Check> checks = diagnose_process(facts, "", "it is statically linked");
  REQUIRE(is_recordable(checks));
  REQUIRE(find(checks, "running").outcome == Outcome::kWarning);
  REQUIRE(find(checks, "running").sentence.find("since it is statically linked.") != std::string::npos);
  REQUIRE(find(checks, "running").command.starts_with("flarestack attach "));
  REQUIRE(find(checks, "program").outcome == Outcome::kWarning);
}

TEST_CASE("programs that no agent is brought into are problems") {
  ProcessFacts facts = good_process();
  for (ProgramKind kind : {ProgramKind::k32Bit, ProgramKind::kOtherMachine}) {
    facts.program_kind = kind;
    REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kProblem);
  }
  facts = good_process();
  facts.changes_user = true;
  REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kProblem);
  facts.program_kind = ProgramKind::kStatic;
  REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kProblem);
  facts = good_process();
  facts.interpreter = "/lib/ld-of-another-libc.so.1";
  REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kWarning);
}

TEST_CASE("static programs and those of musl can be recorded") {
  ProcessFacts facts = good_process();
  facts.interpreter = "/lib/ld-musl-x86_64.so.1";
  REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kOk);
  facts.program_kind = ProgramKind::kStatic;
  facts.interpreter.clear();
  REQUIRE(find(diagnose_process(facts, ""), "program").outcome == Outcome::kOk);
}

TEST_CASE("another owner matters only to those who may not look") {
  ProcessFacts facts = good_process();
  facts.owner = 0;
  REQUIRE(find(diagnose_process(facts, ""), "owner").outcome == Outcome::kWarning);
  facts.can_trace = true;
  REQUIRE(find(diagnose_process(facts, ""), "owner").outcome == Outcome::kOk);
}

TEST_CASE("a tracer, a filter and a container are warnings that name them") {
  ProcessFacts facts = good_process();
  facts.tracer = 5;
  facts.tracer_name = "gdb";
  facts.seccomp_filtered = true;
  facts.other_mounts = true;
  std::vector<Check> checks = diagnose_process(facts, "");
  REQUIRE(find(checks, "tracer").sentence == "It is traced by process 5 (gdb).");
  REQUIRE(count(checks, Outcome::kWarning) == 3);
}

TEST_CASE("no process, a zombie and a kernel thread end the examination") {
  ProcessFacts facts;
  facts.pid = 4'000'000;
  REQUIRE(diagnose_process(facts, "").size() == 1);
  REQUIRE(diagnose_process(facts, "")[0].sentence == "There is no process 4000000.");
  facts = good_process();
  facts.state = 'Z';
  REQUIRE(diagnose_process(facts, "").size() == 1);
  facts = good_process();
  facts.is_kernel_thread = true;
  REQUIRE(diagnose_process(facts, "").size() == 1);
  REQUIRE_FALSE(is_recordable(diagnose_process(facts, "")));
}

}  // namespace
}  // namespace flarestack
