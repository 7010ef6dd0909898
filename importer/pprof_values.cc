// SPDX-License-Identifier: Apache-2.0
#include "importer/pprof_values.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

// Nanoseconds for a unit of time.
std::optional<double> ns_of_unit(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{{"nanoseconds", 1},
                                                                          {"ns", 1},
                                                                          {"microseconds", 1e3},
                                                                          {"us", 1e3},
                                                                          {"milliseconds", 1e6},
                                                                          {"ms", 1e6},
                                                                          {"seconds", 1e9},
                                                                          {"s", 1e9}}};
  for (const auto& [name, ns] : kUnits) {
    if (unit == name) return ns;
  }
  return std::nullopt;
}

bool has_word(std::string_view type, std::string_view word) { return type.find(word) != std::string_view::npos; }

// The place of a value of the heap. "space" and "objects" are what gperftools and jemalloc call what is in use.
std::optional<size_t>* heap_place(PprofValues& values, const PprofValueType& type) {
  if (type.type == "alloc_objects" || type.type == "allocations") return &values.alloc_objects;
  if (type.type == "inuse_objects" || type.type == "objects") return &values.inuse_objects;
  if (type.type == "peak_objects") return &values.peak_objects;
  if (type.type == "temporary_objects") return &values.temporary_objects;
  if (type.unit != "bytes") return nullptr;
  if (type.type == "peak_space") return &values.peak_space;
  if (type.type == "inuse_space" || type.type == "space") return &values.inuse_space;
  return has_word(type.type, "alloc") ? &values.alloc_space : nullptr;
}

bool is_count(const PprofValueType& type) {
  return type.type == "samples" || type.type == "sample" || type.type == "contentions" || type.type == "events";
}

std::string words(const PprofValueType& type) {
  return printable_name(type.unit.empty() ? std::string(type.type) : fmt::format("{}/{}", type.type, type.unit), 100);
}

// Takes one type for its time, whatever its unit is.
void take_as_time(const PprofProfile& profile, size_t index, const ImportOptions& options, PprofValues& values) {
  const PprofValueType& type = profile.sample_types[index];
  const std::optional<double> period_ns = ns_of_unit(profile.period_type.unit);
  values.cpu = index;
  if (const auto ns = ns_of_unit(type.unit)) {
    values.cpu_ns = *ns;
  } else if (options.ns_per_count) {
    values.cpu_ns = static_cast<double>(*options.ns_per_count);
  } else if (is_count(type) && period_ns && profile.period > 0) {
    values.cpu_ns = *period_ns * static_cast<double>(profile.period);
  } else {
    values.note = fmt::format(
        "the values are {}, which is no time: each unit counts as 1 ns; `flarestack import "
        "--period` says what one is worth",
        words(type));
  }
}

Error no_such_type(const PprofProfile& profile, const std::string& wanted) {
  std::string names;
  for (const PprofValueType& type : profile.sample_types) names += (names.empty() ? "" : ", ") + words(type);
  return Error{fmt::format("there is no sample type '{}' in it; it has {}", wanted, names)};
}

}  // namespace

Result<PprofValues> pprof_values(const PprofProfile& profile, const ImportOptions& options) {
  PprofValues values;
  const auto& types = profile.sample_types;
  for (size_t i = 0; i < types.size(); ++i) {
    if (is_count(types[i]) && !values.count) values.count = i;
  }
  if (!options.event.empty()) {
    const auto found =
        std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.type == options.event; });
    if (found == types.end()) return no_such_type(profile, options.event);
    PprofValues heap;
    if (heap_place(heap, *found) == nullptr) {
      take_as_time(profile, static_cast<size_t>(found - types.begin()), options, values);
      return values;
    }
  }
  std::vector<bool> used(types.size(), false);
  for (size_t i = 0; i < types.size(); ++i) {
    used[i] = values.count == i;
    if (std::optional<size_t>* place = heap_place(values, types[i]); place != nullptr && !*place) {
      *place = i;
      used[i] = true;
    } else if (const auto ns = ns_of_unit(types[i].unit)) {
      // Go's profiles of contention have delay/nanoseconds.
      const bool passes = has_word(types[i].type, "wall");
      const bool waits = has_word(types[i].type, "delay") || has_word(types[i].type, "off");
      std::optional<size_t>& time = passes || waits ? values.other : values.cpu;
      if (time) continue;
      time = i;
      used[i] = true;
      (passes || waits ? values.other_ns : values.cpu_ns) = *ns;
      if (passes) values.other_includes_cpu = true;
    }
  }
  if (values.other && values.other_includes_cpu && !values.cpu)
    values.note =
        "wall time was recorded, and not whether it was on the CPU or off it: it is shown as time off the CPU";
  if (!values.has_time() && !values.has_heap()) {
    const auto wanted = std::find_if(types.begin(), types.end(),
                                     [&](const auto& type) { return type.type == profile.default_sample_type; });
    const size_t chosen = wanted == types.end() ? 0 : static_cast<size_t>(wanted - types.begin());
    take_as_time(profile, chosen, options, values);
    used[chosen] = true;
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (!used[i]) values.left_out += (values.left_out.empty() ? "" : ", ") + words(types[i]);
  }
  return values;
}

}  // namespace flarestack
