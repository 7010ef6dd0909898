// SPDX-License-Identifier: Apache-2.0
#include "preload/connection.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

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

}  // namespace

bool Connection::open(const char* session_value) {
  const char* name = session_name(session_value);
  close();
  if (name == nullptr) {
    return false;
  }
  const long descriptor = raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (raw_failed(descriptor)) {
    return false;
  }
  const timeval timeout{kReplySeconds, 0};
  raw_syscall(SYS_setsockopt, descriptor, SOL_SOCKET, SO_RCVTIMEO, raw_pointer(&timeout), sizeof(timeout));
  raw_syscall(SYS_setsockopt, descriptor, SOL_SOCKET, SO_SNDTIMEO, raw_pointer(&timeout), sizeof(timeout));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path + 1, name, kSessionNameLength);  // abstract: the first byte stays zero
  const long result = raw_syscall(SYS_connect, descriptor, raw_pointer(&address),
                                  static_cast<long>(offsetof(sockaddr_un, sun_path) + 1 + kSessionNameLength));
  descriptor_ = descriptor;
  if (raw_failed(result)) {
    close();
  }
  return descriptor_ >= 0;
}

void Connection::close() {
  if (descriptor_ >= 0) {
    raw_syscall(SYS_close, descriptor_);
    descriptor_ = -1;
  }
}

bool Connection::send(const void* bytes, size_t size_bytes) const {
  const auto size = static_cast<long>(size_bytes);
  long result = -EINTR;
  while (descriptor_ >= 0 && result == -EINTR) {
    result = raw_syscall(SYS_sendto, descriptor_, raw_pointer(bytes), size, MSG_NOSIGNAL, 0, 0);
  }
  return result == size;
}

bool Connection::receive(void* bytes, size_t size_bytes, int& descriptor) const {
  descriptor = -1;
  iovec vector{bytes, size_bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  long size = -1;
  do {
    size = descriptor_ >= 0 ? raw_syscall(SYS_recvmsg, descriptor_, raw_pointer(&message), MSG_CMSG_CLOEXEC) : -EBADF;
  } while (size == -EINTR);
  const cmsghdr* header = raw_failed(size) ? nullptr : CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
    memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
  }
  if (size == static_cast<long>(size_bytes)) {
    return true;
  }
  if (descriptor >= 0) {
    close_file(descriptor);
    descriptor = -1;
  }
  return false;
}

bool copy_secret(const char* session_value, char* to) {
  const char* name = session_name(session_value);
  if (name == nullptr) {
    return false;
  }
  memcpy(to, name + kSessionNameLength, kSessionSecretLength);
  return true;
}

}  // namespace flarestack::agent
