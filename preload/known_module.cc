// SPDX-License-Identifier: Apache-2.0
#include "preload/known_module.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>

#include "preload/agent.h"
#include "preload/system.h"
#include "wire/records.h"
#include "wire/ring.h"

namespace flarestack::agent {
namespace {

// Waits for room in the module log, at most a second; then the event is counted as lost.
bool begin_log(RingWriter& log, size_t words) {
  SessionPage& page = the_agent.session.page();
  for (int attempt = 0; attempt < 1000 && page.off.load(std::memory_order_relaxed) == 0; ++attempt) {
    if (log.begin(words)) {
      return true;
    }
    // Not nanosleep: a borrowed thread's own sleep would be forgotten (its restart_block), and end with EINTR.
    static constinit std::atomic<uint32_t> never{0};
    const timespec millisecond{0, 1'000'000};
    raw_syscall(SYS_futex, raw_pointer(&never), FUTEX_WAIT, 0, raw_pointer(&millisecond));
  }
  page.module_events_lost.fetch_add(1, std::memory_order_relaxed);
  return false;
}

RingWriter module_log() {
  SessionPage& page = the_agent.session.page();
  return {the_agent.session.module_log(), kModuleLogBytes, page.module_log_head, page.module_log_tail};
}

void path_of(const KnownModule& module, char* path) {
  const char* name = module.map->l_name;
  // The executable: glibc gives it no name, musl the one that it was called by.
  if (name == nullptr || name[0] == '\0' || (the_agent.debug != nullptr && module.map == the_agent.debug->r_map)) {
    const long length =
        raw_syscall(SYS_readlink, raw_pointer("/proc/self/exe"), raw_pointer(path), kMaxModulePathBytes - 1);
    path[length > 0 ? length : 0] = '\0';
  } else if (text_starts(name, "linux-vdso")) {
    text_copy(path, "[vdso]", kMaxModulePathBytes);
  } else if (name[0] != '/') {
    const long length =
        raw_syscall(SYS_getcwd, raw_pointer(path), kMaxModulePathBytes / 2);  // its terminating zero counts
    size_t used = length > 0 ? static_cast<size_t>(length) - 1 : 0;
    path[used++] = '/';
    text_copy(path + used, name, kMaxModulePathBytes - used);
  } else {
    text_copy(path, name, kMaxModulePathBytes);
  }
}

}  // namespace

void log_added(const KnownModule& module, uint64_t generation) {
  char path[kMaxModulePathBytes + 8] = {};
  path_of(module, path);
  uint8_t build_id[kMaxBuildIdBytes] = {};
  memcpy(build_id, reinterpret_cast<const void*>(module.build_id_address), module.build_id_bytes);
  const size_t path_words = text_length(path) / 8 + 1;
  RingWriter log = module_log();
  for (uint32_t i = 0; i < module.segment_count; ++i) {
    const auto words = static_cast<uint16_t>(kModuleAddedWords + path_words);
    if (!begin_log(log, words)) {
      return;
    }
    log.put(RecordHeader{RecordKind::kModuleAdded, static_cast<uint8_t>(module.build_id_bytes), words,
                         static_cast<uint32_t>(generation)}
                .pack());
    log.put(module.segments[i].text_start);
    log.put(module.segments[i].text_end);
    log.put(module.bias);
    log.put(module.id);
    uint64_t word = 0;
    for (size_t at = 0; at < kMaxBuildIdBytes; at += 8) {
      memcpy(&word, build_id + at, 8);
      log.put(word);
    }
    for (size_t at = 0; at < path_words; ++at) {
      memcpy(&word, path + at * 8, 8);
      log.put(word);
    }
    log.commit();
  }
}

void log_removed(const KnownModule& module, uint64_t generation) {
  RingWriter log = module_log();
  if (begin_log(log, kModuleRemovedWords)) {
    log.put(RecordHeader{RecordKind::kModuleRemoved, 0, kModuleRemovedWords, static_cast<uint32_t>(generation)}.pack());
    log.put(module.id);
    log.commit();
  }
}

}  // namespace flarestack::agent
