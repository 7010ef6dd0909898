// SPDX-License-Identifier: Apache-2.0
// A recording of a minute of a server that does not end: sessions that are never freed, a cache that levels off, a
// buffer that fills and empties, and what it made at its start. For the tests of model/ and report/.
#pragma once

#include <algorithm>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {

inline FakeRecording growing_server() {
  constexpr int64_t kSecondNs = 1'000'000'000;
  FakeRecording server;
  server.heap();
  server.process(1, 100, "/usr/bin/server");
  server.thread(1, 1, 100, "server");
  const auto change = [&](const std::vector<std::string>& names, int second, int64_t bytes, int64_t blocks) {
    AllocationRecord record;
    record.size_class = 10;
    record.slice_start_ns = second * kSecondNs;
    record.slice_length_ns = kSecondNs;
    (bytes >= 0 ? record.allocated_bytes : record.deallocated_bytes) = static_cast<uint64_t>(std::abs(bytes));
    (bytes >= 0 ? record.allocations : record.deallocations) = static_cast<uint64_t>(std::abs(blocks));
    server.allocation(1, names, record);
  };
  for (int second = 0; second < 60; ++second) {
    server.builder.add(HeapSliceRecord{{1}, second * kSecondNs, kSecondNs, 0, 0, second * kSecondNs, 0, 0});
    change({"server!main@5", "server!accept_client@20", "server!new_session@77"}, second, 10'240, 10);
    if (second < 20) change({"server!main@5", "server!lookup@31"}, second, 50'000, 50);
    change({"server!main@5", "server!serve@40"}, second, second % 2 == 0 ? 4096 : -4096, second % 2 == 0 ? 4 : -4);
    if (second == 0) change({"server!main@3", "server!load_config@9"}, second, 300'000, 30);
  }
  MemoryRecord look;
  look.process = {1};
  look.time_ns = 59 * kSecondNs;
  look.rss_bytes = 24 << 20;
  server.builder.add(look);
  server.builder.add(
      LeakCheckRecord{{1}, 1, LeakCheckCause::kOnDemand, 60 * kSecondNs, 2'000'000, 1680, 1'900'000, 1 << 20, ""});
  LeakRecord held;
  held.process = {1};
  held.check = 1;
  held.verdict = LeakVerdict::kStillReachable;
  held.thread = {1};
  held.stack = server.stack({"server!main@5", "server!accept_client@20", "server!new_session@77"});
  held.blocks = 600;
  held.bytes = 614'400;
  held.smallest_bytes = held.largest_bytes = 1024;
  held.first_ns = kSecondNs / 2;
  held.last_ns = 59 * kSecondNs;
  held.holder = LeakHolder::kMapped;
  server.builder.add(held);
  server.end_process(1, ExitKind::kStillRunning, 0, 20'000'000);
  return server;
}

}  // namespace flarestack
