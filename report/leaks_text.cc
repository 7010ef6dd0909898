// SPDX-License-Identifier: Apache-2.0
#include "report/leaks_text.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "report/leaks_words.h"

namespace flarestack {
namespace {

constexpr size_t kFramesShown = 12;
constexpr size_t kFramesOfIndirect = 4;  // their leader's stack says more
constexpr size_t kHoldersShown = 3;
constexpr size_t kReasonsShown = 6;
constexpr size_t kPathsShown = 10;
constexpr size_t kLevelledShown = 3;
constexpr const char* kHintIndent = "                   ";

class LeakText {
 public:
  LeakText(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth, const Suppressions& suppressions,
           const LeakReportOptions& options)
      : profile_(profile),
        leaks_(leaks),
        growth_(growth),
        suppressions_(suppressions),
        options_(options),
        painter_(options.layout.colour),
        width_(std::max<size_t>(options.layout.width, 60)) {}

  std::string write() {
    append_head();
    append_totals();
    append_sites();
    append_no_verdict();
    append_growth();
    append_checks();
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }
  void wrapped_lines(const std::string& text, const char* indent = "") {
    for (const std::string& each : wrapped(text, width_ - std::char_traits<char>::length(indent)))
      line(indent + painter_.dim(each));
  }
  bool shows(LeakVerdict verdict) const { return (options_.shown >> static_cast<int>(verdict) & 1) != 0; }
  size_t at_most(size_t count, size_t usual) const {
    return std::min(count, options_.top != 0 ? options_.top : usual == 0 ? count : usual);
  }

  void append_head() {
    line(painter_.bold("Leaks") + "  " + shorten_end(command_line(profile_.recording.session.command), width_ - 7));
    const std::string filters = describe_filters(profile_.options);
    if (!filters.empty()) line(painter_.note("only: " + filters));
  }

  void append_total(LeakVerdict verdict, const std::string& hint) {
    const LeakAmount& amount = leaks_.totals.of(verdict);
    if (amount.blocks == 0 && verdict != LeakVerdict::kDefinitelyLost) return;
    const std::string text =
        fmt::format("  {:<16} {}", verdict_words(verdict), amount.blocks == 0 ? "nothing" : amount_phrase(amount));
    const bool lost = amount.blocks != 0 && verdict <= LeakVerdict::kIndirectlyLost;
    line(lost                                      ? painter_.bad(text)
         : verdict == LeakVerdict::kDefinitelyLost ? painter_.good(text)
         : verdict == LeakVerdict::kPossiblyLost   ? painter_.note(text)
                                                   : text);
    if (!hint.empty()) hint_line(hint);
  }

  // Behind the number above it, or below that.
  void hint_line(const std::string& hint) {
    const size_t begin = out_.find_last_of('\n', out_.size() - 2) + 1;
    const size_t used = columns_of(std::string_view(out_).substr(begin, out_.size() - 1 - begin));
    if (used + 2 + columns_of(hint) <= width_) {
      out_.pop_back();
      line(painter_.dim("; " + hint));
      return;
    }
    wrapped_lines(hint, kHintIndent);
  }

  void append_totals() {
    if (leaks_.checks.empty()) {
      if (leaks_.no_verdict.empty()) line("Nothing to judge: no process whose heap was recorded.");
      return;
    }
    append_total(LeakVerdict::kDefinitelyLost, "");
    append_total(LeakVerdict::kIndirectlyLost, "only through what is definitely lost");
    append_total(LeakVerdict::kPossiblyLost, shows(LeakVerdict::kPossiblyLost) ? "" : "--show possible lists it");
    append_total(LeakVerdict::kStillReachable, shows(LeakVerdict::kStillReachable) ? "" : "--show reachable lists it");
    if (leaks_.totals.suppressed.blocks != 0) {
      line(painter_.dim(fmt::format("  {:<16} {}", "suppressed", amount_phrase(leaks_.totals.suppressed))));
      if (only_builtin_suppressed()) hint_line("the runtimes' own (--print-suppressions lists them)");
    }
    if (leaks_.totals.inherited.blocks != 0) {
      line(painter_.dim(fmt::format("  {:<16} {}", "inherited", amount_phrase(leaks_.totals.inherited))));
      hint_line(leaks_.no_parent_verdict.empty() ? "by forked processes from their parents, and not lost by them"
                                                 : "by forked processes from their parents");
      append_no_parent_verdict();
    }
    for (const ProcessLeakCheck& each : leaks_.checks) {
      if (each.check.problem.empty()) continue;
      const std::string text =
          fmt::format("  only a part of {} was looked at: {}", process_label(profile_.recording, each.process),
                      printable(each.check.problem));
      for (const std::string& part : wrapped(text, width_)) line(painter_.bad(part));
    }
  }

