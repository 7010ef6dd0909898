// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_request.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/attach_registry.h"
#include "profiler/process_maps.h"
#include "profiler/remote_image.h"
#include "wire/handshake.h"
#include "wire/session.h"

namespace flarestack {
namespace {

constexpr timeval kTimeout{60, 0};

// The value of the session variable that the process was started with; empty: it has none.
Result<std::string> session_of(int32_t pid) {
  const Result<std::string> environment = read_file(fmt::format("/proc/{}/environ", pid));
  if (!environment.ok()) {
    return Error{fmt::format("process {} cannot be looked at: {}", pid, environment.error().message)};
  }
  const std::string variable = std::string(kSessionVariable) + "=";
  std::string_view rest = *environment;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    if (entry.starts_with(variable)) {
      return std::string(entry.substr(variable.size()));
    }
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
  }
  return attached_session_of(pid);
}

// Launched with it, or attached to.
bool has_agent(int32_t pid) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  return maps.ok() && std::any_of(maps->mappings().begin(), maps->mappings().end(), [](const auto& mapping) {
           return mapping.path == kRemoteImageName || mapping.path.ends_with("/libflarestack_preload.so");
         });
}

}  // namespace

Result<LeakCheckDone> ask_for_leak_check(int32_t pid) {
  const Result<std::string> session = session_of(pid);
  if (!session.ok()) {
    return session.error();
  }
  const std::string prefix = fmt::format("{}:", kWireVersion);
  if (!session->starts_with(prefix) || session->size() != prefix.size() + kSessionNameLength + kSessionSecretLength) {
    return Error{
        fmt::format("process {} is not being recorded by this version of flarestack; start it with "
                    "`flarestack record -- PROGRAM`",
                    pid)};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, session->data() + prefix.size(), kSessionNameLength);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kSessionNameLength);
  const Fd connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return Error{fmt::format("the recording of process {} has ended: {}", pid, std::strerror(errno))};
  }
  LeakCheckAsk ask{kSessionMagic, kWireVersion, pid, {}};
  std::memcpy(ask.secret, session->data() + prefix.size() + kSessionNameLength, sizeof(ask.secret));
  LeakCheckAnswer answer{};
  if (send(connection.get(), &ask, sizeof(ask), MSG_NOSIGNAL) != sizeof(ask) ||
      recv(connection.get(), &answer, sizeof(answer), 0) != sizeof(answer) || answer.magic != kSessionMagic) {
    return Error{fmt::format("the recorder of process {} does not answer", pid)};
  }
  if (answer.number == 0 && !has_agent(pid)) {
    return Error{fmt::format("process {} is sampled from outside, where its heap cannot be recorded", pid)};
  }
  if (answer.number == 0) {
    return Error{
        fmt::format("the heap of process {} is not recorded allocation by allocation; record it with "
                    "--heap exact",
                    pid)};
  }
  answer.trace_path[sizeof(answer.trace_path) - 1] = '\0';
  return LeakCheckDone{answer.trace_path, answer.number};
}

}  // namespace flarestack
