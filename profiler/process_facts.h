// SPDX-License-Identifier: Apache-2.0
// ProcessFacts: what can be seen of a process from outside without disturbing it. Made for `doctor PID`
// (profiler/doctor.h judges); recorder side.
#pragma once

#include <sys/types.h>

#include <string>

namespace flarestack {

enum class ProgramKind {
  kUnknown,  // not readable
  kDynamic,  // an x86-64 ELF file with an interpreter
  kStatic,   // an x86-64 ELF file without one
  k32Bit,
  kOtherMachine,  // an ELF file for another processor
};

struct ProcessFacts {
  pid_t pid = 0;
  bool exists = false;  // beyond here nothing holds without it
  std::string name;     // as the kernel has it, at most 15 characters
  char state = '?';     // of /proc/PID/stat: R, S, D, Z, T, t...
  bool is_kernel_thread = false;
  uid_t owner = 0;                   // effective
  uid_t our_user = 0;                // effective
  bool can_trace = false;            // we may do to any process what its owner may (CAP_SYS_PTRACE)
  bool can_suspend_filters = false;  // and may keep a seccomp filter from what we do (CAP_SYS_ADMIN)
  std::string command_line;          // quoted for a shell; empty for kernel threads and zombies

  std::string program_path;  // empty: not readable
  ProgramKind program_kind = ProgramKind::kUnknown;
  std::string interpreter;    // of a dynamic program: "/lib64/ld-linux-x86-64.so.2"
  bool is_go = false;         // made by Go's compiler
  bool changes_user = false;  // the file is setuid or setgid

  bool seccomp_filtered = false;
  pid_t tracer = 0;  // 0: nobody
  std::string tracer_name;
  bool other_mounts = false;  // another mount namespace than ours: another /tmp, other files
  bool other_pids = false;    // another pid namespace than ours
};

ProcessFacts gather_process_facts(pid_t pid);

}  // namespace flarestack
