// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_registry.h"
#include "profiler/attacher.h"
#include "profiler/launcher.h"
#include "tools/recording.h"

namespace flarestack {

CommandBody declare_attach(CLI::App& app) {
  auto options = std::make_shared<RecordingOptions>();
  declare_recording_options(app, *options);
  app.add_option("PID", options->record.attach_pid, "the process")->required()->check(CLI::PositiveNumber);
  return [options] { return run_recording(*options); };
}

CommandBody declare_detach(CLI::App& app) {
  auto pid = std::make_shared<int32_t>(0);
  app.add_option("PID", *pid, "the process")->required()->check(CLI::PositiveNumber);
  return [pid]() -> Result<int> {
    const Result<bool> stopped = stop_recorder_of(*pid);
    if (!stopped.ok()) {
      return stopped.error();
    }
    if (*stopped) {
      return kExitGood;
    }
    // Its recorder is gone, and has left its hooks behind.
    const Result<std::string> agent_path = find_agent();
    if (!agent_path.ok()) {
      return agent_path.error();
    }
    Attacher attacher({*pid, *agent_path, "", 0});
    const Result<void> left = attacher.detach_from_lost();
    if (!left.ok()) {
      return left.error();
    }
    return kExitGood;
  };
}

}  // namespace flarestack
