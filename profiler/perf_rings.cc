// SPDX-License-Identifier: Apache-2.0
#include "profiler/perf_rings.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "profiler/stopped_process.h"

namespace flarestack {
namespace {

constexpr uint64_t kLargestRingBytes = uint64_t{4} << 20;
constexpr uint64_t kSmallestRingBytes = uint64_t{128} << 10;
constexpr uint64_t kAllRingsBytes = uint64_t{128} << 20;

perf_event_attr common_attributes() {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.sample_id_all = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  attributes.exclude_hv = 1;
  return attributes;
}

Fd open_perf_event(perf_event_attr& attributes, int32_t tid, int cpu) {
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

// A thread takes a descriptor for each processor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

const perf_event_mmap_page& page_of(const char* memory) {
  return *reinterpret_cast<const perf_event_mmap_page*>(memory);
}

}  // namespace

Result<std::unique_ptr<PerfRings>> PerfRings::create(const Options& options) {
  raise_descriptor_limit();
  std::unique_ptr<PerfRings> rings(new PerfRings(options));
  rings->inherits_threads_only_ = !options.follow_children && !options.single_threads;
  rings->samples_kernel_ = !options.single_threads;
  if (const Result<void> mapped = rings->map_rings(); !mapped.ok()) {
    return mapped.error();
  }
  return rings;
}

bool PerfRings::may_sample(int32_t pid) {
  perf_event_attr attributes = common_attributes();
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.disabled = attributes.exclude_kernel = 1;
  return static_cast<bool>(open_perf_event(attributes, pid, -1));
}

PerfRings::~PerfRings() {
  events_.clear();
  ended_events_.clear();
  for (const Ring& ring : rings_) {
    if (ring.memory != nullptr) {
      munmap(ring.memory, ring.mapped_bytes);
    }
  }
}

Result<void> PerfRings::map_rings() {
  const int cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_CONF));
  uint64_t size_bytes = kLargestRingBytes;
  while (size_bytes > kSmallestRingBytes && size_bytes * static_cast<uint64_t>(cpus) > kAllRingsBytes) {
    size_bytes /= 2;
  }
  perf_event_attr attributes = common_attributes();
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.exclude_kernel = 1;
  attributes.watermark = 1;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    attributes.wakeup_watermark = static_cast<uint32_t>(size_bytes / 4);
    Ring ring;
    ring.event = open_perf_event(attributes, 0, cpu);
    ring.cpu = cpu;
    if (!ring.event) {
      if (errno == ENODEV) {
        continue;  // a processor that is switched off
      }
      return errno_error("perf_event_open");
    }
    Result<void> mapped = map_ring(ring, size_bytes);
    while (!mapped.ok() && size_bytes > kSmallestRingBytes) {  // kernel.perf_event_mlock_kb
      size_bytes /= 2;
      mapped = map_ring(ring, size_bytes);
    }
    if (!mapped.ok()) {
      return mapped.error();
    }
    rings_.push_back(std::move(ring));
  }
  return {};
}

Result<void> PerfRings::map_ring(Ring& ring, uint64_t size_bytes) {
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, size_bytes + page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring.event.get(), 0);
  if (memory == MAP_FAILED) {
    return errno_error("map a ring of perf_event");
  }
  ring.memory = static_cast<char*>(memory);
  ring.mapped_bytes = size_bytes + page_bytes;
  ring.size_bytes = size_bytes;
  return {};
}

Result<Fd> PerfRings::open_event(int32_t tid, int cpu) {
  perf_event_attr attributes = common_attributes();
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = options_.period_ns;
  attributes.sample_type = kPerfSampleType;
  attributes.sample_regs_user = kPerfUserRegisters;
  attributes.sample_stack_user = kStackCopyBytes;
  attributes.inherit = options_.single_threads ? 0 : 1;
  attributes.mmap = attributes.mmap2 = attributes.comm = attributes.comm_exec = attributes.task = attributes.inherit;
  attributes.inherit_thread = inherits_threads_only_ ? 1 : 0;
  attributes.exclude_kernel = attributes.exclude_callchain_kernel = samples_kernel_ ? 0 : 1;
  attributes.disabled = attributes.enable_on_exec = start_ == Start::kAtExec ? 1 : 0;
  Fd event = open_perf_event(attributes, tid, cpu);
  if (!event && (errno == EACCES || errno == EPERM) && samples_kernel_ && events_.empty()) {
    samples_kernel_ = false;  // kernel.perf_event_paranoid is 2: user mode only
    return open_event(tid, cpu);
  }
  if (!event && errno == EINVAL && inherits_threads_only_ && events_.empty()) {
    inherits_threads_only_ = false;  // before Linux 5.13; whoever drains leaves children out
    return open_event(tid, cpu);
  }
  return event ? Result<Fd>(std::move(event)) : Result<Fd>(errno_error("perf_event_open"));
}

// false: the thread is gone.
Result<bool> PerfRings::open_thread(int32_t tid) {
  std::vector<Fd> events;
  for (const Ring& ring : rings_) {
    Result<Fd> event = open_event(tid, ring.cpu);
    if (!event.ok()) {
      return errno == ESRCH ? Result<bool>(false) : Result<bool>(event.error());
    }
    uint64_t id = 0;
    if (ioctl(event->get(), PERF_EVENT_IOC_SET_OUTPUT, ring.event.get()) != 0 ||
        ioctl(event->get(), PERF_EVENT_IOC_ID, &id) != 0) {
      return errno_error("direct a perf_event into its ring");
    }
    event_owner_.emplace(id, tid);
    events.push_back(std::move(*event));
  }
  events_.emplace(tid, std::move(events));
  return true;
}

