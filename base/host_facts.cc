// SPDX-License-Identifier: Apache-2.0
#include "base/host_facts.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <string_view>

#include "base/fd.h"

namespace flarestack {
namespace {

// Behind "model name      : "; other architectures have other words, and then it stays unknown.
std::string processor_name() {
  constexpr std::string_view kKey = "model name";
  const Result<std::string> text = read_file("/proc/cpuinfo");
  if (!text.ok()) return "";
  const size_t key = text->find(kKey);
  const size_t colon = text->find(": ", key);
  if (key == std::string::npos || colon == std::string::npos) return "";
  return text->substr(colon + 2, text->find('\n', colon) - colon - 2);
}

std::string first_line(const char* path) {
  const Result<std::string> text = read_file(path);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

}  // namespace

HostFacts read_host_facts() {
  HostFacts facts;
  utsname system{};
  if (uname(&system) == 0) {
    facts.name = system.nodename;
    facts.kernel = system.release;
    facts.architecture = system.machine;
  }
  facts.processor = processor_name();
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
    facts.processors = static_cast<uint32_t>(CPU_COUNT(&allowed));
  struct sysinfo memory {};
  if (sysinfo(&memory) == 0) facts.memory_bytes = uint64_t{memory.totalram} * memory.mem_unit;
  facts.governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  double load = 0;
  if (getloadavg(&load, 1) == 1) facts.load = load;
  return facts;
}

}  // namespace flarestack
