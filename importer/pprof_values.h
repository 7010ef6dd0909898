// SPDX-License-Identifier: Apache-2.0
// PprofValues: what the values of a pprof profile's samples are, by their types and units, as time and as a heap. Used
// by the reader of pprof. Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "importer/import.h"
#include "importer/pprof_profile.h"

namespace flarestack {

struct PprofValues {
  // Numbers of sample types; none: the profile has no such values.
  std::optional<size_t> cpu;    // time on the CPU, or what stands for it
  std::optional<size_t> other;  // time that passed, on the CPU or off it
  std::optional<size_t> count;  // of samples or events
  bool other_includes_cpu = false;
  double cpu_ns = 1;    // for a unit of `cpu`
  double other_ns = 1;  // for a unit of `other`
  std::optional<size_t> alloc_objects, alloc_space, inuse_objects, inuse_space, peak_objects, peak_space,
      temporary_objects;
  std::string note;      // how weights came to be nanoseconds; empty: they are
  std::string left_out;  // types that are nothing of these; empty: none

  bool has_time() const { return cpu || other; }
  bool has_heap() const { return alloc_objects || alloc_space || inuse_objects || inuse_space; }
  bool has_peak() const { return peak_objects || peak_space; }
};

// Error: options.event names none of its types.
Result<PprofValues> pprof_values(const PprofProfile& profile, const ImportOptions& options);

}  // namespace flarestack
