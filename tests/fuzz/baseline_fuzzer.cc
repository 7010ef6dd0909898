// SPDX-License-Identifier: Apache-2.0
// links: flarestack_history
// A baseline of any content, and a step judged by what was read of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "history/baseline.h"
#include "history/database.h"
#include "model/gate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a fuzzer's entry point lies outside
  const Result<Baseline> baseline = Baseline::parse({reinterpret_cast<const char*>(data), size}, "f.json");
  if (!baseline.ok()) {
    if (!baseline.error().message.starts_with("f.json:")) std::abort();
    return 0;
  }
  const std::vector<RunRecord> sessions = baseline->sessions("parse");
  if (sessions.empty()) return 0;
  for (const RunRecord& session : sessions) {
    if (session.metrics.empty() || record_id(session).size() != 32) std::abort();
  }
  for (const GateCheck& check : default_checks()) static_cast<void>(judge(check, sessions.back(), sessions));
  return 0;
}
