// SPDX-License-Identifier: Apache-2.0
// `flarestack flamegraph`: one SVG file that is an interactive page in a browser and a picture everywhere else: the
// first view is plain <path> and <text> (GitHub, an <img> and printers run no script); the script, when it runs,
// replaces it by views drawn from the data embedded beside it. Nothing is loaded from anywhere. Offline side.
#pragma once

#include <string>

#include "model/profile.h"
#include "report/flamegraph_difference.h"

namespace flarestack {

enum class FlamegraphForm : uint8_t {
  kIcicle,    // callers above callees
  kFlame,     // callees above callers
  kInverted,  // by leaf function: its callers below it
};

struct FlamegraphOptions {
  std::string title;  // empty: the command
  FlamegraphForm form = FlamegraphForm::kIcicle;
  const FlameDifference* difference = nullptr;  // borrowed; the profile is one of a difference
};

// `profile` is best made with group_by_process: with more than one process each gets a frame of its own.
std::string flamegraph_svg(const Profile& profile, const FlamegraphOptions& options);

}  // namespace flarestack
