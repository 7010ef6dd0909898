// SPDX-License-Identifier: Apache-2.0
#include "tools/leak_judgement.h"

#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "model/heap_growth.h"
#include "model/leaks.h"
#include "model/loaded_trace.h"
#include "report/leaks_text.h"
#include "tools/command.h"

namespace flarestack {
namespace {

constexpr size_t kSitesShown = 20;  // at the end of a recording; `flarestack leaks` lists them all

}  // namespace

std::optional<int> read_suppressions(const std::vector<std::string>& files, bool builtin, Suppressions& suppressions) {
  for (const std::string& path : files) {
    const Result<std::string> text = read_file(path);
    if (!text.ok()) {
      print_error(text.error().message);
      return kExitFailed;
    }
    if (const Result<void> added = suppressions.add(*text, path); !added.ok()) {
      print_error(added.error().message);
      return kExitUsage;
    }
  }
  if (!builtin) return std::nullopt;
  if (const Result<void> added = suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName); !added.ok()) {
    print_error(added.error().message);
    return kExitFailed;
  }
  return std::nullopt;
}

Result<LeakJudgement> judge_leaks(const std::string& trace, const Suppressions& suppressions,
                                  const TextLayout& layout) {
  ProfileOptions profile_options;
  profile_options.metric = Metric::kLive;
  const Result<Profile> profile = load_profile(trace, profile_options);
  if (!profile.ok()) return profile.error();
  LeakOptions options;
  options.suppressions = &suppressions;
  const Leaks leaks = find_leaks(*profile, options);
  LeakReportOptions report;
  report.layout = layout;
  report.top = kSitesShown;
  const HeapGrowth growth = find_growth(*profile, memory_of_machine(profile->recording.session.host));
  LeakJudgement judgement;
  judgement.text = leaks_text(*profile, leaks, growth, suppressions, report);
  judgement.lost_bytes = leaks.totals.lost_bytes();
  judgement.lost_blocks = leaks.totals.lost_blocks();
  return judgement;
}

uint64_t memory_of_machine(const std::string& recorded_host) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || recorded_host != host.data()) return 0;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes) : 0;
}

}  // namespace flarestack
