// SPDX-License-Identifier: Apache-2.0
// What `record`, `attach` and `top` have in common: options; and of the first two the recording itself, and what is
// told at its end.
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
  std::vector<std::string> timeouts;  // TIME or REGION=TIME
  bool paused = false;
  bool live = false;
  std::string interval = "1s";  // of the view
  std::string summary;
};

// What is recorded, and how, of the options that follow; `options` outlives the app.
void declare_sampling_options(CLI::App& app, RecordingOptions& options);
// Options that both have.
void declare_recording_options(CLI::App& app, RecordingOptions& options);

// Of CLI11's kind: an empty text, or what is wrong with a time, or with one between two refreshes.
std::string check_time(const std::string& text);
std::string check_interval(const std::string& text);
std::string check_timeout(const std::string& text);

// What the options' words mean for `options.record`. Error: an option that makes no sense.
Result<void> settle_options(RecordingOptions& options);

// Records, and tells of it. The command's exit status, or an error where nothing could be recorded.
Result<int> run_recording(RecordingOptions& options);

}  // namespace flarestack
