// SPDX-License-Identifier: Apache-2.0
// The part of ProcessTable that plans inline hooks (docs/inline-hooks.md).
#include <algorithm>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "profiler/patch_message.h"
#include "profiler/process_table.h"

namespace flarestack {
namespace {

constexpr uint32_t kMaxPatchRequests = 64;  // of one process: an agent asks once, and for each allocator it loads

}  // namespace

std::string ProcessTable::plan_hooks(int32_t pid, const PatchRequest& request) {
  const auto process = processes_.find(session_of_pid(pid));
  if (process == processes_.end() || ++process->second.patch_requests > kMaxPatchRequests) {
    return {};
  }
  const ProcessId id = process->second.target->identity().id;
  PatchPlanner::HookAddresses hooks;
  std::copy(std::begin(request.hooks), std::end(request.hooks), hooks.begin());
  PatchPlanner::FunctionHooks functions;
  for (uint32_t i = 0; i < std::min(request.function_count, kMaxHookedFunctions); ++i) {
    const HookedFunction& function = request.functions[i];
    functions.emplace(std::string(function.name, strnlen(function.name, sizeof(function.name))), function.hook);
  }
  const Result<PatchPlan> plan = planner_.plan_allocators(pid, hooks, functions, request.module_address);
  const Result<std::string> bytes = plan.ok() ? encode_plan(*plan) : Result<std::string>(plan.error());
  if (plan.ok()) {
    for (const std::string& refusal : plan->refusals) {
      tables_.writer().add(NoteRecord{id, refusal});
    }
  }
  if (!bytes.ok()) {
    tables_.writer().add(NoteRecord{id, "allocators are not hooked: " + bytes.error().message});
  }
  return bytes.ok() && !plan->patches.empty() ? *bytes : std::string();
}

void ProcessTable::serve_patches(const SessionServer::Peer& peer, const PatchRequest& request) {
  const std::string plan = plan_hooks(peer.pid, request);
  const Result<PatchMessage> message = seal_plan(plan);
  const bool is_answered = plan.empty() || !message.ok()
                               ? SessionServer::reply_plan(peer, -1, 0)
                               : SessionServer::reply_plan(peer, message->descriptor.get(), message->size_bytes);
  const ProcessId id = id_of_session(session_of_pid(peer.pid));
  if (!plan.empty() && !message.ok()) {
    tables_.writer().add(NoteRecord{id, "allocators are not hooked: " + message.error().message});
  } else if (!plan.empty() && !is_answered) {
    tables_.writer().add(NoteRecord{id, "allocators are not hooked: the process gave up waiting for the recorder"});
  }
}

void ProcessTable::note_outcome(int32_t pid, const PatchOutcome& outcome) {
  const ProcessId id = id_of_session(session_of_pid(pid));
  if (id && outcome.changed != 0) {
    tables_.writer().add(
        NoteRecord{id, fmt::format("{} allocator {} not hooked: the code in memory is not what the file has",
                                   outcome.changed, outcome.changed == 1 ? "entry is" : "entries are")});
  }
  if (id && (outcome.failed != 0 || outcome.error_number != 0)) {
    tables_.writer().add(NoteRecord{
        id, fmt::format("{} allocator {} not hooked: {}", outcome.failed,
                        outcome.failed == 1 ? "entry is" : "entries are", std::strerror(outcome.error_number))});
  }
}

}  // namespace flarestack
