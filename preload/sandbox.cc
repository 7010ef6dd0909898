// SPDX-License-Identifier: Apache-2.0
#include "preload/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/fatal_signals.h"
#include "preload/filter_program.h"
#include "preload/heap.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/system.h"
#include "wire/handshake.h"

namespace flarestack::agent {

namespace {

constinit std::atomic<uint32_t> calling{0};  // CallScopes

// Lets those finish that asked sandbox_allows() before it began to say no.
void wait_for_callers() {
  constexpr timespec kNap{0, 50'000};
  constexpr int kMaxNaps = 2000;
  for (int i = 0; calling.load(std::memory_order_seq_cst) != 0 && i < kMaxNaps; ++i) {
    raw_syscall(SYS_nanosleep, raw_pointer(&kNap), 0);
  }
}

struct Call {
  Deed deed;
  int32_t number;
  uint64_t arguments[4];
};

constexpr auto kNoDescriptor = static_cast<uint64_t>(-1);
constexpr Call kCalls[] = {
    {Deed::kSample, SYS_rt_sigreturn, {}},
    {Deed::kSample, SYS_rt_sigprocmask, {0, 0, 0, 8}},
    {Deed::kSample, SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {Deed::kSample, SYS_clock_gettime, {CLOCK_THREAD_CPUTIME_ID}},
    {Deed::kSample, SYS_getpid, {}},
    {Deed::kSample, SYS_process_vm_readv, {}},
    {Deed::kSample, SYS_kill, {}},
    {Deed::kSample, SYS_munmap, {}},
    {Deed::kSample, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {Deed::kArm, SYS_gettid, {}},
    {Deed::kArm, SYS_tgkill, {}},
    {Deed::kArm, SYS_nanosleep, {}},
    {Deed::kArm, SYS_perf_event_open, {0, 0, kNoDescriptor, kNoDescriptor}},
    {Deed::kArm, SYS_fcntl, {3, F_SETOWN_EX}},
    {Deed::kArm, SYS_fcntl, {3, F_SETSIG}},
    {Deed::kArm, SYS_fcntl, {3, F_SETFL, O_ASYNC}},
    {Deed::kArm, SYS_mmap, {0, 4096, PROT_READ, MAP_SHARED}},
    {Deed::kArm, SYS_ioctl, {3, PERF_EVENT_IOC_ENABLE}},
    {Deed::kArm, SYS_close, {3}},
    {Deed::kArm, SYS_prctl, {PR_GET_NAME}},
    {Deed::kArm, SYS_timer_create, {CLOCK_THREAD_CPUTIME_ID}},
    {Deed::kArm, SYS_timer_settime, {}},
    {Deed::kArm, SYS_timer_delete, {}},
    {Deed::kName, SYS_prctl, {PR_SET_VMA, PR_SET_VMA_ANON_NAME}},
    {Deed::kHeap, SYS_futex, {}},
    {Deed::kHeap, SYS_membarrier, {}},
    {Deed::kHeap, SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {Deed::kHeap, SYS_kill, {}},
    {Deed::kHeap, SYS_process_vm_readv, {}},
    {Deed::kHeap, SYS_getpid, {}},
    {Deed::kHeap, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {Deed::kReach, SYS_madvise, {}},
    {Deed::kReach, SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC}},
    {Deed::kReach, SYS_setsockopt, {3, SOL_SOCKET, SO_RCVTIMEO}},
    {Deed::kReach, SYS_setsockopt, {3, SOL_SOCKET, SO_SNDTIMEO}},
    {Deed::kReach, SYS_connect, {3}},
    {Deed::kReach, SYS_sendto, {3}},
    {Deed::kReach, SYS_recvmsg, {3}},
    {Deed::kReach, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED}},
    {Deed::kReach, SYS_openat, {static_cast<uint64_t>(AT_FDCWD), 0, O_RDONLY | O_CLOEXEC}},
    {Deed::kReach, SYS_openat, {static_cast<uint64_t>(AT_FDCWD), 0, O_RDWR | O_CLOEXEC}},
    {Deed::kReach, SYS_read, {3}},
    {Deed::kReach, SYS_pread64, {3}},
    {Deed::kReach, SYS_pwrite64, {3}},
    {Deed::kReach, SYS_close, {3}},
    {Deed::kReach, SYS_fstat, {3}},
    {Deed::kReach, SYS_fgetxattr, {3}},
    {Deed::kReach, SYS_access, {}},
    {Deed::kReach, SYS_readlink, {}},
    {Deed::kReach, SYS_getcwd, {}},
    {Deed::kReach, SYS_getuid, {}},
    {Deed::kReach, SYS_geteuid, {}},
    {Deed::kReach, SYS_getgid, {}},
    {Deed::kReach, SYS_getegid, {}},
    {Deed::kReach, SYS_prlimit64, {}},
    {Deed::kReach, SYS_rt_sigaction, {}},
};

// An error is as good as the call to us; a trap, a notification or a tracer would show the call to somebody.
bool passes_in_silence(uint32_t verdict, int32_t number) {
  switch (verdict & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return true;
    case SECCOMP_RET_ERRNO:
      return number != SYS_rt_sigreturn && number != SYS_munmap;
    default:
      return false;
  }
}

uint32_t deeds_forbidden_by(const sock_filter* code, size_t count) {
  uint32_t forbidden = 0;
  for (const Call& call : kCalls) {
    seccomp_data data{};
    data.nr = call.number;
    data.arch = AUDIT_ARCH_X86_64;
    data.instruction_pointer = reinterpret_cast<uint64_t>(&deeds_forbidden_by);  // somewhere in our code
    for (size_t i = 0; i < sizeof(call.arguments) / sizeof(call.arguments[0]); ++i) {
      data.args[i] = call.arguments[i];
    }
    if (!passes_in_silence(run_filter(code, count, data), call.number)) {
      forbidden |= static_cast<uint32_t>(call.deed);
    }
  }
  return forbidden;
}

// Takes our two variables out of the program's environment: an image that finds them would load an agent, whose first
// system calls the filter forbids.
void clear_environment() {
  char** to = *next().environ;
  for (char** from = to; to != nullptr && *from != nullptr; ++from) {
    if (text_starts(*from, kSessionVariable) && (*from)[sizeof(kSessionVariable) - 1] == '=') {
      continue;
    }
    if (text_starts(*from, kPreloadVariable) && (*from)[sizeof(kPreloadVariable) - 1] == '=') {
      char* value = *from + sizeof(kPreloadVariable);
      if (text_starts(value, the_agent.agent_path)) {
        char* rest = value + text_length(the_agent.agent_path);
        if (*rest == '\0') {
          continue;
        }
        text_copy(value, rest + 1, text_length(rest + 1) + 1);
      }
    }
    *to++ = *from;
  }
  if (to != nullptr) {
    *to = nullptr;
  }
}

void forbid(uint32_t deeds) {
  const uint32_t added = deeds & ~forbidden_deeds.load(std::memory_order_relaxed);
  const auto newly = [added](Deed deed) { return (added & static_cast<uint32_t>(deed)) != 0; };
  if (added == 0) {
    return;
  }
  if (the_agent.session) {
    the_agent.session.page().sandboxed.fetch_or(added & ~static_cast<uint32_t>(Deed::kName), std::memory_order_relaxed);
    if (newly(Deed::kArm) && !newly(Deed::kSample)) {
      settle_timers_for_sandbox();
    }
  }
  if (newly(Deed::kReach)) {
    clear_environment();
  }
  if (newly(Deed::kHeap)) {
    stop_heap();
  }
  // Beyond this point no timer is armed.
  forbidden_deeds.fetch_or(added, std::memory_order_seq_cst);
  wait_for_callers();
  if (newly(Deed::kSample)) {
    disarm_all();
  }
}

// Judges a filter by a copy: what the program passes may not be readable, and then the kernel refuses it.
void judge(long program_address) {
  sock_fprog program{};
  if (!safe_read(&program, reinterpret_cast<const void*>(program_address), sizeof(program)) || program.len == 0 ||
      program.len > BPF_MAXINSNS) {
    return;
  }
  const size_t size_bytes = program.len * sizeof(sock_filter);
  auto* code = static_cast<sock_filter*>(map_memory(size_bytes));
  if (code != nullptr && safe_read(code, program.filter, size_bytes)) {
    const uint32_t deeds = deeds_forbidden_by(code, program.len);
    unmap_memory(code, size_bytes);
    forbid(deeds);
  }
}

bool concerns_us() { return the_agent.session_value != nullptr && sandbox_allows(Deed::kSample); }

constexpr uint32_t kEverything = static_cast<uint32_t>(Deed::kSample) | static_cast<uint32_t>(Deed::kArm) |
                                 static_cast<uint32_t>(Deed::kReach) | static_cast<uint32_t>(Deed::kHeap) |
                                 static_cast<uint32_t>(Deed::kName);

}  // namespace

CallScope::CallScope() { calling.fetch_add(1, std::memory_order_seq_cst); }
CallScope::~CallScope() { calling.fetch_sub(1, std::memory_order_release); }
void forget_other_threads_calls() { calling.store(0, std::memory_order_relaxed); }

void before_prctl(long option, long first, long second) {
  if (option != PR_SET_SECCOMP || !concerns_us()) {
    return;
  }
  reveal_fatal_signals();
  if (first == SECCOMP_MODE_STRICT) {
    forbid(kEverything);
  } else if (first == SECCOMP_MODE_FILTER) {
    judge(second);
  }
}

void before_seccomp(long operation, long program) {
  if (!concerns_us()) {
    return;
  }
  if (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER) {
    reveal_fatal_signals();
  }
  if (operation == SECCOMP_SET_MODE_STRICT) {
    forbid(kEverything);
  } else if (operation == SECCOMP_SET_MODE_FILTER) {
    judge(program);
  }
}

}  // namespace flarestack::agent
