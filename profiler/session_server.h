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
#include "wire/patch.h"

namespace flarestack {

class SessionServer {
 public:
  // Error: no socket, or no random name.
  static Result<SessionServer> create();

  // The value of the session variable.
  const std::string& session_value() const { return session_value_; }
  int descriptor() const { return listeners_.empty() ? -1 : listeners_.front().get(); }

  struct Peer {
    int32_t pid = 0;  // as this process sees it
    Fd connection;
    uint64_t since_monotonic_ns = 0;  // it said something, or came
  };
  // Listens in the network namespace of the process as well; its descriptor. -1: that is this one's. Error: it may not.
  Result<int> listen_for(int32_t pid);
  // Refuses everyone from now on, those who wait in the queue as well.
  void close() { listeners_.clear(); }
  // The next connection, already checked to be allowed; a Peer without connection when none waits.
  Peer accept_peer();

  // What a peer sends; the one that receive() names is valid. kNone: nothing yet; kClosed: the peer is gone, or makes
  // no sense, and is to be dropped.
  enum class Message : uint8_t { kNone, kHello, kNote, kPatchRequest, kPatchOutcome, kLeakCheckAsk, kClosed };
  struct Received {
    Hello hello{};
    UnrecordedNote note{};
    PatchRequest patch_request{};
    PatchOutcome patch_outcome{};
    LeakCheckAsk leak_check_ask{};
  };
  Message receive(const Peer& peer, Received& received) const;
  // Answers a Hello. `region_descriptor` -1: refused.
  static bool reply(const Peer& peer, int region_descriptor);
  // Answers a PatchRequest. `plan_descriptor` -1: there is nothing to patch.
  static bool reply_plan(const Peer& peer, int plan_descriptor, uint32_t size_bytes);
  // Answers a LeakCheckAsk.
  static bool reply_leak_check(const Peer& peer, uint32_t number, const std::string& trace_path);

 private:
  SessionServer() = default;
  std::vector<Fd> listeners_;  // our own namespace's first
  std::string name_;
  std::string secret_;
  std::string session_value_;
};

}  // namespace flarestack
