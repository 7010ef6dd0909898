// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <catch2/catch.hpp>

#include "profiler/remote_thread.h"

namespace flarestack {
namespace {

using Catch::Matchers::Contains;

constexpr uid_t kNobody = 65534;

class Child {
 public:
  template <typename Act>
  explicit Child(Act act) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      act();
      const char ready = 'r';
      if (write(ends[1], &ready, 1) != 1) _exit(1);
      while (true) pause();
    }
    close(ends[1]);
    char ready = 0;
    REQUIRE(read(ends[0], &ready, 1) == 1);
    close(ends[0]);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// What `attach_refusal` says to an ordinary user.
std::string refusal_as_nobody(pid_t pid) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) _exit(1);
    const std::string said = attach_refusal(pid) + "|";
    _exit(write(ends[1], said.data(), said.size()) < 0);
  }
  close(ends[1]);
  char said[1000] = {};
  const ssize_t size = read(ends[0], said, sizeof said - 1);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return {said, static_cast<size_t>(size < 0 ? 0 : size)};
}

// Allows everything; forbids nothing, but is a filter.
void filter_calls() {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{1, &allow};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

AttachFacts ordinary() {
  AttachFacts facts;
  facts.process.exists = true;
  facts.process.pid = 42;
  facts.process.name = "app";
  facts.process.state = 'S';
  facts.process.program_kind = ProgramKind::kDynamic;
  facts.process.owner = facts.process.our_user = 1000;
  facts.is_open_to_us = true;
  return facts;
}

}  // namespace

TEST_CASE("an ordinary process may be attached to") {
  Child child([] {});
  CHECK(attach_refusal(child.pid()).empty());
  CHECK(refusal_of(ordinary()).empty());
}

TEST_CASE("what is no process that runs a program is refused") {
  CHECK_THAT(attach_refusal(2'000'000'000), Contains("no process"));
  CHECK_THAT(attach_refusal(getpid()), Contains("this very flarestack"));
  CHECK_THAT(attach_refusal(2), Contains("of the kernel"));
  const pid_t zombie = fork();
  if (zombie == 0) _exit(0);
  siginfo_t end{};
  waitid(P_PID, static_cast<id_t>(zombie), &end, WEXITED | WNOWAIT);
  CHECK_THAT(attach_refusal(zombie), Contains("zombie"));
  waitpid(zombie, nullptr, 0);
}

TEST_CASE("a process that is stopped or traced is refused with the way out") {
  Child traced([] { ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  CHECK_THAT(attach_refusal(traced.pid()), Contains("already traced by process " + std::to_string(getpid())));
  Child child([] {});
  kill(child.pid(), SIGSTOP);
  siginfo_t stop{};
  waitid(P_PID, static_cast<id_t>(child.pid()), &stop, WSTOPPED);
  CHECK_THAT(attach_refusal(child.pid()), Contains("kill -CONT " + std::to_string(child.pid())));
}

TEST_CASE("what only root may attach to is refused to others") {
  if (geteuid() != 0) return;
  Child of_root([] {});
  CHECK_THAT(refusal_as_nobody(of_root.pid()), Contains("runs as user 0, flarestack as user 65534"));
  Child undumpable([] {
    (void)setresuid(kNobody, kNobody, kNobody);
    prctl(PR_SET_DUMPABLE, 0);
  });
  CHECK_THAT(refusal_as_nobody(undumpable.pid()), Contains("PR_SET_DUMPABLE 0"));
  Child filtered([] {
    (void)setresgid(kNobody, kNobody, kNobody);
    (void)setresuid(kNobody, kNobody, kNobody);
    prctl(PR_SET_DUMPABLE, 1);
    filter_calls();
  });
  CHECK_THAT(refusal_as_nobody(filtered.pid()), Contains("seccomp"));
  CHECK(attach_refusal(filtered.pid()).empty());
  Result<RemoteThread> thread = RemoteThread::take(filtered.pid());
  REQUIRE(thread.ok());
  CHECK(*thread->syscall(SYS_getpid, {}) == filtered.pid());
}

TEST_CASE("each setting of Yama is told with what helps") {
  AttachFacts facts = ordinary();
  facts.is_open_to_us = false;
  facts.ptrace_scope = 1;
  CHECK_THAT(refusal_of(facts), Contains("sudo sysctl kernel.yama.ptrace_scope=0"));
  facts.ptrace_scope = 2;
  CHECK_THAT(refusal_of(facts), Contains("sudo flarestack attach 42"));
  facts.ptrace_scope = 3;
  CHECK_THAT(refusal_of(facts), Contains("until the machine boots"));
  facts.ptrace_scope.reset();
  CHECK_THAT(refusal_of(facts), Contains("CAP_SYS_PTRACE"));
}

TEST_CASE("programs of another kind are refused") {
  AttachFacts facts = ordinary();
  facts.process.program_kind = ProgramKind::k32Bit;
  CHECK_THAT(refusal_of(facts), Contains("32-bit"));
  facts.process.program_kind = ProgramKind::kOtherMachine;
  CHECK_THAT(refusal_of(facts), Contains("another processor"));
}

TEST_CASE("what no agent is to enter may be sampled from outside, but for what runs no program of this machine's") {
  AttachFacts facts = ordinary();
  CHECK(no_agent_reason_of(facts).empty());
  facts.process.program_kind = ProgramKind::kStatic;
  CHECK(no_agent_reason_of(facts).empty());
  facts.process.is_go = true;
  CHECK(no_agent_reason_of(facts).starts_with("it is a Go program"));
  facts.process.seccomp_filtered = true;
  CHECK(no_agent_reason_of(facts).starts_with("it filters its system calls"));
  facts.process.program_kind = ProgramKind::k32Bit;
  CHECK(no_agent_reason_of(facts) == "it runs 32-bit code");
  facts.process.tracer = 7;
  facts.process.tracer_name = "gdb";
  CHECK(no_agent_reason_of(facts) == "process 7 (gdb) traces it already");
  facts.process.state = 'T';
  CHECK(no_agent_reason_of(facts).empty());
  facts.process.state = 'S';
  facts.process.program_kind = ProgramKind::kOtherMachine;
  CHECK(no_agent_reason_of(facts).empty());
}

}  // namespace flarestack
