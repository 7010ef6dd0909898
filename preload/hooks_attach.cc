// SPDX-License-Identifier: Apache-2.0
#include "preload/hooks_attach.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "preload/agent.h"
#include "preload/next.h"

// <unistd.h> has it with GNU's extensions only.
extern "C" long syscall(long number, ...) noexcept;

namespace flarestack::agent {
namespace {

template <typename Function>
void add(HookTable& table, const char* name, Function* hook) {
  table.add(name, reinterpret_cast<void*>(hook));
}

// libc's own handlers around a fork, for which there would be a lock to take.
int hook_fork() {
  if (!recording()) {
    return next().fork();
  }
  before_fork();
  const int result = next().fork();
  if (result == 0) {
    after_fork_in_child();
  } else {
    after_fork_in_parent();
  }
  return result;
}

}  // namespace

void add_mapping_hooks(HookTable& table) {
  add(table, "mmap", ::mmap);
  add(table, "munmap", ::munmap);
  add(table, "mremap", ::mremap);
  add(table, "brk", ::brk);
  add(table, "sbrk", ::sbrk);
}

void add_process_hooks(HookTable& table) {
  add(table, "fork", hook_fork);
  add(table, "pthread_create", ::pthread_create);
  add(table, "sigaction", static_cast<int (*)(int, const struct sigaction*, struct sigaction*)>(::sigaction));
  add(table, "pthread_sigmask", ::pthread_sigmask);
  add(table, "sigaltstack", static_cast<int (*)(const stack_t*, stack_t*)>(::sigaltstack));
  add(table, "sigpending", ::sigpending);
  add(table, "prctl", ::prctl);
  add(table, "syscall", ::syscall);
}

}  // namespace flarestack::agent
