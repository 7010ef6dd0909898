// SPDX-License-Identifier: Apache-2.0
// The view of a recording that goes on, as `top` and `record --live` have it: on a terminal until somebody ends it, or
// as text.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace flarestack {

struct LiveViewOptions {
  std::string trace_path;
  uint64_t interval_ns = 1'000'000'000;
  int recording = -1;               // a descriptor that is hung up when the recording is over
  bool ends_with_recording = true;  // false: stays until somebody ends it
  bool ends_by_interrupt = true;    // false: Ctrl-C is for another process
  std::string quit_text;            // what q does
  uint64_t refreshes = 0;           // of text, 0: until the recording is over
  size_t top = 20;                  // rows a table, of text
  bool json = false;
};

enum class LiveViewEnd : uint8_t { kQuit, kRecordingOver };

Result<LiveViewEnd> view_on_terminal(const LiveViewOptions& options);
Result<LiveViewEnd> view_as_text(const LiveViewOptions& options);

}  // namespace flarestack
