// SPDX-License-Identifier: Apache-2.0
#include "model/no_verdict.h"

#include <csignal>
#include <cstring>

namespace flarestack {
namespace {

// What the recorder itself says of it.
std::optional<std::string> noted_reason(const Recording& recording, uint32_t process) {
  for (const Note& note : recording.notes) {
    if (note.process != process && note.process != kNoIndex) continue;
    if (note.text.find("leak check") != std::string::npos || note.text.find("leak verdict") != std::string::npos)
      return note.text;
  }
  return std::nullopt;
}

std::string signal_name(int32_t number) {
  const char* name = number > 0 && number < NSIG ? ::sigabbrev_np(number) : nullptr;
  return name == nullptr ? "signal " + std::to_string(number) : "SIG" + std::string(name);
}

std::string reason_of_end(const Recording& recording, const ProcessEndRecord& end) {
  switch (end.kind) {
    case ExitKind::kSignaled:
      return end.code == SIGKILL ? "killed by SIGKILL, which leaves no moment to look"
                                 : "killed by " + signal_name(end.code) + " before its memory could be looked at";
    case ExitKind::kReplacedByExec:
      return "replaced by another program (exec)";
    case ExitKind::kStillRunning:
      return "still running when the recording ended";
    case ExitKind::kExited:
      // Traces of before the session said it.
      return recording.session.leak_checks == LeakChecks::kNotSaid && recording.leak_checks.empty()
                 ? "no leak check was made at its end (--no-leak-check, or a raw exit_group)"
                 : "ended without passing the C library's _exit (a raw exit_group)";
    case ExitKind::kUnknown:
      break;
  }
  return "its end was not recorded";
}

}  // namespace

std::optional<std::string> no_verdict_reason(const Recording& recording, uint32_t process,
                                             const LeakCheckRecord* check) {
  if (check != nullptr && (check->blocks != 0 || check->problem.empty())) return std::nullopt;
  bool has_heap = check != nullptr;
  for (size_t i = 0; i < recording.heap_slices.size() && !has_heap; ++i) {
    has_heap = recording.heap_slices[i].process == process;
  }
  for (size_t i = 0; i < recording.allocations.size() && !has_heap; ++i) {
    has_heap = recording.process_of_thread(recording.allocations[i].thread) == process;
  }
  if (!has_heap) return std::nullopt;
  if (check != nullptr) return check->problem;
  if (recording.is_imported()) return "it was imported: which blocks nothing points to is not known";
  if (recording.session.heap == HeapMode::kSampled) return "the heap was sampled: most blocks are not known";
  if (recording.session.leak_checks == LeakChecks::kNone) return "no leak check was asked for (--no-leak-check)";
  if (auto noted = noted_reason(recording, process)) return noted;
  return reason_of_end(recording, recording.processes[process].end);
}

}  // namespace flarestack
