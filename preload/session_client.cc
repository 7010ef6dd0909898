// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/connection.h"
#include "preload/system.h"
#include "wire/handshake.h"

namespace flarestack::agent {
namespace {

// The region's descriptor, or a negative value.
int receive_region(const Connection& connection) {
  HelloReply reply{};
  int region = -1;
  if (!connection.receive(&reply, sizeof(reply), region)) {
    return -1;
  }
  if (reply.magic != kSessionMagic || reply.version != kWireVersion || reply.refused != 0) {
    if (region >= 0) {
      close_file(region);
    }
    return -1;
  }
  return region;
}

}  // namespace

SessionView open_session(const char* session_value, const SessionRequest& request, Connection& connection) {
  Hello hello{kSessionMagic, kWireVersion, request.origin, request.parent_session_id, request.fork_number, {}};
  if (!connection.open(session_value) || !copy_secret(session_value, hello.secret)) {
    return {};
  }
  const int region = connection.send(&hello, sizeof(hello)) ? receive_region(connection) : -1;
  if (region < 0) {
    return {};
  }
  const long address = map_apart(kSessionBytes, PROT_READ | PROT_WRITE, MAP_SHARED, region);
  close_file(region);
  if (raw_failed(address)) {
    return {};
  }
  const SessionView session(reinterpret_cast<void*>(address));
  session.page().own_memory_top = top_of_own_memory();
  return session;
}

SessionView open_session(const char* session_value, const SessionRequest& request) {
  Connection connection;
  return open_session(session_value, request, connection);
}

void send_unrecorded_note(const char* path, uint32_t reason) {
  Connection connection;
  UnrecordedNote note{kSessionMagic, kWireVersion, reason, {}, {}};
  if (connection.open(the_agent.session_value) && copy_secret(the_agent.session_value, note.secret)) {
    text_copy(note.path, path, sizeof(note.path));
    connection.send(&note, sizeof(note));
  }
}

}  // namespace flarestack::agent
