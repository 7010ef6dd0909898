// SPDX-License-Identifier: Apache-2.0
#include "report/findings_words.h"

#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

constexpr double kMuchIdle = 0.2;
constexpr double kMuchRecording = 0.05;

std::string percent(double share) {
  return format_percent(static_cast<uint64_t>(std::llround(share * 1'000'000)), 1'000'000);
}

bool is_waiting(const Finding& finding) { return finding.id.starts_with("wait."); }

}  // namespace

std::string gain_phrase(const Finding& finding) {
  return fmt::format("up to {} of {}", percent(finding.win),
                     finding.gain == FindingGain::kTime ? "the time"
                     : finding.id == "heap.allocations" ? "the allocations"
                                                        : "the peak");
}

std::string amount_phrase(const Findings& findings, const Finding& finding) {
  if (finding.gain == FindingGain::kMemory) return format_bytes(finding.amount);
  if (is_waiting(finding)) return format_duration(finding.amount) + " of waiting, all threads together";
  return fmt::format("{} of CPU time, {} of all", format_duration(finding.amount),
                     format_percent(finding.amount, findings.cpu_ns));
}

std::vector<std::string> remarks(const Findings& findings) {
  std::vector<std::string> out;
  if (findings.list.empty())
    out.push_back(fmt::format("Nothing stands out: no finding reaches {}.", percent(findings.threshold)));
  if (findings.has_time && !findings.knows_waiting && 1 - findings.busy >= kMuchIdle)
    out.push_back(
        fmt::format("It ran on a processor for at most {} of the {} that went by; `record --clock wall` tells "
                    "what it waits for.",
                    percent(findings.busy), format_duration(findings.elapsed_ns)));
  const uint64_t all_ns = findings.cpu_ns + findings.recording_ns;
  if (static_cast<double>(findings.recording_ns) >= kMuchRecording * static_cast<double>(all_ns) && all_ns != 0)
    out.push_back(
        fmt::format("Shares are without the {} that recording itself took; --no-heap or --heap sampled take less.",
                    format_duration(findings.recording_ns)));
  if (!findings.has_time) out.emplace_back("Nothing is known of time: it was recorded without CPU samples.");
  return out;
}

}  // namespace flarestack
