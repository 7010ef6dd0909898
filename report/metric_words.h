// SPDX-License-Identifier: Apache-2.0
// What a metric is called, and how its values are written, in every report. Offline side.
#pragma once

#include <cstdint>
#include <string>

#include "model/metric.h"

namespace flarestack {

std::string format_value(Metric metric, uint64_t value);  // "1.20 s", "12.3 MiB", "1,234"
const char* metric_title(Metric metric);                  // "CPU time", "Bytes allocated", ...; before "by function"
std::string value_phrase(Metric metric, uint64_t value);  // "1.20 s of CPU time", "12.3 MiB allocated"
const char* value_words(Metric metric);                   // "of CPU time", "allocated": what stands behind a value
const char* share_phrase(Metric metric);                  // "of the time", "of the bytes"; behind a percentage
// What ProfileSample::count counts: "1,234 samples", "1 block".
std::string counted_phrase(Metric metric, uint64_t count);
const char* counted_noun(Metric metric);  // "sample", "block", "allocation"

}  // namespace flarestack
