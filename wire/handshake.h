// SPDX-License-Identifier: Apache-2.0
// How an agent gets its session region: it connects to the recorder's abstract SOCK_SEQPACKET socket, sends a Hello,
// and receives a HelloReply with the region's descriptor (SCM_RIGHTS), which it maps and closes. Both sides.
//
// The environment variable kSessionVariable holds "VERSION:NAME" and, without a gap, SECRET: 16 random hexadecimal
// digits each. NAME is the socket's, which every user sees in /proc/net/unix; SECRET is in the environment alone, and
// in each message. The recorder answers its own user only (SO_PEERCRED), and if it is root, anyone who knows the
// secret.
#pragma once

#include <cstdint>

namespace flarestack {

inline constexpr char kSessionVariable[] = "FLARESTACK_SESSION";
inline constexpr char kPreloadVariable[] = "LD_PRELOAD";
inline constexpr uint32_t kSessionNameLength = 16;
inline constexpr uint32_t kSessionSecretLength = 16;

enum class HelloOrigin : uint32_t { kImage = 0, kFork = 1, kAttach = 2 };

struct Hello {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  HelloOrigin origin;
  uint32_t parent_session_id;  // kFork: the parent's
  uint32_t fork_number;        // kFork: which of the parent's forks; 0: nobody told the recorder of it
  char secret[kSessionSecretLength];
};
static_assert(sizeof(Hello) == 40);

// Or, instead of a Hello, a note about a process that will not be recorded, from the process about to exec it; no
// reply.
struct UnrecordedNote {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  uint32_t reason;   // LoadVerdict
  char secret[kSessionSecretLength];
  char path[224];  // zero-terminated, cut to fit
};
static_assert(sizeof(UnrecordedNote) == 256);

// Or, from another flarestack process: look for leaks in a process that is being recorded, now.
struct LeakCheckAsk {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  int32_t pid;
  char secret[kSessionSecretLength];
};
static_assert(sizeof(LeakCheckAsk) == 32);

// When that is done, and in the trace file.
struct LeakCheckAnswer {
  uint64_t magic;
  uint32_t version;
  uint32_t number;  // of the check, LeakCheckRecord::number; 0: there was none, the process is not recorded exactly
  char trace_path[4080];  // absolute, zero-terminated
};
static_assert(sizeof(LeakCheckAnswer) == 4096);

struct HelloReply {
  uint64_t magic;
  uint32_t version;
  uint32_t refused;  // 0: the descriptor of a region of kSessionBytes comes with this message
};
static_assert(sizeof(HelloReply) == 16);

}  // namespace flarestack
