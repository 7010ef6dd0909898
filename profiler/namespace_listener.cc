// SPDX-License-Identifier: Apache-2.0
#include "profiler/namespace_listener.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace flarestack {
namespace {

// In the child, which has the stack and the descriptors of a process with other threads: system calls only.
int enter_and_listen(int user, int network, const sockaddr_un& address, socklen_t length) {
  if (setns(network, CLONE_NEWNET) != 0 &&
      (user < 0 || setns(user, CLONE_NEWUSER) != 0 || setns(network, CLONE_NEWNET) != 0)) {
    return -1;
  }
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool is_bound = listener >= 0 && bind(listener, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                        listen(listener, SOMAXCONN) == 0;
  return is_bound ? listener : -1;
}

// What is sent: 0 and the descriptor, or an errno.
struct Answer {
  int error_number = 0;
  iovec vector{&error_number, sizeof(error_number)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};

  msghdr message(bool has_descriptor) {
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = has_descriptor ? control.data() : nullptr;
    header.msg_controllen = has_descriptor ? control.size() : 0;
    return header;
  }
};

[[noreturn]] void serve(int channel, int user, int network, const sockaddr_un& address, socklen_t length) {
  const int listener = enter_and_listen(user, network, address, length);
  Answer answer;
  answer.error_number = listener < 0 ? errno : 0;
  msghdr message = answer.message(listener >= 0);
  if (listener >= 0) {
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &listener, sizeof(listener));
  }
  sendmsg(channel, &message, MSG_NOSIGNAL);
  _exit(0);
}

}  // namespace

bool has_other_network(int32_t pid) {
  struct stat ours {};
  struct stat theirs {};
  return stat("/proc/self/ns/net", &ours) == 0 && stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &theirs) == 0 &&
         (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

Result<Fd> listen_in_network_of(int32_t pid, const sockaddr_un& address, socklen_t length) {
  const std::string what = fmt::format("listen in the network namespace of process {}", pid);
  const Fd user(open(fmt::format("/proc/{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
  const Fd network(open(fmt::format("/proc/{}/ns/net", pid).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<int, 2> ends{-1, -1};
  if (!network || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error(what);
  }
  const Fd ours(ends[0]);
  Fd childs(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    serve(childs.get(), user.get(), network.get(), address, length);
  }
  childs.reset();
  if (child < 0) {
    return errno_error(what);
  }
  Answer answer;
  msghdr message = answer.message(true);
  ssize_t size = -1;
  do {
    size = recvmsg(ours.get(), &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const cmsghdr* header = size == static_cast<ssize_t>(sizeof(int)) ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    return errno_error(what, size == static_cast<ssize_t>(sizeof(int)) ? answer.error_number : EPIPE);
  }
  int listener = -1;
  std::memcpy(&listener, CMSG_DATA(header), sizeof(listener));
  return Fd(listener);
}

}  // namespace flarestack
