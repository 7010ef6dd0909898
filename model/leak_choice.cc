// SPDX-License-Identifier: Apache-2.0
#include "model/leak_choice.h"

namespace flarestack {

std::vector<uint32_t> last_leak_checks(const Recording& recording) {
  std::vector<uint32_t> last(recording.processes.size(), kNoIndex);
  for (uint32_t i = 0; i < recording.leak_checks.size(); ++i) {
    const RecordedLeakCheck& each = recording.leak_checks[i];
    if (each.process >= last.size()) continue;
    uint32_t& best = last[each.process];
    if (best == kNoIndex || each.check.number >= recording.leak_checks[best].check.number) best = i;
  }
  return last;
}

std::vector<uint32_t> chosen_leaks(const Recording& recording, const Selection& selection) {
  const std::vector<uint32_t> last = last_leak_checks(recording);
  std::vector<uint32_t> chosen;
  for (uint32_t i = 0; i < recording.leaks.size(); ++i) {
    const RecordedLeak& each = recording.leaks[i];
    if (each.process >= last.size() || last[each.process] == kNoIndex) continue;
    if (each.leak.check != recording.leak_checks[last[each.process]].check.number) continue;
    if (!selection.chooses_process(each.process)) continue;
    if (!each.leak.inherited && !selection.chooses_thread(each.thread)) continue;
    chosen.push_back(i);
  }
  return chosen;
}

}  // namespace flarestack
