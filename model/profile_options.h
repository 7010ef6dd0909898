// SPDX-License-Identifier: Apache-2.0
// What a profile is asked for: metric and filters. Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/metric.h"

namespace flarestack {

struct ProfileOptions {
  Metric metric = Metric::kCpu;
  std::string process;             // a pid, or a program's name; empty: all
  std::string thread;              // a tid, or a thread's name; empty: all
  std::string region;              // a region of the program's own: only what it did in it; empty: all
  std::optional<int64_t> from_ns;  // a slice that lies partly inside counts with that part
  std::optional<int64_t> to_ns;
  std::string focus;   // regular expression (base/text.h): only stacks with a function that matches
  std::string ignore;  // and only stacks without any function that matches
  bool inline_frames = true;
  bool group_by_process = false;  // a kProcess frame at the root of each process's stacks
  // Symbolize the frames of all stacks of the recording, whatever the metric and the filters: all profiles of one trace
  // that are made so have the same functions, files and locations, at the same indexes.
  bool every_frame = false;
};

}  // namespace flarestack
