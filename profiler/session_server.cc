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

#include <fmt/format.h>

#include "wire/session.h"

namespace flarestack {

Result<SessionServer> SessionServer::create() {
  std::array<uint8_t, kSessionNameLength / 2> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return errno_error("get random bytes");
  }
  std::string name;
  for (const uint8_t byte : random) {
    name += fmt::format("{:02x}", byte);
  }
  SessionServer server;
  server.listener_ = Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (server.listener_.get() < 0 ||
      bind(server.listener_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(server.listener_.get(), SOMAXCONN) != 0) {
    return errno_error("open the socket for agents");
  }
  server.session_value_ = fmt::format("{}:{}", kWireVersion, name);
  return server;
}

SessionServer::Peer SessionServer::accept_peer() {
  while (true) {
    Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.get() < 0) {
      return {};
    }
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
      continue;
    }
    // Whoever knows the random name got it from the environment we made; root records programs that change their user.
    if (credentials.uid == geteuid() || geteuid() == 0) {
      return {credentials.pid, std::move(connection)};
    }
  }
}

SessionServer::Message SessionServer::receive(const Peer& peer, Hello& hello, UnrecordedNote& note) {
  std::array<char, sizeof(UnrecordedNote) + 1> buffer{};
  const ssize_t size = recv(peer.connection.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return Message::kNone;
  }
  if (size == sizeof(Hello)) {
    std::memcpy(&hello, buffer.data(), sizeof(hello));
    return hello.magic == kSessionMagic && hello.version == kWireVersion ? Message::kHello : Message::kClosed;
  }
  if (size == sizeof(UnrecordedNote)) {
    std::memcpy(&note, buffer.data(), sizeof(note));
    note.path[sizeof(note.path) - 1] = '\0';
    return note.magic == kSessionMagic && note.version == kWireVersion ? Message::kNote : Message::kClosed;
  }
  return Message::kClosed;
}

bool SessionServer::reply(const Peer& peer, int region_descriptor) {
  HelloReply reply{kSessionMagic, kWireVersion, region_descriptor < 0 ? 1U : 0U};
  iovec vector{&reply, sizeof(reply)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (region_descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &region_descriptor, sizeof(region_descriptor));
  }
  return sendmsg(peer.connection.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof(reply));
}

}  // namespace flarestack
