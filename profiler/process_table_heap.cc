// SPDX-License-Identifier: Apache-2.0
// The part of ProcessTable that is about heap recording: when rings want to be drained, what a fork's child has, leaks
// of a process that goes on, and what is told of it meanwhile.
#include "profiler/process_table.h"

namespace flarestack {

uint64_t ProcessTable::heap_nap_ns() const {
  constexpr uint64_t kHeldUpNapNs = 100'000;
  for (const auto& [session_id, process] : processes_) {
    if (process.target->heap_held_up()) {
      return kHeldUpNapNs;
    }
  }
  constexpr uint64_t kNapNs = 20'000'000, kNapWithoutBellNs = 1'000'000;
  return doorbell_ != nullptr && doorbell_->is_supported() ? kNapNs : kNapWithoutBellNs;
}

void ProcessTable::forget(uint32_t session_id) {
  if (doorbell_ != nullptr) {
    doorbell_->remove(&processes_.at(session_id).target->region().view().page().doorbell);
  }
  processes_.erase(session_id);
}

void ProcessTable::serve_leak_check(const SessionServer::Peer& peer, const LeakCheckAsk& ask) {
  const auto process = processes_.find(session_of_pid(ask.pid));
  uint32_t number = 0;
  if (process != processes_.end() && process->second.target->can_check_leaks()) {
    number = process->second.target->check_leaks_now(LeakCheckCause::kOnDemand);
    static_cast<void>(tables_.flush());  // a trace that cannot be written says so at the next flush, too
  }
  SessionServer::reply_leak_check(peer, number, trace_path_);
}

// The blocks that a fork's child has from its parent.
void ProcessTable::inherit_heap(TargetProcess& child, const Hello& hello) {
  const auto parent = processes_.find(hello.parent_session_id);
  if (parent != processes_.end() && child.records_heap()) {
    parent->second.target->drain();  // its word of the fork is there, and the child may be gone in a moment
    child.heap().inherit(parent->second.target->heap().fork_point(hello.fork_number));
  }
}

void ProcessTable::write_so_far() {
  for (auto& [session_id, process] : processes_) {
    TargetProcess& target = *process.target;
    if (target.records_heap()) {
      target.heap().end_slice(true);
    }
    target.regions().write(origin_.now(), true);
    Counters counters = target.counters();
    // Which of the two they are is known at the end.
    counters.erase("foreign_frees");
    counters.erase("ambiguous_frees");
    tables_.add_counters(target.identity().id, counters);
  }
}

}  // namespace flarestack
