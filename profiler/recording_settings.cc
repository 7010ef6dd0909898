// SPDX-License-Identifier: Apache-2.0
#include "profiler/recording_settings.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/launch_entry.h"

namespace flarestack {
namespace {

constexpr uint64_t kMaxNapNs = 50'000'000;
constexpr uint64_t kTypicalSampleBytes = 128;

// Whether the kernel found the time stamp counter to run evenly, and in step on all processors: it then offers it as
// a clock.
bool tsc_is_sound() {
  const Result<std::string> clocks = read_file("/sys/devices/system/clocksource/clocksource0/available_clocksource");
  return clocks.ok() && clocks->starts_with("tsc ");
}

}  // namespace

ClockChoice clock_for(const RecordOptions& options) {
  if (options.cpu_hz == 0) {
    return {};
  }
  return choose_sample_clock(options.timer);
}

SessionSettings settings_for(const RecordOptions& options, const ClockChoice& choice) {
  SessionSettings settings;
  settings.clock = choice.clock;
  settings.perf_signal = choice.perf_signal;
  settings.sample_period_ns = options.cpu_hz != 0 ? 1'000'000'000 / options.cpu_hz : 0;
  settings.follow_children = options.follow_children;
  settings.heap = static_cast<HeapRecording>(options.heap);
  settings.heap_sample_bytes = options.heap_sample_bytes;
  settings.leak_check = options.leak_check && options.heap == HeapMode::kExact;
  settings.starts_paused = options.starts_paused;
  settings.order_source = tsc_is_sound() ? OrderSource::kTimeStampCounter : OrderSource::kCounter;
  return settings;
}

uint64_t nap_for(const RecordOptions& options) {
  return options.cpu_hz == 0
             ? kMaxNapNs
             : std::min(kMaxNapNs, 1'000'000'000 / options.cpu_hz * (kRingBytes / 4 / kTypicalSampleBytes));
}

std::string wish_unmet_from_outside(const RecordOptions& options) {
  if (options.heap_is_asked_for) {
    return "its heap cannot be recorded, as --heap and --leaks ask for; without them its CPU time can";
  }
  if (options.cpu_hz == 0) {
    return "--no-cpu leaves nothing to record: its heap cannot be";
  }
  if (options.wall_clock) {
    return "--clock wall is not possible; without it its CPU time can be recorded";
  }
  if (options.timer != TimerWish::kAuto) {
    return "--timer, which chooses a timer inside, is not possible; without it its CPU time can be recorded";
  }
  return {};
}

bool is_for_outside(const RecordOptions& options) {
  return !launched_without_agent(options.command[0]).empty() && wish_unmet_from_outside(options).empty();
}

std::string default_output_path(const RecordOptions& options) {
  if (options.attach_pid != 0) {
    const Result<std::string> name = read_file(fmt::format("/proc/{}/comm", options.attach_pid));
    const std::string text = name.ok() ? name->substr(0, name->find('\n')) : "process";
    return fmt::format("flarestack.{}.{}.flare", std::filesystem::path(text).filename().string(), options.attach_pid);
  }
  return fmt::format("flarestack.{}.{}.flare", std::filesystem::path(options.command[0]).filename().string(), getpid());
}

}  // namespace flarestack
