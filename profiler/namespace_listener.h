// SPDX-License-Identifier: Apache-2.0
// A listening socket in another process's network namespace. Abstract names of Unix sockets belong to such a namespace
// (unix(7)), so an agent in a container cannot connect to one outside of it. Recorder side.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace flarestack {

// Whether the process is in another network namespace than this one.
bool has_other_network(int32_t pid);

// A non-blocking listener of SOCK_SEQPACKET at an abstract address. Where the namespace belongs to another user
// namespace, that is entered first, which its owner may. Done by a child process, so nothing changes here.
Result<Fd> listen_in_network_of(int32_t pid, const sockaddr_un& address, socklen_t length);

}  // namespace flarestack