  void append_no_parent_verdict() {
    for (size_t i = 0; i < std::min(leaks_.no_parent_verdict.size(), kReasonsShown); ++i)
      wrapped_lines(no_parent_verdict_phrase(profile_.recording, leaks_.no_parent_verdict[i]), kHintIndent);
    if (leaks_.no_parent_verdict.size() > kReasonsShown)
      wrapped_lines(fmt::format("and in {} more processes; --format json has them all",
                                leaks_.no_parent_verdict.size() - kReasonsShown),
                    kHintIndent);
  }

  bool only_builtin_suppressed() const {
    return std::all_of(leaks_.suppressed.begin(), leaks_.suppressed.end(), [this](const LeakSite& site) {
      return site.suppression && suppressions_.entries()[*site.suppression].file == kBuiltinSuppressionsName;
    });
  }

  void append_sites() {
    std::vector<const LeakSite*> sites;
    for (const LeakSite& site : leaks_.sites) {
      if (shows(site.verdict)) sites.push_back(&site);
    }
    const size_t count = at_most(sites.size(), 0);
    for (size_t i = 0; i < count; ++i) append_site(i + 1, *sites[i]);
    if (count < sites.size())
      line("\n" +
           painter_.dim(fmt::format("and {} more sites; `flarestack leaks --top 0` lists them", sites.size() - count)));
  }

  void append_site(size_t number, const LeakSite& site) {
    const std::string place = path_place(profile_, site.path, width_ / 2);
    const std::string phrase = site_phrase(site);
    const bool lost = site.verdict <= LeakVerdict::kIndirectlyLost;
    const std::string head = fmt::format("{:>2}. ", number);
    const std::string painted = lost                                         ? painter_.bad(phrase)
                                : site.verdict == LeakVerdict::kPossiblyLost ? painter_.note(phrase)
                                                                             : phrase;
    out_ += "\n";
    if (columns_of(head) + columns_of(place) + 2 + columns_of(phrase) <= width_) {
      line(head + painter_.bold(place) + "  " + painted);
    } else {
      line(head + painter_.bold(place));
      line("    " + painted);
    }
    append_stack(site.path, site.verdict == LeakVerdict::kIndirectlyLost ? kFramesOfIndirect : kFramesShown);
    wrapped_lines("allocated " + origin_phrase(profile_, site) + sizes_phrase(site), "    ");
    append_holders(site);
  }

  static std::string sizes_phrase(const LeakSite& site) {
    if (site.amount.blocks < 2) return "";
    if (site.smallest_bytes == site.largest_bytes) return "; " + format_bytes(site.smallest_bytes) + " each";
    return "; " + format_bytes(site.smallest_bytes) + " to " + format_bytes(site.largest_bytes) + " each";
  }

  // The place first, what of a library it called behind it, and its callers up to main().
  void append_stack(const std::vector<uint32_t>& path, size_t most) {
    constexpr const char* kIndent = "      ";
    if (path.empty()) return;
    const size_t first = place_in(profile_, path);
    const size_t end = std::min(end_of_program(profile_, path), first + most);
    for (size_t i = first; i < end; ++i) {
      std::string frame = frame_line(path[i], i != first);
      if (i == first && first != 0) {
        const Function& called = profile_.functions[profile_.locations[path[first - 1]].function];
        const size_t used = columns_of(frame) + 20;
        if (!is_allocator_entry(called.name) && used + 20 < width_)
          frame += painter_.dim("  calls " + short_function(called.name, width_ - used));
      }
      line(kIndent + frame);
    }
    const size_t rest = end_of_program(profile_, path) - end;
    if (rest != 0) line(kIndent + painter_.dim(fmt::format("... {} more frame{}", rest, rest == 1 ? "" : "s")));
  }

