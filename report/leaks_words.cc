// SPDX-License-Identifier: Apache-2.0
#include "report/leaks_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_sites.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

std::string time_phrase(int64_t time_ns) {
  return format_duration(static_cast<uint64_t>(std::max<int64_t>(time_ns, 0)));
}

std::string blocks_phrase(uint64_t blocks) {
  return fmt::format("{} block{}", format_count(blocks), blocks == 1 ? "" : "s");
}

bool is_library(const Profile& profile, uint32_t location) {
  const Location& where = profile.locations[location];
  return is_library_function(profile.functions[where.function], profile.files[where.file]);
}

}  // namespace

const char* verdict_words(LeakVerdict verdict) {
  switch (verdict) {
    case LeakVerdict::kDefinitelyLost:
      return "definitely lost";
    case LeakVerdict::kIndirectlyLost:
      return "indirectly lost";
    case LeakVerdict::kPossiblyLost:
      return "possibly lost";
    case LeakVerdict::kStillReachable:
      return "still reachable";
  }
  return "";
}

std::string amount_phrase(const LeakAmount& amount) {
  return format_bytes(amount.bytes) + " in " + blocks_phrase(amount.blocks);
}

std::string site_phrase(const LeakSite& site) {
  std::string phrase = amount_phrase(site.amount) + " " + verdict_words(site.verdict);
  if (site.behind.blocks != 0)
    phrase += ", and " + amount_phrase(site.behind) + " behind " + (site.amount.blocks == 1 ? "it" : "them");
  return phrase;
}

std::string totals_phrase(const LeakTotals& totals) {
  LeakSite all;
  all.amount = totals.of(LeakVerdict::kDefinitelyLost);
  all.behind = totals.of(LeakVerdict::kIndirectlyLost);
  std::string phrase;
  const auto add = [&phrase](const std::string& part) { phrase += (phrase.empty() ? "" : "; ") + part; };
  if (all.amount.blocks != 0) {
    add(site_phrase(all));
  } else if (all.behind.blocks != 0) {  // those in front of them were filtered away
    add(amount_phrase(all.behind) + " indirectly lost");
  }
  const LeakAmount& possible = totals.of(LeakVerdict::kPossiblyLost);
  if (possible.blocks != 0) add(amount_phrase(possible) + " possibly lost");
  return phrase.empty() ? "none" : phrase;
}

std::string leaks_line(const Profile& profile, const Suppressions* suppressions) {
  if (profile.recording.leak_checks.empty()) return "";
  Suppressions builtin;
  LeakOptions options;
  options.suppressions = suppressions;
  if (suppressions == nullptr && builtin.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok())
    options.suppressions = &builtin;
  const Leaks leaks = find_leaks(profile, options);
  std::string line = totals_phrase(leaks.totals);
  if (!leaks.no_verdict.empty())
    line +=
        fmt::format("; no verdict of {} process{}", leaks.no_verdict.size(), leaks.no_verdict.size() == 1 ? "" : "es");
  return line;
}

size_t place_in(const Profile& profile, const std::vector<uint32_t>& path) {
  const size_t end = end_of_program(profile, path);
  for (size_t i = 0; i < end; ++i) {
    if (!is_library(profile, path[i])) return i;
  }
  return 0;
}

size_t end_of_program(const Profile& profile, const std::vector<uint32_t>& path) {
  for (size_t i = path.size(); i > 0; --i) {
    if (profile.functions[profile.locations[path[i - 1]].function].name == "main") return i;
  }
  for (size_t i = path.size(); i > 0; --i) {
    if (!is_library(profile, path[i - 1])) return i;
  }
  return path.size();
}

std::string source_place(const Profile& profile, uint32_t location) {
  const Location& where = profile.locations[location];
  if (where.line == 0) return "";
  std::string_view file = profile.files[where.file];
  const std::string& folder = profile.recording.session.working_directory;
  if (folder.size() > 1 && file.starts_with(folder) && file.size() > folder.size() + 1 && file[folder.size()] == '/')
    file.remove_prefix(folder.size() + 1);
  return printable(file) + ":" + std::to_string(where.line);
}

