// SPDX-License-Identifier: Apache-2.0
// What `record` and `attach` have in common: their options, the recording itself, and what is told at its end.
#pragma once

#include <string>
#include <vector>

#include "model/suppressions.h"
#include "profiler/recorder.h"
#include "tools/command.h"

namespace flarestack {

struct RecordingOptions {
  RecordOptions record;
  bool no_cpu = false;
  bool no_children = false;
  bool no_wait = false;
  bool quiet = false;
  bool bundle = false;
  std::string clock = "cpu";
  std::string heap;  // empty: not said, so exact
  bool no_heap = false;
  bool no_leak_check = false;
  bool leaks = false;
  std::vector<std::string> suppression_files;
  Suppressions suppressions;
  std::string timer = "auto";
  std::string duration;
  std::string timeout;
  std::string summary;
};

// Options that both have; `options` outlives the app.
void declare_recording_options(CLI::App& app, RecordingOptions& options);

// Of CLI11's kind: an empty text, or what is wrong with a time.
std::string check_time(const std::string& text);

// Records, and tells of it. The command's exit status, or an error where nothing could be recorded.
Result<int> run_recording(RecordingOptions& options);

}  // namespace flarestack