  std::string frame_line(uint32_t location, bool is_caller) {
    const Location& where = profile_.locations[location];
    const Function& function = profile_.functions[where.function];
    const std::string place = source_place(profile_, location);
    // The place of the first frame is in the line above.
    const std::string behind = place.empty() || !is_caller ? short_file(function.module, 40) : place;
    const size_t room = width_ > columns_of(behind) + 40 ? width_ - columns_of(behind) - 12 : 30;
    std::string text = (is_caller ? "< " : "") + short_function(function.name, room);
    return behind.empty() ? text : text + "  " + painter_.dim(behind);
  }

  void append_holders(const LeakSite& site) {
    if (site.holders.empty()) return;
    const char* words = site.verdict == LeakVerdict::kIndirectlyLost ? "behind " : "held by ";
    std::string text = words;
    for (size_t i = 0; i < std::min(site.holders.size(), kHoldersShown); ++i) {
      const LeakHeldBy& holder = site.holders[i];
      text += (i == 0 ? "" : ", ") + holder_phrase(profile_, holder);
      if (site.holders.size() > 1) text += " (" + format_bytes(holder.amount.bytes) + ")";
    }
    if (site.holders.size() > kHoldersShown) text += fmt::format(" and {} more", site.holders.size() - kHoldersShown);
    wrapped_lines(text, "    ");
  }

  void append_no_verdict() {
    if (leaks_.no_verdict.empty()) return;
    std::map<std::string, std::pair<std::vector<uint32_t>, LeakAmount>> reasons;
    for (const ProcessWithoutVerdict& each : leaks_.no_verdict) {
      auto& [processes, live] = reasons[each.reason];
      processes.push_back(each.process);
      live.add(each.live);
    }
    out_ += "\n";
    // A shell has one of these for each program that it starts; what they had is of no interest, but to --format json.
    const bool all_replaced =
        std::all_of(leaks_.no_verdict.begin(), leaks_.no_verdict.end(), [this](const ProcessWithoutVerdict& each) {
          return profile_.recording.processes[each.process].end.kind == ExitKind::kReplacedByExec;
        });
    size_t shown = 0;
    for (const auto& [reason, found] : reasons) {
      if (shown++ == kReasonsShown) break;
      const auto& [processes, live] = found;
      const std::string who = processes.size() == 1 ? process_label(profile_.recording, processes.front())
                                                    : fmt::format("{} processes", processes.size());
      std::string text = fmt::format("no verdict: {}: {}", who, printable(reason));
      if (all_replaced && live.blocks != 0) text += "; " + amount_phrase(live) + " live then";
      for (const std::string& each : wrapped(text, width_)) line(painter_.note(each));
    }
    if (reasons.size() > kReasonsShown)
      line(
          painter_.dim(fmt::format("and {} more reasons; --format json has them all", reasons.size() - kReasonsShown)));
    const std::vector<LiveSite>& live = leaks_.live_without_verdict;
    if (live.empty() || all_replaced) return;
    LeakAmount all;
    for (const LiveSite& site : live) all.add(site.amount);
    line(painter_.bold("Live at the end, no verdict") + "  " + amount_phrase(all));
    const size_t count = at_most(live.size(), kPathsShown);
    for (size_t i = 0; i < count; ++i) append_live(live[i].path, amount_phrase(live[i].amount));
    if (count < live.size()) line(painter_.dim(fmt::format("  and {} more call paths", live.size() - count)));
  }

  // "  4.00 KiB in 12 blocks  src/parse.cc:42  parse < load < main"
  void append_live(const std::vector<uint32_t>& path, const std::string& amount) {
    std::string text = fmt::format("  {:<26} {}  ", amount, path_place(profile_, path, 40));
    std::string names;
    const size_t first = path.empty() ? 0 : place_in(profile_, path);
    for (size_t i = first; i < std::min(end_of_program(profile_, path), first + 4); ++i) {
      names +=
          (i == first ? "" : " < ") + short_function(profile_.functions[profile_.locations[path[i]].function].name, 40);
    }
    const size_t used = columns_of(text);
    line(text + painter_.dim(shorten_end(names, used + 20 < width_ ? width_ - used : 20)));
  }

