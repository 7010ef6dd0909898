// SPDX-License-Identifier: Apache-2.0
// Who gets a session, and what is done with a peer that makes no sense.
#include "profiler/session_server.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include <catch2/catch.hpp>

#include "wire/session.h"

namespace flarestack {
namespace {

using Message = SessionServer::Message;

struct Meeting {
  SessionServer server;
  SessionServer::Peer peer;
  Fd agent;
};

std::string name_of(const SessionServer& server) { return server.session_value().substr(2, kSessionNameLength); }
std::string secret_of(const SessionServer& server) { return server.session_value().substr(2 + kSessionNameLength); }

Fd connect_to(const std::string& name) {
  Fd agent(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (connect(agent.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    agent.reset();
  }
  return agent;
}

Meeting meet() {
  Result<SessionServer> server = SessionServer::create();
  REQUIRE(server.ok());
  Fd agent = connect_to(name_of(*server));
  REQUIRE(agent);
  SessionServer::Peer peer = server->accept_peer();
  REQUIRE(peer.connection);
  return {std::move(*server), std::move(peer), std::move(agent)};
}

Hello hello_for(const SessionServer& server) {
  Hello hello{kSessionMagic, kWireVersion, HelloOrigin::kFork, 7, 0, {}};
  std::memcpy(hello.secret, secret_of(server).data(), sizeof(hello.secret));
  return hello;
}

void send_bytes(const Meeting& meeting, const void* bytes, size_t size_bytes) {
  REQUIRE(send(meeting.agent.get(), bytes, size_bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(size_bytes));
}

Message receive(const Meeting& meeting) {
  SessionServer::Received received;
  return meeting.server.receive(meeting.peer, received);
}

// The descriptor that the agent's side has received; none if the answer was a refusal.
Fd received_region(const Meeting& meeting, HelloReply& reply) {
  iovec vector{&reply, sizeof(reply)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  REQUIRE(recvmsg(meeting.agent.get(), &message, MSG_CMSG_CLOEXEC) == sizeof(reply));
  int region = -1;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr) {
    std::memcpy(&region, CMSG_DATA(header), sizeof(region));
  }
  return Fd(region);
}

}  // namespace

TEST_CASE("two sessions have different names and secrets") {
  const Result<SessionServer> one = SessionServer::create();
  const Result<SessionServer> other = SessionServer::create();
  REQUIRE(one.ok());
  REQUIRE(other.ok());
  CHECK(name_of(*one) != name_of(*other));
  CHECK(secret_of(*one) != secret_of(*other));
  CHECK(secret_of(*one).size() == kSessionSecretLength);
  CHECK(name_of(*one) != secret_of(*one));
}

TEST_CASE("a Hello arrives as it was sent, with the sender's pid") {
  const Meeting meeting = meet();
  CHECK(meeting.peer.pid == getpid());
  CHECK(receive(meeting) == Message::kNone);
  const Hello sent = hello_for(meeting.server);
  send_bytes(meeting, &sent, sizeof(sent));
  SessionServer::Received received;
  REQUIRE(meeting.server.receive(meeting.peer, received) == Message::kHello);
  CHECK(received.hello.origin == HelloOrigin::kFork);
  CHECK(received.hello.parent_session_id == 7);
}

TEST_CASE("a message without the secret, of another version or of another size is dropped") {
  const Meeting meeting = meet();
  Hello hello = hello_for(meeting.server);
  size_t size_bytes = sizeof(hello);
  SECTION("a wrong secret") { hello.secret[kSessionSecretLength - 1] ^= 1; }
  SECTION("another version") { hello.version = kWireVersion + 1; }
  SECTION("another magic") { hello.magic = 0; }
  SECTION("too short") { size_bytes = 24; }
  SECTION("empty") { size_bytes = 0; }
  send_bytes(meeting, &hello, size_bytes);
  CHECK(receive(meeting) == Message::kClosed);
}

TEST_CASE("a message that is larger than any is dropped") {
  const Meeting meeting = meet();
  const std::string bytes(10'000, 'x');
  send_bytes(meeting, bytes.data(), bytes.size());
  CHECK(receive(meeting) == Message::kClosed);
}

TEST_CASE("a peer that went away is dropped") {
  Meeting meeting = meet();
  meeting.agent.reset();
  CHECK(receive(meeting) == Message::kClosed);
  CHECK_FALSE(SessionServer::reply(meeting.peer, -1));
}

TEST_CASE("the path of a note ends, whatever was sent") {
  const Meeting meeting = meet();
  UnrecordedNote sent{kSessionMagic, kWireVersion, 2, {}, {}};
  std::memcpy(sent.secret, secret_of(meeting.server).data(), sizeof(sent.secret));
  std::memset(sent.path, 'x', sizeof(sent.path));
  send_bytes(meeting, &sent, sizeof(sent));
  SessionServer::Received received;
  REQUIRE(meeting.server.receive(meeting.peer, received) == Message::kNote);
  CHECK(std::string(received.note.path).size() == sizeof(received.note.path) - 1);
}

TEST_CASE("a reply carries the region, a refusal carries none") {
  const Meeting meeting = meet();
  const Fd region(memfd_create("region", MFD_CLOEXEC));
  REQUIRE(SessionServer::reply(meeting.peer, region.get()));
  HelloReply reply{};
  const Fd received = received_region(meeting, reply);
  CHECK(reply.refused == 0);
  struct stat ours {};
  struct stat theirs {};
  REQUIRE(fstat(region.get(), &ours) == 0);
  REQUIRE(fstat(received.get(), &theirs) == 0);
  CHECK(ours.st_ino == theirs.st_ino);
  REQUIRE(SessionServer::reply(meeting.peer, -1));
  CHECK_FALSE(received_region(meeting, reply));
  CHECK(reply.refused == 1);
}

TEST_CASE("a request for hooks, and how it went, arrive as they were sent; without the secret they are dropped") {
  const Meeting meeting = meet();
  PatchRequest request{kSessionMagic, kWireVersion, 1, 0x1000, {1, 2, 3}, {{"_exit", 4}}, {}};
  PatchOutcome outcome{kSessionMagic, kWireVersion, 5, 1, 2, EPERM, 0, {}};
  std::memcpy(request.secret, secret_of(meeting.server).data(), sizeof(request.secret));
  std::memcpy(outcome.secret, secret_of(meeting.server).data(), sizeof(outcome.secret));
  send_bytes(meeting, &request, sizeof(request));
  SessionServer::Received received;
  REQUIRE(meeting.server.receive(meeting.peer, received) == Message::kPatchRequest);
  CHECK(std::memcmp(&received.patch_request, &request, sizeof(request)) == 0);
  send_bytes(meeting, &outcome, sizeof(outcome));
  REQUIRE(meeting.server.receive(meeting.peer, received) == Message::kPatchOutcome);
  CHECK(std::memcmp(&received.patch_outcome, &outcome, sizeof(outcome)) == 0);
  outcome.secret[0] ^= 1;
  send_bytes(meeting, &outcome, sizeof(outcome));
  CHECK(receive(meeting) == Message::kClosed);
}

TEST_CASE("a closed server refuses everyone, whoever waited as well") {
  Result<SessionServer> server = SessionServer::create();
  REQUIRE(server.ok());
  const std::string name = name_of(*server);
  const Fd waiting = connect_to(name);
  REQUIRE(waiting);
  server->close();
  char byte;
  CHECK(recv(waiting.get(), &byte, 1, 0) <= 0);
  CHECK(errno != EAGAIN);
  CHECK_FALSE(connect_to(name));
  CHECK_FALSE(server->accept_peer().connection);
}

}  // namespace flarestack
