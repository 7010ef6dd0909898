// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "preload/agent.h"
#include "preload/system.h"
#include "wire/handshake.h"

namespace flarestack::agent {
namespace {

constexpr int kReplySeconds = 5;  // a recorder that is stopped or starved longer than this is given up

// The NAME of "VERSION:NAMESECRET", the secret behind it; nullptr: this is no session.
const char* session_name(const char* session_value) {
  const char* name = session_value;
  while (*name != '\0' && *name != ':') {
    ++name;
  }
  return *name == ':' && text_length(name + 1) == kSessionNameLength + kSessionSecretLength ? name + 1 : nullptr;
}

// A connected socket, or a negative errno.
long connect_to(const char* name) {
  if (name == nullptr) {
    return -EINVAL;
  }
  const long descriptor = raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (raw_failed(descriptor)) {
    return descriptor;
  }
  const timeval timeout{kReplySeconds, 0};
  raw_syscall(SYS_setsockopt, descriptor, SOL_SOCKET, SO_RCVTIMEO, raw_pointer(&timeout), sizeof(timeout));
  raw_syscall(SYS_setsockopt, descriptor, SOL_SOCKET, SO_SNDTIMEO, raw_pointer(&timeout), sizeof(timeout));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path + 1, name, kSessionNameLength);  // abstract: the first byte stays zero
  const long result = raw_syscall(SYS_connect, descriptor, raw_pointer(&address),
                                  static_cast<long>(offsetof(sockaddr_un, sun_path) + 1 + kSessionNameLength));
  if (raw_failed(result)) {
    raw_syscall(SYS_close, descriptor);
    return result;
  }
  return descriptor;
}

long send_bytes(long descriptor, const void* bytes, size_t size_bytes) {
  return raw_syscall(SYS_sendto, descriptor, raw_pointer(bytes), static_cast<long>(size_bytes), MSG_NOSIGNAL, 0, 0);
}

// The descriptor that came with the reply, or a negative value.
int receive_region(long descriptor) {
  HelloReply reply{};
  iovec vector{&reply, sizeof(reply)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  long size;
  do {
    size = raw_syscall(SYS_recvmsg, descriptor, raw_pointer(&message), MSG_CMSG_CLOEXEC);
  } while (size == -EINTR);
  if (size != sizeof(reply) || reply.magic != kSessionMagic || reply.version != kWireVersion || reply.refused != 0) {
    return -1;
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return -1;
  }
  int region = -1;
  memcpy(&region, CMSG_DATA(header), sizeof(region));
  return region;
}

}  // namespace

SessionView open_session(const char* session_value, bool forked, uint32_t parent_session_id, uint32_t fork_number) {
  const char* name = session_name(session_value);
  const long descriptor = connect_to(name);
  if (raw_failed(descriptor)) {
    return {};
  }
  Hello hello{kSessionMagic,     kWireVersion, forked ? HelloOrigin::kFork : HelloOrigin::kImage,
              parent_session_id, fork_number,  {}};
  memcpy(hello.secret, name + kSessionNameLength, kSessionSecretLength);
  const int region = send_bytes(descriptor, &hello, sizeof(hello)) == sizeof(hello) ? receive_region(descriptor) : -1;
  raw_syscall(SYS_close, descriptor);
  if (region < 0) {
    return {};
  }
  const long address = raw_syscall(SYS_mmap, 0, kSessionBytes, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
  raw_syscall(SYS_close, region);
  return raw_failed(address) ? SessionView{} : SessionView{reinterpret_cast<void*>(address)};
}

void send_unrecorded_note(const char* path, uint32_t reason) {
  const char* name = session_name(the_agent.session_value);
  const long descriptor = connect_to(name);
  if (raw_failed(descriptor)) {
    return;
  }
  UnrecordedNote note{kSessionMagic, kWireVersion, reason, {}, {}};
  memcpy(note.secret, name + kSessionNameLength, kSessionSecretLength);
  text_copy(note.path, path, sizeof(note.path));
  send_bytes(descriptor, &note, sizeof(note));
  raw_syscall(SYS_close, descriptor);
}

}  // namespace flarestack::agent
