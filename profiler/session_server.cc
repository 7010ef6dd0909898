// SPDX-License-Identifier: Apache-2.0
#include "profiler/session_server.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "profiler/clock.h"
#include "profiler/namespace_listener.h"
#include "wire/session.h"

namespace flarestack {
namespace {

// Random hexadecimal digits; empty: the kernel has none.
std::string random_digits(size_t count) {
  std::vector<uint8_t> bytes(count / 2);
  std::string digits;
  if (getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) {
    for (const uint8_t byte : bytes) {
      digits += fmt::format("{:02x}", byte);
    }
  }
  return digits;
}

std::pair<sockaddr_un, socklen_t> address_of(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // abstract: the first byte stays zero
  return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())};
}

// In the same time whatever they hold.
bool equal_secrets(std::string_view left, std::string_view right) {
  int difference = left.size() == right.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    difference |= left[i] ^ right[i];
  }
  return difference == 0;
}

// Never blocks: an agent that does not read is given up. `descriptor` -1: none.
template <typename Reply>
bool send_with_descriptor(int connection, Reply reply, int descriptor) {
  iovec vector{&reply, sizeof(reply)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  }
  return sendmsg(connection, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof(reply));
}

}  // namespace

Result<SessionServer> SessionServer::create() {
  SessionServer server;
  server.name_ = random_digits(kSessionNameLength);
  server.secret_ = random_digits(kSessionSecretLength);
  if (server.name_.empty() || server.secret_.empty()) {
    return errno_error("get random bytes");
  }
  Fd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto [address, length] = address_of(server.name_);
  if (!listener || bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    return errno_error("open the socket for agents");
  }
  server.listeners_.push_back(std::move(listener));
  server.session_value_ = fmt::format("{}:{}{}", kWireVersion, server.name_, server.secret_);
  return server;
}

Result<int> SessionServer::listen_for(int32_t pid) {
  if (!has_other_network(pid)) {
    return -1;
  }
  const auto [address, length] = address_of(name_);
  Result<Fd> listener = listen_in_network_of(pid, address, length);
  if (!listener.ok()) {
    return listener.error();
  }
  listeners_.push_back(std::move(*listener));
  return listeners_.back().get();
}

SessionServer::Peer SessionServer::accept_peer() {
  for (const Fd& listener : listeners_) {
    while (Fd connection{accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)}) {
      ucred credentials{};
      socklen_t size = sizeof(credentials);
      if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        continue;
      }
      // Root records programs that change their user; the secret of their messages tells them from others.
      if (credentials.uid == geteuid() || geteuid() == 0) {
        return {credentials.pid, std::move(connection), monotonic_now_ns()};
      }
    }
  }
  return {};
}

SessionServer::Message SessionServer::receive(const Peer& peer, Received& received) const {
  std::array<char, sizeof(PatchRequest) + 1> buffer{};  // the largest, and a byte to tell those that are larger
  const ssize_t size = recv(peer.connection.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return Message::kNone;
  }
  const auto take = [&](auto& message, Message kind) {
    std::memcpy(&message, buffer.data(), sizeof(message));
    const bool is_valid = message.magic == kSessionMagic && message.version == kWireVersion &&
                          equal_secrets({message.secret, sizeof(message.secret)}, secret_);
    return is_valid ? kind : Message::kClosed;
  };
  // Each kind has a size of its own.
  switch (size) {
    case sizeof(Hello):
      return take(received.hello, Message::kHello);
    case sizeof(UnrecordedNote): {
      const Message kind = take(received.note, Message::kNote);
      received.note.path[sizeof(received.note.path) - 1] = '\0';
      return kind;
    }
    case sizeof(PatchRequest):
      return take(received.patch_request, Message::kPatchRequest);
    case sizeof(PatchOutcome):
      return take(received.patch_outcome, Message::kPatchOutcome);
    case sizeof(LeakCheckAsk):
      return take(received.leak_check_ask, Message::kLeakCheckAsk);
    default:
      return Message::kClosed;
  }
}

bool SessionServer::reply(const Peer& peer, int region_descriptor) {
  const HelloReply reply{kSessionMagic, kWireVersion, region_descriptor < 0 ? 1U : 0U};
  return send_with_descriptor(peer.connection.get(), reply, region_descriptor);
}

bool SessionServer::reply_leak_check(const Peer& peer, uint32_t number, const std::string& trace_path) {
  LeakCheckAnswer answer{kSessionMagic, kWireVersion, number, {}};
  trace_path.copy(answer.trace_path, sizeof(answer.trace_path) - 1);
  return send_with_descriptor(peer.connection.get(), answer, -1);
}

bool SessionServer::reply_plan(const Peer& peer, int plan_descriptor, uint32_t size_bytes) {
  const PatchReply reply{kSessionMagic, kWireVersion, plan_descriptor < 0 ? 0 : size_bytes};
  return send_with_descriptor(peer.connection.get(), reply, plan_descriptor);
}

}  // namespace flarestack
