// SPDX-License-Identifier: Apache-2.0
// links: flarestack_profiler
// A session region that the target has filled with anything: the bytes are a program of writes into the region, with
// drains in between. Besides not crashing: a drain ends, gives the writer room again, and what went into the trace can
// be read.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include "profiler/recording_tables.h"
#include "profiler/session_region.h"
#include "profiler/target_process.h"
#include "trace/reader.h"
#include "trace/writer.h"
#include "wire/records.h"
#include "wire/ring.h"

namespace {

using flarestack::SessionView;

void require(bool holds) {
  if (!holds) std::abort();
}

// Takes values off the input; zeros behind its end.
class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  uint64_t take(size_t count) {
    uint64_t value = 0;
    count = std::min(count, bytes_.size());
    std::memcpy(&value, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
};

// The places worth writing to: everything that the drain reads.
constexpr uint32_t kSlotsUsed = 3;

std::atomic<uint64_t>& word_at(const SessionView& view, size_t offset) {
  return *reinterpret_cast<std::atomic<uint64_t>*>(static_cast<char*>(view.region()) + offset);
}

// A record as the agent writes it, its header and contents from the input.
void write_record(flarestack::RingWriter ring, Input& input) {
  const uint64_t header = input.take(8);
  const size_t words = 1 + input.take(1) % 40;
  if (ring.begin(words)) {
    ring.put((header & ~(uint64_t{0xffff} << 16)) | words << 16);
    for (size_t i = 1; i < words; ++i) {
      ring.put(input.take(input.take(1) % 9));
    }
    ring.commit();
  }
}

// Words of heap records: a first one of any kind, and others that are small, addresses or anything.
void write_heap_words(const SessionView& view, Input& input) {
  const auto index = static_cast<uint32_t>(input.take(1) % kSlotsUsed);
  flarestack::SlotHeader& slot = view.slot(index);
  const uint64_t mask = flarestack::heap_ring_bytes(index) - 1;
  uint64_t head = slot.heap_head & ~uint64_t{7};
  for (size_t left = 1 + input.take(1) % 40; left != 0; --left) {
    view.heap_ring(index)[(head & mask) / 8] = input.take(input.take(1) % 9);
    head += 8;
  }
  slot.heap_head = head;
}

void play(Input& input, const SessionView& view, flarestack::TargetProcess& target) {
  const uint64_t action = input.take(1);
  if (action >= 0xc0) {
    write_heap_words(view, input);
    return;
  }
  switch (action % 8) {
    case 0:
      target.drain();
      break;
    case 1:  // a slot's header, anything
      word_at(view, flarestack::kSlotsOffset + input.take(2) % (kSlotsUsed * sizeof(flarestack::SlotHeader)) / 8 * 8) =
          input.take(8);
      break;
    case 2:  // a ring's words
      word_at(view, flarestack::kRingsOffset + input.take(3) % (kSlotsUsed * flarestack::kRingBytes) / 8 * 8) =
          input.take(8);
      break;
    case 3:
      word_at(view, flarestack::kModuleLogOffset + input.take(3) % flarestack::kModuleLogBytes / 8 * 8) = input.take(8);
      break;
    case 4:  // the page behind its settings
      word_at(view, 48 + input.take(1) * 8) = input.take(8);
      break;
    case 5: {
      const uint32_t index = static_cast<uint32_t>(input.take(1) % kSlotsUsed);
      flarestack::SlotHeader& slot = view.slot(index);
      slot.state = static_cast<flarestack::SlotState>(input.take(1) % 6);
      slot.tid = static_cast<uint32_t>(getpid());
      break;
    }
    case 6: {
      const uint32_t index = static_cast<uint32_t>(input.take(1) % kSlotsUsed);
      flarestack::SlotHeader& slot = view.slot(index);
      write_record({view.ring(index), flarestack::kRingBytes, slot.head, slot.tail}, input);
      break;
    }
    default:
      write_record(
          {view.module_log(), flarestack::kModuleLogBytes, view.page().module_log_head, view.page().module_log_tail},
          input);
  }
}

// Whatever was there, a drained ring is empty: the writer can go on.
void require_drained(const SessionView& view) {
  for (uint32_t i = 0; i < kSlotsUsed; ++i) {
    flarestack::SlotHeader& slot = view.slot(i);
    const flarestack::SlotState state = slot.state;
    if (state == flarestack::SlotState::kLive) {
      require(slot.tail % 8 == 0 && slot.head - slot.tail < 8);
    }
  }
}

void require_readable(const std::string& path) {
  flarestack::Result<flarestack::TraceReader> reader = flarestack::TraceReader::open(path);
  require(reader.ok());
  while (reader->next()) {
  }
  require(reader->damage().damaged_chunks == 0 && reader->damage().skipped_bytes == 0 && reader->damage().ended);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int memory_file = ::memfd_create("session_region_fuzzer", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(memory_file);
  flarestack::Result<flarestack::TraceWriter> writer = flarestack::TraceWriter::create(path);
  require(writer.ok());
  flarestack::RecordingTables tables(*writer);
  flarestack::SessionSettings settings;
  settings.session_id = 1;
  settings.sample_period_ns = 1'000'000;
  settings.clock = flarestack::SampleClock::kPerfTaskClock;
  settings.heap = flarestack::HeapRecording::kExact;
  flarestack::Result<flarestack::SessionRegion> region = flarestack::SessionRegion::create(settings);
  require(region.ok());
  const SessionView view = region->view();
  const flarestack::TargetIdentity identity{tables.next_process(), getpid(), 1};
  flarestack::TargetProcess target(identity, std::move(*region), tables,
                                   {flarestack::monotonic_now_ns() - 1'000'000'000}, 0);
  view.page().slot_limit = kSlotsUsed;
  Input input({data, size});
  while (!input.done()) {
    play(input, view, target);
  }
  view.page().slot_limit = kSlotsUsed;
  target.drain();
  require_drained(view);
  target.finish({2'000'000'000, 0});
  for (const auto& [name, value] : target.counters()) {
    writer->add(flarestack::CounterRecord{identity.id, name, value});
  }
  require(tables.flush().ok());
  writer->add(flarestack::EndRecord{1'000'000'000});
  require(writer->flush().ok());
  require_readable(path);
  return 0;
}
