// SPDX-License-Identifier: Apache-2.0
// Recorder: one recording, from its first record to its last: what record() runs. Part of recorder.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "profiler/attach_registry.h"
#include "profiler/attacher.h"
#include "profiler/clock.h"
#include "profiler/launch_entry.h"
#include "profiler/outside_sampler.h"
#include "profiler/process_table.h"
#include "profiler/recorder.h"
#include "profiler/recording_settings.h"
#include "profiler/recording_tables.h"
#include "profiler/sample_clock.h"

namespace flarestack {

class Recorder {
 public:
  Recorder(const RecordOptions& options, std::string trace_path, TraceWriter writer, SessionServer server)
      : options_(options),
        trace_path_(std::move(trace_path)),
        writer_(std::move(writer)),
        tables_(writer_),
        origin_{monotonic_now_ns()},
        clock_(clock_for(options)),
        processes_(std::move(server), settings_for(options, clock_), tables_, origin_) {}

  // Writes what is known before the program runs, so that a trace that cannot grow tells at least what it is of.
  Result<void> begin();
  // The errno of a failed exec, 0 if the program runs.
  Result<int> start_program(const std::string& agent_path);
  // Enters the process that runs already. Error: it could not be entered, and goes on as before.
  Result<void> attach(const std::string& agent_path);
  // Samples it without entering it. Error: nor that.
  Result<void> attach_from_outside(const std::string& no_agent_reason);
  // Why attach() failed: another recorder has entered it.
  bool is_recorded_by_another() const { return attacher_ != nullptr && attacher_->is_recorded_by_another(); }
  RecordOutcome run();

 private:
  void step();
  void answer() { processes_.wait(1'000'000), processes_.drain(); }
  void reap_program();
  void handle_signals();
  void handle_limits();
  void handle_timeouts();
  void end_program(uint64_t limit_ns, const std::string& region);
  void handle_stop_request();
  void flush_in_time();
  void stop_with_program();
  bool finished() const;
  void finish();
  void keep(const Result<void>& result);
  Result<void> begin_attached();
  Result<void> sample_launched(int32_t pid, PerfRings::Start start, const std::string& no_agent_reason);
  Result<void> sample_from_outside(const OutsideSampler::Target& target);

  const RecordOptions& options_;
  std::string trace_path_;
  TraceWriter writer_;
  RecordingTables tables_;
  TimeOrigin origin_;
  ClockChoice clock_;
  ProcessTable processes_;
  SignalGuard signals_;

  uint64_t nap_ns_ = nap_for(options_);
  uint64_t next_drain_ns_ = 0;  // CLOCK_MONOTONIC, as the next one
  uint64_t next_pass_ns_ = 0;   // over the sleeping threads
  int64_t next_live_ns_ = 0;    // since the recording began
  std::minstd_rand random_;

  std::unique_ptr<Attacher> attacher_;  // nullptr: the program is launched
  std::unique_ptr<AttachAnnouncement> announcement_;
  std::unique_ptr<OutsideSampler> outside_;  // nullptr: every process that is recorded has an agent

  LaunchedProgram program_;
  bool program_ended_ = false;
  ExitStatus program_exit_;
  uint64_t ended_at_ns_ = 0;
  bool stop_ = false;
  bool terminated_ = false;   // the time ran out
  uint64_t kill_at_ns_ = 0;   // CLOCK_MONOTONIC
  bool stays_awake_ = false;  // while the program is stopped
  std::string problem_;
};

}  // namespace flarestack
