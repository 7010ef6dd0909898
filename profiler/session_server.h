// SPDX-License-Identifier: Apache-2.0
// SessionServer: the socket at which agents ask for their session region (wire/handshake.h). Recorder side.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/handshake.h"

namespace flarestack {

class SessionServer {
 public:
  // Error: no socket, or no random name.
  static Result<SessionServer> create();

  // The value of the session variable.
  const std::string& session_value() const { return session_value_; }
  int descriptor() const { return listener_.get(); }

  struct Peer {
    int32_t pid = 0;  // as this process sees it
    Fd connection;
    uint64_t since_monotonic_ns = 0;
  };
  // Refuses everyone from now on, those who wait in the queue as well.
  void close() { listener_.reset(); }
  // The next connection, already checked to be allowed; a Peer without connection when none waits.
  Peer accept_peer();

  // What a peer sends: a Hello or an UnrecordedNote. False: nothing yet; the peer is dropped when it is closed or
  // senseless.
  enum class Message : uint8_t { kNone, kHello, kNote, kClosed };
  Message receive(const Peer& peer, Hello& hello, UnrecordedNote& note) const;
  // Answers a Hello. `region_descriptor` -1: refused.
  static bool reply(const Peer& peer, int region_descriptor);

 private:
  SessionServer() = default;
  Fd listener_;
  std::string secret_;
  std::string session_value_;
};

}  // namespace flarestack
