// SPDX-License-Identifier: Apache-2.0
// The functions that our hooks stand in front of, as the target's own libraries define them.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <threads.h>

#include <csignal>

#include "preload/next_symbol.h"

struct _IO_FILE;  // FILE: stdio is not for the agent

namespace flarestack::agent {

struct Next {
  int (*pthread_create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  int (*pthread_attr_getstacksize)(const pthread_attr_t*, size_t*);
  int (*pthread_attr_getsigmask_np)(const pthread_attr_t*, sigset_t*);
  int (*thrd_create)(thrd_t*, thrd_start_t, void*);
  int (*register_atfork)(void (*)(), void (*)(), void (*)(), void*);
  int (*fork)();

  int (*sigaction)(int, const struct sigaction*, struct sigaction*);
  int (*sigprocmask)(int, const sigset_t*, sigset_t*);
  int (*pthread_sigmask)(int, const sigset_t*, sigset_t*);
  sighandler_t (*signal)(int, sighandler_t);
  sighandler_t (*sysv_signal)(int, sighandler_t);
  sighandler_t (*sigset)(int, sighandler_t);
  int (*sigignore)(int);
  int (*sighold)(int);
  int (*sigrelse)(int);
  int (*siginterrupt)(int, int);
  int* (*errno_location)();
  int (*sigaltstack)(const stack_t*, stack_t*);
  int (*sigpending)(sigset_t*);
  int (*sigwait)(const sigset_t*, int*);
  int (*sigwaitinfo)(const sigset_t*, siginfo_t*);
  int (*sigtimedwait)(const sigset_t*, siginfo_t*, const timespec*);
  int (*signalfd)(int, const sigset_t*, int);

  int (*execve)(const char*, char* const[], char* const[]);
  int (*execvpe)(const char*, char* const[], char* const[]);
  int (*fexecve)(int, char* const[], char* const[]);
  int (*execveat)(int, const char*, char* const[], char* const[], int);
  int (*posix_spawn)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const[],
                     char* const[]);
  int (*posix_spawnp)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const[],
                      char* const[]);
  int (*system)(const char*);
  _IO_FILE* (*popen)(const char*, const char*);
  int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
  long (*ptrace)(int, long, void*, void*);
  void* syscall;  // of any arguments: jumped to
  char*** environ;
};

// Resolved at the first call, which our constructor makes unless an earlier constructor's hook does. An entry that no
// module of the target defines is nullptr: it can then not be called by the target either. [hook]
const Next& next();
// Some of them were hooked inline: from now on we call what they displaced. [hook]
void settle_next();

}  // namespace flarestack::agent
