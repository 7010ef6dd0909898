// SPDX-License-Identifier: Apache-2.0
#include "profiler/module_log.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "wire/records.h"
#include "wire/ring.h"

namespace flarestack {
namespace {

constexpr char kAgentFileName[] = "/libflarestack_preload.so";

ModuleMap::Segment segment_of(const RecordHeader& header, const std::vector<uint64_t>& words, RecordingTables& tables) {
  ModuleMap::Segment segment;
  segment.text_start = words[1];
  segment.text_end = words[2];
  segment.load_bias = words[3];
  segment.agent_id = static_cast<uint32_t>(words[4]);
  segment.build_id.resize(std::min<size_t>(header.flags, kMaxBuildIdBytes));
  if (!segment.build_id.empty()) {
    std::memcpy(segment.build_id.data(), &words[5], segment.build_id.size());
  }
  segment.path.assign(reinterpret_cast<const char*>(&words[kModuleAddedWords]), (words.size() - kModuleAddedWords) * 8);
  segment.path.resize(std::strlen(segment.path.c_str()));
  segment.is_agent = segment.path.ends_with(kAgentFileName);
  segment.module = tables.module(segment.path, segment.build_id);
  segment.added = header.generation;
  return segment;
}

}  // namespace

ModuleLogResult drain_module_log(SessionView session, RecordingTables& tables, ModuleMap& modules) {
  SessionPage& page = session.page();
  RingReader log(session.module_log(), kModuleLogBytes, page.module_log_head, page.module_log_tail);
  ModuleLogResult result;
  for (size_t available = log.available(); available != 0; available = log.available()) {
    const RecordHeader header = RecordHeader::unpack(log.peek(0));
    if (header.words == 0 || header.words > available) {
      ++result.damaged_records;
      log.skip_to_head();
      return result;
    }
    std::vector<uint64_t> words(header.words);
    for (uint32_t i = 0; i < header.words; ++i) {
      words[i] = log.peek(i);
    }
    log.consume(header.words);
    if (header.kind == RecordKind::kModuleRemoved && header.words == kModuleRemovedWords) {
      modules.remove(static_cast<uint32_t>(words[1]), header.generation);
    } else if (header.kind == RecordKind::kModuleAdded && header.words > kModuleAddedWords &&
               header.words <= kModuleAddedWords + kMaxModulePathBytes / 8 + 1) {
      modules.add(segment_of(header, words, tables));
    } else {
      ++result.damaged_records;
      continue;
    }
    result.last_generation = std::max(result.last_generation, header.generation);
  }
  if (log.damaged()) {
    ++result.damaged_records;
    log.skip_to_head();
  }
  return result;
}

}  // namespace flarestack