Result<void> PerfRings::add(int32_t pid, Start start) {
  start_ = start;
  size_t opened_threads = 0;
  // A thread that starts meanwhile is seen in the next round, unless it has inherited its creator's events; if it is
  // seen and has, is_counted_twice() finds out.
  for (bool found_new = true; found_new;) {
    found_new = false;
    for (const int32_t tid : threads_of(pid)) {
      if (events_.contains(tid)) {
        continue;
      }
      const Result<bool> opened = open_thread(tid);
      if (!opened.ok()) {
        return opened.error();
      }
      found_new = found_new || *opened;
      opened_threads += *opened ? 1 : 0;
    }
  }
  return opened_threads != 0 ? Result<void>() : Result<void>(errno_error("perf_event_open", ESRCH));
}

Result<void> PerfRings::add_thread(int32_t tid) {
  remove_thread(tid);  // of an earlier one
  const Result<bool> opened = open_thread(tid);
  if (!opened.ok()) {
    return opened.error();
  }
  return *opened ? Result<void>() : Result<void>(errno_error("perf_event_open", ESRCH));
}

void PerfRings::remove_thread(int32_t tid) {
  if (events_.erase(tid) != 0) {
    std::erase_if(event_owner_, [&](const auto& entry) { return entry.second == tid; });
  }
}

std::vector<int> PerfRings::descriptors() const {
  std::vector<int> result;
  for (const Ring& ring : rings_) {
    result.push_back(ring.event.get());
  }
  return result;
}

const std::byte* PerfRings::record_at(const Ring& ring, uint64_t position) {
  const auto* data = reinterpret_cast<const std::byte*>(ring.memory + page_of(ring.memory).data_offset);
  const uint64_t offset = position % ring.size_bytes;
  perf_event_header header;  // never cut in two: records are of whole words, and so is the ring
  std::memcpy(&header, data + offset, sizeof(header));
  if (offset + header.size <= ring.size_bytes) {
    return data + offset;
  }
  const uint64_t first_bytes = ring.size_bytes - offset;
  wrapped_.resize(header.size);
  std::memcpy(wrapped_.data(), data + offset, first_bytes);
  std::memcpy(wrapped_.data() + first_bytes, data, header.size - first_bytes);
  return wrapped_.data();
}

uint64_t PerfRings::time_of_next(const Ring& ring) {
  const std::byte* bytes = record_at(ring, ring.tail);
  PerfBytes record(bytes);
  return record.time_monotonic_ns();
}

void PerfRings::drain(uint64_t before_monotonic_ns, const std::function<void(const PerfRecord&)>& take) {
  for (Ring& ring : rings_) {
    auto& page = *reinterpret_cast<perf_event_mmap_page*>(ring.memory);
    ring.head = __atomic_load_n(&page.data_head, __ATOMIC_ACQUIRE);  // pairs with the kernel's barrier before it
    ring.next_time_ns = ring.tail != ring.head ? time_of_next(ring) : 0;
  }
  PerfRecord record;
  while (true) {
    Ring* oldest = nullptr;
    for (Ring& ring : rings_) {
      if (ring.tail != ring.head && ring.next_time_ns < before_monotonic_ns &&
          (oldest == nullptr || ring.next_time_ns < oldest->next_time_ns)) {
        oldest = &ring;
      }
    }
    if (oldest == nullptr) {
      return;
    }
    const PerfBytes bytes(record_at(*oldest, oldest->tail));
    if (bytes.size_bytes() == 0) {  // impossible; a ring that makes no sense must not keep us here
      oldest->tail = oldest->head;
    } else {
      uint64_t event_id = 0;
      if (bytes.parse(record, event_id) && !is_counted_twice(event_id, record)) {
        record.sample.weight_ns = options_.period_ns;
        take(record);
      }
      oldest->tail += bytes.size_bytes();
    }
    auto& page = *reinterpret_cast<perf_event_mmap_page*>(oldest->memory);
    __atomic_store_n(&page.data_tail, oldest->tail, __ATOMIC_RELEASE);  // pairs with the kernel's look for room
    oldest->next_time_ns = oldest->tail != oldest->head ? time_of_next(*oldest) : 0;
  }
}

// A thread that started while the events were being opened may have both its own and those of its creator. Its own go.
bool PerfRings::is_counted_twice(uint64_t event_id, const PerfRecord& record) {
  if (record.kind == PerfRecord::Kind::kExit) {
    // Kept open: threads that this one made sample by what they inherited. Another may get its number.
    if (auto ended = events_.extract(record.tid)) {
      ended_events_.push_back(std::move(ended.mapped()));
    }
  }
  if (record.kind != PerfRecord::Kind::kSample) {
    return false;
  }
  const auto owner = event_owner_.find(event_id);
  if (owner == event_owner_.end()) {
    return true;  // of events that were closed
  }
  if (owner->second == record.tid || !events_.contains(record.tid)) {
    return false;
  }
  events_.erase(record.tid);
  std::erase_if(event_owner_, [&](const auto& entry) { return entry.second == record.tid; });
  return false;
}

}  // namespace flarestack
