// SPDX-License-Identifier: Apache-2.0
#include "history/surroundings.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/fd.h"

namespace flarestack {
namespace {

std::string processor_name() {
  constexpr std::string_view kKey = "model name";
  const Result<std::string> text = read_file("/proc/cpuinfo");
  if (!text.ok()) return "";
  const size_t key = text->find(kKey);
  const size_t start = key == std::string::npos ? key : text->find(": ", key);
  return start == std::string::npos ? "" : text->substr(start + 2, text->find('\n', start) - start - 2);
}

// The first line of what the command prints; empty if it fails.
std::string first_line_of(const char* command) {
  std::FILE* output = ::popen(command, "r");
  if (output == nullptr) return "";
  std::array<char, 512> line{};
  const bool has_line = std::fgets(line.data(), line.size(), output) != nullptr;
  if (::pclose(output) != 0 || !has_line) return "";
  const std::string text = line.data();
  return text.substr(0, text.find('\n'));
}

uint64_t system_value(int name) {
  const long value = ::sysconf(name);
  return value > 0 ? static_cast<uint64_t>(value) : 0;
}

}  // namespace

HostFacts this_host() {
  HostFacts host;
  utsname system{};
  ::uname(&system);
  host.name = system.nodename;
  host.kernel = system.release;
  host.processor = processor_name();
  host.processors = static_cast<uint32_t>(system_value(_SC_NPROCESSORS_ONLN));
  host.memory_bytes = system_value(_SC_PHYS_PAGES) * system_value(_SC_PAGESIZE);
  return host;
}

CheckedOut checked_out_here() {
  return {first_line_of("git rev-parse --verify HEAD 2>/dev/null"),
          first_line_of("git symbolic-ref --quiet --short HEAD 2>/dev/null")};
}

}  // namespace flarestack
