// SPDX-License-Identifier: Apache-2.0
// How an agent gets its session region: it connects to the recorder's abstract SOCK_SEQPACKET socket, sends a Hello, and
// receives a HelloReply with the region's descriptor (SCM_RIGHTS), which it maps and closes. Both sides.
//
// The environment variable kSessionVariable holds "VERSION:NAME": NAME is the socket's, 32 random hexadecimal digits, and so
// the secret of the session. The recorder answers its own user only (SO_PEERCRED), and if it is root, anyone who knows the name.
#pragma once

#include <cstdint>

namespace flarestack {

inline constexpr char kSessionVariable[] = "FLARESTACK_SESSION";
inline constexpr char kPreloadVariable[] = "LD_PRELOAD";
inline constexpr uint32_t kSessionNameLength = 32;

enum class HelloOrigin : uint32_t { kImage = 0, kFork = 1 };

struct Hello {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  HelloOrigin origin;
  uint32_t parent_session_id;  // kFork: the parent's
  uint32_t reserved;
};
static_assert(sizeof(Hello) == 24);

// Or, instead of a Hello, a note about a process that will not be recorded, from the process about to exec it; no reply.
struct UnrecordedNote {
  uint64_t magic;    // kSessionMagic
  uint32_t version;  // kWireVersion
  uint32_t reason;   // LoadVerdict
  char path[240];    // zero-terminated, cut to fit
};
static_assert(sizeof(UnrecordedNote) == 256);

struct HelloReply {
  uint64_t magic;
  uint32_t version;
  uint32_t refused;  // 0: the descriptor of a region of kSessionBytes comes with this message
};
static_assert(sizeof(HelloReply) == 16);

}  // namespace flarestack
