// SPDX-License-Identifier: Apache-2.0
// The parts of Recorder that begin with a process that runs already, or sample one from outside.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "profiler/recorder_loop.h"
#include "profiler/thread_priority.h"

namespace flarestack {

void Recorder::begin_attached() {
  program_ended_ = true;  // none was launched: what is left is to follow others
  ended_at_ns_ = monotonic_now_ns();
  std::error_code error;
  processes_.set_trace_path(std::filesystem::absolute(trace_path_, error).string());
  processes_.set_attached(options_.attach_pid);
}

Result<void> Recorder::attach(const std::string& agent_path) {
  begin_attached();
  attacher_ = std::make_unique<Attacher>(AttachOptions{options_.attach_pid, agent_path, processes_.session_value(),
                                                       processes_.settings().sample_signal()});
  // All that ptrace is asked for is one thread's; this one answers the agent meanwhile.
  std::atomic<bool> done{false};
  Result<AttachPauses> attached{AttachPauses{}};
  std::thread tracer([&] {
    attached = attacher_->attach();
    done.store(true, std::memory_order_release);
  });
  // A thread of the process waits for each answer, and may be one of many that want the processors.
  RaisedPriority priority;
  if (const auto before = RaisedPriority::look(0)) {
    priority.raise(gettid(), *before, 1);
  }
  while (!done.load(std::memory_order_acquire)) {
    processes_.wait(1'000'000);
    processes_.drain();
  }
  priority.restore();
  tracer.join();
  if (!attached.ok()) {
    return attached.error();
  }
  writer_.add(CounterRecord{{}, "attach_thread_pause_ns", attached->one_thread_ns});
  writer_.add(CounterRecord{{}, "attach_pause_ns", attached->all_threads_ns});
  writer_.add(CounterRecord{{}, "attach_tries", attached->tries});
  announcement_ = std::make_unique<AttachAnnouncement>(options_.attach_pid, processes_.session_value());
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

// The program to be launched, in a child that has yet to execute it.
Result<void> Recorder::sample_from_exec(int32_t pid, const std::string& no_agent_reason) {
  OutsideSampler::Target target;
  target.pid = pid;
  target.origin = ProcessOrigin::kLaunch;
  target.start = PerfRings::Start::kAtExec;
  target.no_agent_reason = no_agent_reason;
  std::error_code error;
  target.executable = std::filesystem::absolute(find_program(options_.command[0]), error).string();
  target.arguments = options_.command;
  return sample_from_outside(target);
}

Result<void> Recorder::attach_from_outside(const std::string& no_agent_reason) {
  begin_attached();
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
  announcement_ = std::make_unique<AttachAnnouncement>(options_.attach_pid, processes_.session_value());
  return {};
}

}  // namespace flarestack
