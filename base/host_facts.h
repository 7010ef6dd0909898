// SPDX-License-Identifier: Apache-2.0
// What of this machine figures depend on, told beside them. Recorder and offline side.
#pragma once

#include <cstdint>
#include <string>

namespace flarestack {

// Empty and 0: unknown.
struct HostFacts {
  std::string name;
  std::string kernel;        // "6.1.0-18-amd64"
  std::string architecture;  // "x86_64"
  std::string processor;     // "AMD EPYC 7763 64-Core Processor"
  uint32_t processors = 0;   // that this process may run on
  uint64_t memory_bytes = 0;
  std::string governor;  // of the frequency of the first processor: "performance"
  double load = 0;       // of the last minute
};

HostFacts read_host_facts();

}  // namespace flarestack
