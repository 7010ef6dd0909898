// SPDX-License-Identifier: Apache-2.0
// The parts of Recorder that begin with a process that runs already, or sample one from outside.
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "profiler/attaching.h"
#include "profiler/recorder_loop.h"

namespace flarestack {

Result<void> Recorder::begin_attached() {
  program_ended_ = true;  // none was launched: what is left is to follow others
  ended_at_ns_ = monotonic_now_ns();
  std::error_code error;
  processes_.set_trace_path(std::filesystem::absolute(trace_path_, error).string());
  return processes_.set_attached(options_.attach_pid);
}

Result<void> Recorder::attach(const std::string& agent_path) {
  if (const Result<void> reachable = begin_attached(); !reachable.ok()) {
    return reachable.error();
  }
  attacher_ = std::make_unique<Attacher>(AttachOptions{options_.attach_pid, agent_path, processes_.session_value(),
                                                       processes_.settings().sample_signal()});
  announcement_ = std::make_unique<AttachAnnouncement>(options_.attach_pid);
  const Result<AttachPauses> attached =
      enter_attached(*attacher_, processes_, options_.attach_pid, announcement_->is_lost());
  if (!attached.ok()) {
    return attached.error();
  }
  writer_.add(CounterRecord{{}, "attach_thread_pause_ns", attached->one_thread_ns});
  writer_.add(CounterRecord{{}, "attach_pause_ns", attached->all_threads_ns});
  writer_.add(CounterRecord{{}, "attach_tries", attached->tries});
  announcement_->publish(processes_.session_value());
  return {};
}

Result<void> Recorder::sample_from_outside(const OutsideSampler::Target& target) {
  const bool is_first = outside_ == nullptr;
  if (is_first) {
    outside_ = std::make_unique<OutsideSampler>(
        OutsideSampler::Options{processes_.settings().sample_period_ns, options_.follow_children}, tables_, origin_);
  }
  const Result<void> added = outside_->add(target);
  if (is_first) {
    for (const int descriptor : outside_->descriptors()) {
      processes_.watch(descriptor);
    }
  }
  return added;
}

// The launched program: in a child that has yet to execute it, or before its first instruction.
Result<void> Recorder::sample_launched(int32_t pid, PerfRings::Start start, const std::string& no_agent_reason) {
  OutsideSampler::Target target;
  target.pid = pid;
  target.origin = ProcessOrigin::kLaunch;
  target.start = start;
  target.no_agent_reason = no_agent_reason;
  std::error_code error;
  target.executable = std::filesystem::absolute(find_program(options_.command[0]), error).string();
  target.arguments = options_.command;
  return sample_from_outside(target);
}

Result<void> Recorder::attach_from_outside(const std::string& no_agent_reason) {
  static_cast<void>(begin_attached().ok());  // no agent has to reach us
  OutsideSampler::Target target;
  target.pid = options_.attach_pid;
  target.no_agent_reason = no_agent_reason;
  if (const Result<void> added = sample_from_outside(target); !added.ok()) {
    return added.error();
  }
  if (options_.tell) {
    options_.tell(fmt::format("process {} is sampled from outside, by {}, since {}; its heap is not recorded",
                              target.pid, outside_->method_of(target.pid), no_agent_reason));
  }
  announcement_ = std::make_unique<AttachAnnouncement>(options_.attach_pid);
  announcement_->publish(processes_.session_value());
  return {};
}

}  // namespace flarestack
