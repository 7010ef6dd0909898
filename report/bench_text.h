// SPDX-License-Identifier: Apache-2.0
// A benchmark as text for a terminal, and as Markdown. Offline side.
#pragma once

#include <string>

#include "model/benchmark.h"
#include "report/text_style.h"

namespace flarestack {

std::string bench_text(const Benchmark& benchmark, const TextLayout& layout);
std::string bench_markdown(const Benchmark& benchmark);

// What both say of one command against the fastest: "1.23 ± 0.04 times slower", or that there is no difference.
std::string slowdown_phrase(const ComparedCommand& compared, const char* plus_minus);
// "1.20 ms", "3.4 MiB": a mean or a bound, rounded.
std::string format_measure(RunMetric metric, double value);

}  // namespace flarestack
