// SPDX-License-Identifier: Apache-2.0
// `flarestack info` as text: what was recorded, process by process, and how good it is. Offline side.
#pragma once

#include <string>

#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

// `profile` should be made without filters.
std::string info_text(const Profile& profile, const TextLayout& layout);

// What the samples say of each process, by its index in the recording.
struct ProcessUse {
  uint64_t value = 0;
  uint64_t samples = 0;
  uint32_t threads = 0;  // recorded ones, sampled or not
};
std::vector<ProcessUse> use_by_process(const Profile& profile);

std::string exit_phrase(const ProcessEndRecord& end);  // "0", "SIGSEGV", "exec", "running", "unknown"

}  // namespace flarestack
