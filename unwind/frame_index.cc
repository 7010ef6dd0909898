// SPDX-License-Identifier: Apache-2.0
#include "unwind/frame_index.h"

#include "unwind/byte_cursor.h"
#include "unwind/cfi.h"

namespace flarestack {
namespace {

void sift_down(FrameIndexEntry* entries, uint64_t root, uint64_t count) {
  const FrameIndexEntry sunk = entries[root];
  for (uint64_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
    child += child + 1 < count && entries[child].code_start < entries[child + 1].code_start ? 1 : 0;
    if (entries[child].code_start <= sunk.code_start) {
      break;
    }
    entries[root] = entries[child];
    root = child;
  }
  entries[root] = sunk;
}

// Heapsort: in place, no recursion, and nothing of a runtime's.
void sort(FrameIndexEntry* entries, uint64_t count) {
  for (uint64_t root = count / 2; root-- > 0;) {
    sift_down(entries, root, count);
  }
  while (count > 1) {
    const FrameIndexEntry greatest = entries[0];
    entries[0] = entries[--count];
    entries[count] = greatest;
    sift_down(entries, 0, count);
  }
}

}  // namespace

uint64_t index_frames(const UnwindModule& module, uint64_t eh_frame, uint64_t size_bytes, FrameIndexEntry* entries,
                      uint64_t capacity) {
  if (size_bytes > UINT64_MAX - eh_frame) {
    return 0;
  }
  uint64_t count = 0;
  ByteCursor cursor(module, eh_frame, eh_frame + size_bytes);
  while (cursor.ok() && cursor.left() >= sizeof(uint32_t)) {
    const uint64_t record = cursor.position();
    uint64_t length = cursor.fixed<uint32_t>();
    if (length == UINT32_MAX) {
      length = cursor.fixed<uint64_t>();
    }
    if (length == 0) {
      continue;  // the terminator of one of several sections that were put together
    }
    FrameDescription found;
    if (read_frame_description(module, record, &found) && found.code_start >= module.text_start &&
        found.code_start < module.text_end) {
      if (count < capacity) {
        entries[count] = {found.code_start, record};
      }
      ++count;
    }
    cursor.skip(length);
  }
  sort(entries, count < capacity ? count : capacity);
  return count;
}

}  // namespace flarestack
