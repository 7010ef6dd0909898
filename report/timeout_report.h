// SPDX-License-Identifier: Apache-2.0
// What a program was doing when its time ran out, as text and as JSON. Offline side.
#pragma once

#include <string>

#include "model/timeout.h"
#include "report/json_writer.h"
#include "report/text_style.h"

namespace flarestack {

// Of each group of threads its stack, at most so many innermost frames. Empty: the time did not run out.
std::string timeout_text(const Profile& profile, size_t most_frames, const TextLayout& layout);
// The key "timeout"; nothing where the time did not run out.
void write_timeout(JsonWriter& json, const Profile& profile);

}  // namespace flarestack
