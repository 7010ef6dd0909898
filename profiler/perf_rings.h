// SPDX-License-Identifier: Apache-2.0
// PerfRings: the perf_event task clock of every thread of a process, sampled by the kernel into rings that the recorder
// maps: nothing of ours is in the process. Threads and children that come later inherit the events, which the kernel
// allows only for events bound to one processor: so there is one ring a processor, and one event for each thread and
// processor, as `perf record -p` has it. Made by OutsideSampler. Recorder side; Linux 4.1 or later.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/perf_record.h"

namespace flarestack {

class PerfRings {
 public:
  static constexpr uint32_t kStackCopyBytes = 16 * 1024;

  struct Options {
    uint64_t period_ns = 0;
    bool follow_children = true;
    bool single_threads = false;  // for add_thread(): what they start is left out, and so is code in the kernel
  };
  // Of no process yet. Error: the kernel refuses.
  static Result<std::unique_ptr<PerfRings>> create(const Options& options);
  // Whether the kernel lets us sample a process.
  static bool may_sample(int32_t pid);
  ~PerfRings();
  PerfRings(const PerfRings&) = delete;
  PerfRings& operator=(const PerfRings&) = delete;

  enum class Start : uint8_t { kNow, kAtExec };
  // Samples a process, from now on or from when its (one) thread execs. Error: the kernel refuses
  // (`perf_event_open: Permission denied`), or the process is gone.
  Result<void> add(int32_t pid, Start start);

  // Samples one thread, from now on until it is removed or ends. Error: as of add().
  Result<void> add_thread(int32_t tid);
  void remove_thread(int32_t tid);

  // One a processor; readable when its ring is a quarter full.
  std::vector<int> descriptors() const;
  // Hands out, oldest first, what was written before that time; all there is with UINT64_MAX.
  void drain(uint64_t before_monotonic_ns, const std::function<void(const PerfRecord&)>& take);

  // Whether code in the kernel is sampled as well; else its time is missing in the samples.
  bool samples_kernel() const { return samples_kernel_; }

 private:
  struct Ring {
    Fd event;  // of this process, which does not end before the ring; the others write into its ring
    int cpu = 0;
    char* memory = nullptr;
    uint64_t mapped_bytes = 0;
    uint64_t size_bytes = 0;
    uint64_t head = 0;
    uint64_t tail = 0;
    uint64_t next_time_ns = 0;  // of the record at the tail; only while tail != head
  };

  explicit PerfRings(const Options& options) : options_(options) {}
  Result<void> map_rings();
  Result<void> map_ring(Ring& ring, uint64_t size_bytes);
  Result<bool> open_thread(int32_t tid);
  Result<Fd> open_event(int32_t tid, int cpu);
  const std::byte* record_at(const Ring& ring, uint64_t position);
  uint64_t time_of_next(const Ring& ring);
  bool is_counted_twice(uint64_t event_id, const PerfRecord& record);

  Options options_;
  Start start_ = Start::kNow;  // of the events that are being opened
  bool samples_kernel_ = true;
  bool inherits_threads_only_ = false;
  std::vector<Ring> rings_;
  std::map<int32_t, std::vector<Fd>> events_;          // by the thread that they were opened for
  std::vector<std::vector<Fd>> ended_events_;          // of threads that have ended
  std::unordered_map<uint64_t, int32_t> event_owner_;  // that thread by the event's id
  std::vector<std::byte> wrapped_;                     // a record that the ring's end cuts in two
};

}  // namespace flarestack
