// SPDX-License-Identifier: Apache-2.0
#include "report/leaks_suppressions.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "model/suppressions.h"
#include "report/leaks_words.h"

namespace flarestack {
namespace {

constexpr size_t kMostFrames = 400;  // memcheck reads at most 500 (VG_DEEPEST_BACKTRACE)

const char* kind_word(LeakVerdict verdict) {
  switch (verdict) {
    case LeakVerdict::kDefinitelyLost:
      return "definite";
    case LeakVerdict::kIndirectlyLost:
      return "indirect";
    case LeakVerdict::kPossiblyLost:
      return "possible";
    case LeakVerdict::kStillReachable:
      return "reachable";
  }
  return "all";
}

// Valgrind's stacks end at main() and begin a thread with this one, below which systems differ.
size_t end_for_valgrind(const Profile& profile, const std::vector<uint32_t>& path) {
  for (size_t i = path.size(); i > 0; --i) {
    const std::string& name = profile.functions[profile.locations[path[i - 1]].function].name;
    if (name == "main" || name == "start_thread") return i;
  }
  return path.size();
}

// A module by its name alone: Valgrind knows it by its real path, behind symbolic links ("libz.so.1" is "libz.so.1.3").
std::string object_pattern(const Function& function) {
  return "*/" + function.module + (function.module.find(".so") == std::string::npos ? "" : "*");
}

// A name on one line, in which "*" and "?" stand for themselves or, at most, for one other character.
std::string pattern_of(std::string_view name) {
  std::string pattern(name);
  for (char& each : pattern) {
    if (each == '*' || static_cast<unsigned char>(each) < 0x20) each = '?';
  }
  return pattern;
}

// A name that stands for a place in a module without symbols.
bool is_symbol(const Function& function) {
  return function.module.empty() || !function.name.starts_with(function.module + "+0x");
}

std::string suppression_of(const Profile& profile, const Leaks& leaks, const LeakSite& site) {
  const std::vector<SuppressibleFrame> frames = suppressible(profile, site.path, leaks.mangled);
  std::string text;
  size_t shown = 0;
  const size_t end = end_for_valgrind(profile, site.path);
  for (size_t i = 0; i < end && shown < kMostFrames; ++i) {
    const SuppressibleFrame& frame = frames[i];
    const bool is_last = i + 1 == frames.size();
    if (shown == 0 && !is_last && is_allocator_entry(frame.function)) continue;  // the first line stands for it
    const Function& function = profile.functions[profile.locations[site.path[i]].function];
    const std::string_view name = frame.inlined           ? bare_name(frame.function)
                                  : frame.mangled.empty() ? frame.function
                                                          : frame.mangled;
    text += is_symbol(function) ? "   fun:" + pattern_of(name) : "   obj:" + object_pattern(function);
    text += "\n";
    ++shown;
  }
  if (shown == 0) return "";
  return fmt::format("   Memcheck:Leak\n   match-leak-kinds: {}\n   fun:*\n{}}}\n", kind_word(site.verdict), text);
}

}  // namespace

std::string leak_suppressions(const Profile& profile, const Leaks& leaks, const LeakReportOptions& options) {
  std::string out;
  std::set<std::string> written;
  for (const LeakSite& site : leaks.sites) {
    if ((options.shown >> static_cast<int>(site.verdict) & 1) == 0) continue;
    const std::string text = suppression_of(profile, leaks, site);
    if (text.empty() || !written.insert(text).second) continue;
    out += fmt::format("{{\n   {}: {}\n", site_phrase(site), path_place(profile, site.path, 60)) + text;
  }
  return out;
}

}  // namespace flarestack
