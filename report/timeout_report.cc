// SPDX-License-Identifier: Apache-2.0
#include "report/timeout_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

std::string names_of(const Recording& recording, const TimeoutGroup& group) {
  constexpr size_t kNamed = 4;
  std::string names;
  for (size_t i = 0; i < std::min(group.threads.size(), kNamed); ++i) {
    const bool known = group.threads[i] < recording.threads.size();
    names += (i == 0 ? "" : ", ") + (known ? fmt::format("{} ({})", printable(recording.threads[group.threads[i]].name),
                                                         recording.threads[group.threads[i]].tid)
                                           : std::string("[lost]"));
  }
  return group.threads.size() > kNamed ? fmt::format("{} and {} more", names, group.threads.size() - kNamed) : names;
}

std::string place_of(const Profile& profile, const Location& location) {
  const Function& function = profile.functions[location.function];
  const std::string line =
      location.line != 0 ? fmt::format("{}:{}", short_file(profile.files[location.file], 32), location.line) : "";
  return line.empty() ? short_file(function.module, 32) : line;
}

void append_group(const Profile& profile, const TimeoutGroup& group, size_t most_frames, const TextLayout& layout,
                  std::string& out) {
  const Painter painter(layout.colour);
  out += fmt::format("  {} thread{}, {}: {}\n", group.threads.size(), group.threads.size() == 1 ? "" : "s",
                     thread_state_name(group.state), names_of(profile.recording, group));
  for (size_t i = 0; i < std::min(group.locations.size(), most_frames); ++i) {
    const Location& location = profile.locations[group.locations[i]];
    const std::string place = place_of(profile, location);
    const size_t room = std::max<size_t>(layout.width, columns_of(place) + 32) - columns_of(place) - 8;
    out +=
        "      " + short_function(profile.functions[location.function].name, room) + "  " + painter.dim(place) + "\n";
  }
  if (group.locations.empty()) {
    out += painter.note("      its stack could not be had") + "\n";
  } else if (group.locations.size() > most_frames) {
    out += painter.dim(fmt::format("      and {} callers more", group.locations.size() - most_frames)) + "\n";
  } else if (group.truncated) {
    out += painter.note("      its callers are unknown") + "\n";
  }
}

}  // namespace

std::string timeout_text(const Profile& profile, size_t most_frames, const TextLayout& layout) {
  if (!profile.recording.timeout) return {};
  const TimeoutRecord& timeout = *profile.recording.timeout;
  const std::string what = timeout.region.empty()
                               ? fmt::format("The time ran out after {}", format_duration(timeout.limit_ns))
                               : fmt::format("Region {} was open for more than {}", printable(timeout.region),
                                             format_duration(timeout.limit_ns));
  std::string out = Painter(layout.colour).bad(what) + ", and the program was ended; its threads were here:\n";
  for (const TimeoutGroup& group : timeout_groups(profile)) append_group(profile, group, most_frames, layout, out);
  return out;
}

void write_timeout(JsonWriter& json, const Profile& profile) {
  const Recording& recording = profile.recording;
  if (!recording.timeout) return;
  json.key("timeout");
  json.begin_object();
  json.member("time_ns", recording.timeout->time_ns);
  json.member("limit_ns", recording.timeout->limit_ns);
  json.member("region", recording.timeout->region);
  json.key("stacks");
  json.begin_array();
  for (const TimeoutGroup& group : timeout_groups(profile)) {
    json.begin_object();
    json.member("state", thread_state_name(group.state));
    json.member("truncated", group.truncated);
    json.key("threads");
    json.begin_array();
    for (const uint32_t thread : group.threads) {
      const bool known = thread < recording.threads.size();
      const uint32_t process = recording.process_of_thread(thread);
      json.begin_object();
      json.member("pid", process < recording.processes.size() ? recording.processes[process].pid : 0);
      json.member("tid", known ? recording.threads[thread].tid : 0);
      json.member("name", known ? recording.threads[thread].name : std::string("[lost]"));
      json.end_object();
    }
    json.end_array();
    json.key("stack");
    json.begin_array();
    for (const uint32_t index : group.locations) {
      const Location& location = profile.locations[index];
      json.begin_object();
      json.member("function", profile.functions[location.function].name);
      json.member("module", profile.functions[location.function].module);
      json.member("file", profile.files[location.file]);
      json.member("line", location.line);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace flarestack
