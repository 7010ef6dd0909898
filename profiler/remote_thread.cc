// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_thread.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/clock.h"
#include "profiler/held_thread.h"
#include "profiler/process_maps.h"
#include "profiler/remote_place.h"
#include "profiler/stopped_process.h"
#include "profiler/thread_choice.h"

namespace flarestack {
namespace {

constexpr uint64_t kStopTimeoutNs = 300'000'000;    // of one thread
constexpr uint64_t kTakeTimeoutNs = 2'000'000'000;  // of all that are tried
constexpr useconds_t kRetryUs = 1000;
constexpr uint64_t kPatienceNs = 300'000'000;  // for which a thread in a restartable sequence is left alone

}  // namespace

Result<RemoteThread> RemoteThread::take(int32_t pid, const WhenStopped& when_stopped, RemoteRoom* room) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  if (!maps.ok()) {
    return maps.error();
  }
  Result<Fd> memory = open_file(fmt::format("/proc/{}/mem", pid), O_RDWR);
  if (!memory.ok()) {
    return memory.error();
  }
  const int descriptor = memory->get();
  const ReadMemory read = [descriptor](uint64_t address, void* to, size_t size) {
    return pread(descriptor, to, size, static_cast<off_t>(address)) == static_cast<ssize_t>(size);
  };
  const std::optional<BorrowedCode> code = find_borrowed_code(*maps, read);
  if (!code) {
    return Error{fmt::format("process {} has no code that makes a system call and returns", pid)};
  }
  const uint64_t hint = place_apart(*maps, HeldThread::kMappedBytes);
  RaisedPriority our_priority;
  if (const auto before = RaisedPriority::look(0)) {
    our_priority.raise(gettid(), *before, 2);
  }
  Error problem{fmt::format("process {} has no thread that can be entered", pid)};
  const uint64_t end_ns = monotonic_now_ns() + kTakeTimeoutNs;
  bool is_hopeless = false;
  for (int round = 0; !is_hopeless && monotonic_now_ns() < end_ns; ++round) {
    const std::vector<int32_t> tids = threads_by_fitness(pid);
    is_hopeless =
        !tids.empty();  // if none can be traced; none is fit while it waits for a child that borrows its memory
    for (const int32_t tid : tids) {
      Result<TracedThread> thread = TracedThread::seize(pid, tid);
      if (!thread.ok()) {
        problem = thread.error();
        continue;
      }
      is_hopeless = false;
      if (Result<void> done = thread->stop(kStopTimeoutNs); !done.ok()) {
        problem = done.error();
        is_hopeless = thread->is_stopped();  // by job control
      } else {
        auto held = std::make_unique<HeldThread>(std::move(*thread));
        held->pid = pid;
        held->memory = descriptor;
        held->code = *code;
        held->is_at_event = true;
        done = held->check(read, round > 1 && end_ns - monotonic_now_ns() < kTakeTimeoutNs - kPatienceNs);
        if (done.ok()) {
          if (when_stopped) {
            when_stopped(tid);
          }
          done = held->prepare(read, hint, room);
        }
        if (done.ok()) {
          held->memory_file = std::move(*memory);
          held->our_priority = our_priority;
          return RemoteThread(std::move(held));
        }
        problem = done.error();
        is_hopeless = held->is_for_good;
        if (when_stopped) {
          when_stopped(0);
        }
      }
      if (is_hopeless || monotonic_now_ns() > end_ns) {
        break;
      }
    }
    usleep(kRetryUs);
    StoppedProcess::let_stragglers_go();
  }
  our_priority.restore();
  return problem;
}

Result<RemoteThread> RemoteThread::hold(int32_t pid, TracedThread thread) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  Result<Fd> memory = open_file(fmt::format("/proc/{}/mem", pid), O_RDWR);
  if (!maps.ok() || !memory.ok()) {
    return maps.ok() ? memory.error() : maps.error();
  }
  auto held = std::make_unique<HeldThread>(std::move(thread));
  held->pid = pid;
  held->memory_file = std::move(*memory);
  held->memory = held->memory_file.get();
  const ReadMemory read = [&held](uint64_t address, void* to, size_t size) { return held->read(address, to, size); };
  const std::optional<BorrowedCode> code = find_borrowed_code(*maps, read);
  if (!code) {
    return Error{fmt::format("process {} has no code that makes a system call and returns", pid)};
  }
  held->code = *code;
  if (const auto before = RaisedPriority::look(0)) {
    held->our_priority.raise(gettid(), *before, 2);
  }
  Result<void> done = held->check(read, false);
  if (done.ok()) {
    done = held->prepare(read, place_apart(*maps, HeldThread::kMappedBytes), nullptr);
  }
  if (!done.ok()) {
    return done.error();
  }
  return RemoteThread(std::move(held));
}

void RemoteThread::set_thread_pointer(uint64_t thread_pointer) {
  held_->own.fs_base = held_->parked.fs_base = thread_pointer;
  held_->thread.set_registers(held_->parked);
}

bool RemoteThread::open_signal(uint32_t signal) {
  const uint64_t bit = uint64_t{1} << (signal - 1);
  const bool was_blocked = (held_->signal_mask & bit) != 0;
  held_->signal_mask &= ~bit;
  return was_blocked;
}

void RemoteThread::close_signal(uint32_t signal) { held_->signal_mask |= uint64_t{1} << (signal - 1); }

RemoteThread::RemoteThread(std::unique_ptr<HeldThread> held) : held_(std::move(held)) {}
RemoteThread::RemoteThread(RemoteThread&& other) noexcept = default;

RemoteThread::~RemoteThread() = default;

int32_t RemoteThread::tid() const { return held_->tid; }

void RemoteThread::keep_room(RemoteRoom& room) { held_->kept_room = &room; }

const user_regs_struct& RemoteThread::registers() const { return held_->own; }

Result<int64_t> RemoteThread::syscall(long number, std::array<uint64_t, 6> arguments) {
  return held_->make_call(number, arguments);
}

Result<uint64_t> RemoteThread::call(uint64_t function, std::array<uint64_t, 3> arguments, uint64_t timeout_ns) {
  return held_->call_function(function, arguments, timeout_ns);
}

bool RemoteThread::write(uint64_t address, const void* bytes, size_t size_bytes) {
  return held_->write(address, bytes, size_bytes);
}

bool RemoteThread::read(uint64_t address, void* to, size_t size_bytes) const {
  return held_->read(address, to, size_bytes);
}

void RemoteThread::restore() { held_->restore(); }

void RemoteThread::let_go() { held_->let_go(); }

uint64_t RemoteThread::pause_ns() const {
  return (held_->let_go_at_ns != 0 ? held_->let_go_at_ns : monotonic_now_ns()) - held_->thread.stopped_at_ns();
}

}  // namespace flarestack