  void append_growth() {
    if (growth_.growing.empty() && growth_.levelled.empty()) return;
    out_ += "\n";
    if (!growth_.growing.empty()) {
      line(painter_.bold("Growing to the end"));
      const size_t count = at_most(growth_.growing.size(), kPathsShown);
      for (size_t i = 0; i < count; ++i) append_growing(growth_.growing[i]);
      if (count < growth_.growing.size())
        line(painter_.dim(fmt::format("  and {} more call paths", growth_.growing.size() - count)));
      for (const ProcessGrowth& each : growth_.processes) append_time_left(each);
    }
    if (!growth_.levelled.empty()) {
      line(painter_.bold("Grew, and levelled off") + painter_.dim("  as caches do"));
      const size_t count = at_most(growth_.levelled.size(), kLevelledShown);
      for (size_t i = 0; i < count; ++i)
        append_live(growth_.levelled[i].path,
                    amount_phrase({growth_.levelled[i].live_bytes, growth_.levelled[i].live_blocks}));
      if (count < growth_.levelled.size())
        line(painter_.dim(fmt::format("  and {} more call paths", growth_.levelled.size() - count)));
    }
  }

  static std::string rate_phrase(double bytes_per_second) {
    // Below a byte a second, by the hour.
    if (bytes_per_second < 1) return format_bytes(static_cast<uint64_t>(bytes_per_second * 3600)) + "/h";
    return format_bytes(static_cast<uint64_t>(std::min(bytes_per_second, 9e18))) + "/s";
  }

  void append_growing(const GrowingPath& each) {
    append_live(each.path, rate_phrase(each.fit.bytes_per_second));
    std::string text = fmt::format("{} live, confidence {:.1f}%", amount_phrase({each.live_bytes, each.live_blocks}),
                                   std::floor(std::min(each.fit.confidence, 0.999) * 1000) / 10);
    if (each.oldest_age_ns >= 0)
      text += ", the oldest for " + format_duration(static_cast<uint64_t>(each.oldest_age_ns));
    if (profile_.recording.processes.size() > 1) text += ", in " + process_label(profile_.recording, each.process);
    wrapped_lines(text, "    ");
  }

  void append_time_left(const ProcessGrowth& each) {
    if (each.bytes_per_second <= 0) return;
    std::string text =
        process_label(profile_.recording, each.process) + " grows by " + rate_phrase(each.bytes_per_second);
    if (each.resident_bytes != 0) text += " from " + format_bytes(each.resident_bytes) + " resident";
    if (each.seconds_left >= 0) {
      const double years = each.seconds_left / (365.25 * 86400);
      text += "; " + format_bytes(growth_.memory_bytes) +
              (years > 100 ? std::string(" last for over 100 years")
                           : " are used up in " + format_duration(static_cast<uint64_t>(each.seconds_left * 1e9)));
    } else {
      text += "; how much memory there was is not known here: --memory SIZE tells when it runs out";
    }
    for (const std::string& part : wrapped(text, width_)) line(painter_.note(part));
  }

  void append_checks() {
    if (leaks_.checks.empty()) return;
    uint64_t blocks = 0;
    uint64_t bytes = 0;
    uint64_t longest_ns = 0;
    for (const ProcessLeakCheck& each : leaks_.checks) {
      blocks += each.check.blocks;
      bytes += each.check.bytes;
      longest_ns = std::max(longest_ns, each.check.pause_ns);
    }
    out_ += "\n";
    wrapped_lines(fmt::format("looked at {} of {} process{}, which stopped for {}{}", amount_phrase({bytes, blocks}),
                              leaks_.checks.size(), leaks_.checks.size() == 1 ? "" : "es",
                              leaks_.checks.size() == 1 ? "" : "at most ", format_duration(longest_ns)));
  }

  const Profile& profile_;
  const Leaks& leaks_;
  const HeapGrowth& growth_;
  const Suppressions& suppressions_;
  const LeakReportOptions& options_;
  Painter painter_;
  size_t width_;
  std::string out_;
};

}  // namespace

std::string leaks_text(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth,
                       const Suppressions& suppressions, const LeakReportOptions& options) {
  return LeakText(profile, leaks, growth, suppressions, options).write();
}

}  // namespace flarestack
