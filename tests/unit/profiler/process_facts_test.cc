// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_facts.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// A child that does what `act` says and then waits until it is killed.
class Child {
 public:
  template <typename Act>
  explicit Child(Act act) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      act();
      char ready = 'r';
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

TEST_CASE("a process that we started is seen as it is") {
  Child child([] {});
  ProcessFacts facts = gather_process_facts(child.pid());
  REQUIRE(facts.exists);
  REQUIRE_FALSE(facts.is_kernel_thread);
  REQUIRE(facts.owner == geteuid());
  REQUIRE(facts.our_user == geteuid());
  REQUIRE(facts.tracer == 0);
  REQUIRE(facts.program_kind == ProgramKind::kDynamic);
  REQUIRE(facts.program_path == std::filesystem::read_symlink("/proc/self/exe").string());
  REQUIRE(facts.interpreter == "/lib64/ld-linux-x86-64.so.2");
  REQUIRE_FALSE(facts.changes_user);
  REQUIRE_FALSE(facts.other_mounts);
  REQUIRE_FALSE(facts.other_pids);
  REQUIRE(facts.name == gather_process_facts(getpid()).name);
}

TEST_CASE("a process that is traced names its tracer") {
  Child child([] { ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  ProcessFacts facts = gather_process_facts(child.pid());
  REQUIRE(facts.tracer == getpid());
  REQUIRE(facts.tracer_name == gather_process_facts(getpid()).name);
}

TEST_CASE("a zombie is seen as one and its program is not looked for") {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) _exit(0);
  siginfo_t ended;
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) == 0);
  ProcessFacts facts = gather_process_facts(pid);
  waitpid(pid, nullptr, 0);
  REQUIRE(facts.state == 'Z');
  REQUIRE(facts.program_path.empty());
  REQUIRE(facts.command_line.empty());
  REQUIRE_FALSE(gather_process_facts(pid).exists);
}

TEST_CASE("a command line is quoted so that a shell reads the same words") {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", "kill -STOP $$", "it's", "", "a b", "plain=1", nullptr);
    _exit(127);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, WUNTRACED) == pid);
  REQUIRE(WIFSTOPPED(status));
  ProcessFacts facts = gather_process_facts(pid);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  REQUIRE(facts.command_line == R"(sh -c 'kill -STOP $$' 'it'\''s' '' 'a b' plain=1)");
  REQUIRE(facts.name == "sh");
  REQUIRE(facts.state == 'T');
}

TEST_CASE("pids that cannot be are no processes") {
  REQUIRE_FALSE(gather_process_facts(0).exists);
  REQUIRE_FALSE(gather_process_facts(-1).exists);
  REQUIRE_FALSE(gather_process_facts(2'000'000'000).exists);
}

}  // namespace
}  // namespace flarestack
