// SPDX-License-Identifier: Apache-2.0
#include "preload/next.h"

#include <atomic>

#include "preload/agent.h"
#include "preload/patches.h"

namespace flarestack::agent {
namespace {

constinit Next table{};
constinit std::atomic<bool> resolved{false};

template <typename Function>
void settle(Function*& function) {
  function = reinterpret_cast<Function*>(original_of(reinterpret_cast<void*>(function)));
}

}  // namespace

const Next& next() {
  // Two threads may both resolve: they write the same values.
  if (!resolved.load(std::memory_order_acquire)) {
    const r_debug* debug = the_agent.is_attached ? the_agent.debug : loader_debug();
    find_next(table.pthread_create, debug, "pthread_create");
    find_next(table.pthread_attr_getstacksize, debug, "pthread_attr_getstacksize");
    find_next(table.pthread_attr_getsigmask_np, debug, "pthread_attr_getsigmask_np");
    find_next(table.thrd_create, debug, "thrd_create");
    find_next(table.register_atfork, debug, "__register_atfork");
    find_next(table.fork, debug, "fork");
    find_next(table.sigaction, debug, "sigaction");
    find_next(table.sigprocmask, debug, "sigprocmask");
    find_next(table.pthread_sigmask, debug, "pthread_sigmask");
    find_next(table.signal, debug, "signal");
    find_next(table.sysv_signal, debug, "sysv_signal");
    find_next(table.sigset, debug, "sigset");
    find_next(table.sigignore, debug, "sigignore");
    find_next(table.sighold, debug, "sighold");
    find_next(table.sigrelse, debug, "sigrelse");
    find_next(table.siginterrupt, debug, "siginterrupt");
    find_next(table.errno_location, debug, "__errno_location");
    find_next(table.sigaltstack, debug, "sigaltstack");
    find_next(table.sigpending, debug, "sigpending");
    find_next(table.sigwait, debug, "sigwait");
    find_next(table.sigwaitinfo, debug, "sigwaitinfo");
    find_next(table.sigtimedwait, debug, "sigtimedwait");
    find_next(table.signalfd, debug, "signalfd");
    find_next(table.execve, debug, "execve");
    find_next(table.execvpe, debug, "execvpe");
    find_next(table.fexecve, debug, "fexecve");
    find_next(table.execveat, debug, "execveat");
    find_next(table.posix_spawn, debug, "posix_spawn");
    find_next(table.posix_spawnp, debug, "posix_spawnp");
    find_next(table.system, debug, "system");
    find_next(table.popen, debug, "popen");
    find_next(table.prctl, debug, "prctl");
    find_next(table.ptrace, debug, "ptrace");
    table.syscall = next_symbol(debug, "syscall");
    table.environ = static_cast<char***>(global_object(debug, "environ"));
    resolved.store(true, std::memory_order_release);
  }
  return table;
}

void settle_next() {
  settle(table.pthread_create);
  settle(table.fork);
  settle(table.sigaction);
  settle(table.pthread_sigmask);
  settle(table.sigaltstack);
  settle(table.sigpending);
  settle(table.prctl);
  table.syscall = original_of(table.syscall);
}

}  // namespace flarestack::agent