std::string path_place(const Profile& profile, const std::vector<uint32_t>& path, size_t width) {
  if (path.empty()) return "[no stack]";
  const uint32_t location = path[place_in(profile, path)];
  const std::string place = source_place(profile, location);
  if (!place.empty()) return place;
  const Function& function = profile.functions[profile.locations[location].function];
  std::string phrase = short_function(function.name, width);
  if (!function.module.empty()) phrase += " (" + short_file(function.module, 30) + ")";
  return phrase;
}

std::string holder_phrase(const Profile& profile, const LeakHeldBy& holder) {
  const Recording& recording = profile.recording;
  const std::string thread = holder.thread < recording.threads.size()
                                 ? "thread " + thread_label(recording, holder.thread)
                                 : std::string("a thread that is not recorded");
  switch (holder.kind) {
    case LeakHolder::kModuleData: {
      if (holder.module == kNoIndex) return "data of a module that is not known";
      const std::string module = holder.module < recording.modules.size()
                                     ? short_file(recording.modules[holder.module].name(), 40)
                                     : std::string("[lost module]");
      if (holder.variable.empty()) return fmt::format("{}+0x{:x}", module, holder.offset.value);
      std::string variable = short_function(holder.variable, 60);
      if (holder.offset_in_variable != 0) variable += fmt::format("+0x{:x}", holder.offset_in_variable);
      return fmt::format("variable {} of {}", variable, module);
    }
    case LeakHolder::kStack:
      return "the stack of " + thread;
    case LeakHolder::kThreadLocal:
      return "thread-local storage of " + thread;
    case LeakHolder::kRegister:
      return "a register of " + thread;
    case LeakHolder::kMapped:
      return "memory that the program mapped";
    case LeakHolder::kBlock:
      return "a block allocated at " + path_place(profile, holder.path, 60);
    case LeakHolder::kNone:
      break;
  }
  return "nothing";
}

std::string origin_phrase(const Profile& profile, const LeakSite& site) {
  const Recording& recording = profile.recording;
  std::string phrase = site.last_ns <= 0 ? "at the start"
                       : site.first_ns == site.last_ns
                           ? "at " + time_phrase(site.first_ns)
                           : "from " + time_phrase(site.first_ns) + " to " + time_phrase(site.last_ns);
  if (site.threads.size() == 1) {
    phrase += " by thread " + thread_label(recording, site.threads.front());
  } else if (!site.threads.empty()) {
    phrase += fmt::format(" by {} threads", site.threads.size());
  }
  if (site.inherited) {
    const bool one = site.processes.size() == 1;
    return phrase + ", before the fork of " +
           (one ? process_label(recording, site.processes.front())
                : fmt::format("{} processes", site.processes.size())) +
           (one ? ", which lost " : ", each of which lost ") + (one && site.amount.blocks == 1 ? "it" : "them");
  }
  if (recording.processes.size() > 1) {
    const bool is_main_thread =
        site.processes.size() == 1 && site.threads.size() == 1 && site.threads.front() < recording.threads.size() &&
        site.processes.front() < recording.processes.size() &&
        recording.threads[site.threads.front()].tid == recording.processes[site.processes.front()].pid;
    if (is_main_thread) return phrase;
    phrase += site.processes.size() == 1 ? " in " + process_label(recording, site.processes.front())
                                         : fmt::format(" in {} processes", site.processes.size());
  }
  return phrase;
}

std::string no_parent_verdict_phrase(const Recording& recording, const InheritedLoss& loss) {
  return fmt::format("{} of it {} lost in {}, perhaps by its parent {}, of which there is no verdict: {}",
                     amount_phrase(loss.lost), loss.lost.blocks == 1 ? "is" : "are",
                     process_label(recording, loss.process), process_label(recording, loss.unknown.parent),
                     printable(loss.unknown.reason));
}

std::string process_label(const Recording& recording, uint32_t process) {
  if (process >= recording.processes.size()) return "[lost process]";
  return printable(recording.processes[process].name()) + " (" + std::to_string(recording.processes[process].pid) + ")";
}

}  // namespace flarestack
