// SPDX-License-Identifier: Apache-2.0
#include "profiler/session_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <utility>

#include "profiler/clock.h"
#include "profiler/file_size_limit.h"

namespace flarestack {

uint32_t SessionSettings::sample_signal() const {
  return clock == SampleClock::kPerfTaskClock && perf_signal == PerfSignal::kTrap ? SIGTRAP : SIGSTKFLT;
}

Result<SessionRegion> SessionRegion::create(const SessionSettings& settings) {
  const FileSizeLimitLifted lifted;
  SessionRegion region;
  region.descriptor_ = Fd(memfd_create("flarestack", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (region.descriptor_.get() < 0 || ftruncate(region.descriptor_.get(), kSessionBytes) != 0 ||
      fcntl(region.descriptor_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return errno_error("create shared memory for a session");
  }
  void* memory = mmap(nullptr, kSessionBytes, PROT_READ | PROT_WRITE, MAP_SHARED, region.descriptor_.get(), 0);
  if (memory == MAP_FAILED) {
    return errno_error("map shared memory for a session");
  }
  region.view_ = SessionView(memory);
  auto* page = new (memory) SessionPage{};
  page->magic = kSessionMagic;
  page->version = kWireVersion;
  page->session_id = settings.session_id;
  page->sample_period_ns = settings.sample_period_ns;
  page->kernel_tick_ns = kernel_tick_ns();
  page->sample_clock = settings.clock;
  page->perf_signal = settings.perf_signal;
  page->sample_signal = settings.sample_signal();
  page->follow_children = settings.follow_children ? 1 : 0;
  page->heap = settings.heap;
  page->order_source = settings.order_source;
  page->heap_sample_bytes = settings.heap_sample_bytes;
  page->leak_check = settings.leak_check ? 1 : 0;
  page->paused.store(settings.starts_paused ? 1 : 0, std::memory_order_relaxed);
  page->recorder_pid = static_cast<uint32_t>(getpid());
  page->heartbeat_ns.store(monotonic_now_ns(), std::memory_order_relaxed);
  return region;
}

SessionRegion::SessionRegion(SessionRegion&& other) noexcept
    : view_(std::exchange(other.view_, SessionView())), descriptor_(std::move(other.descriptor_)) {}

SessionRegion& SessionRegion::operator=(SessionRegion&& other) noexcept {
  std::swap(view_, other.view_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

SessionRegion::~SessionRegion() {
  if (view_) {
    // A process that goes on keeps the region mapped, but no memory for its rings.
    madvise(static_cast<char*>(view_.region()) + kRingsOffset, kSessionBytes - kRingsOffset, MADV_REMOVE);
    munmap(view_.region(), kSessionBytes);
  }
}

}  // namespace flarestack
