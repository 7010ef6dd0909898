// SPDX-License-Identifier: Apache-2.0
// A benchmark for scripts: schema flarestack.bench/1 (docs/benchmarks.md). Offline side.
#pragma once

#include <string>

#include "model/benchmark.h"
#include "report/json_writer.h"

namespace flarestack {

std::string bench_json(const Benchmark& benchmark);

// The key "host".
void write_host(JsonWriter& json, const HostFacts& host);

}  // namespace flarestack
