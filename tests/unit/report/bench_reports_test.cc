// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "report/bench_text.h"
#include "report/scale_text.h"

namespace flarestack {
namespace {

TEST_CASE("a difference is told with its margin, and noise as noise") {
  ComparedCommand compared;
  compared.slowdown = {1.23, {1.2, 1.27, 0.95}, 0.0004};
  CHECK(slowdown_phrase(compared, "+-") == "1.23 +- 0.04 times faster (p < 0.001)");
  compared.slowdown = {1.01, {0.98, 1.03, 0.95}, 0.37};
  CHECK(slowdown_phrase(compared, "+-") == "no difference beyond the noise (p = 0.37; 1.01 +- 0.03 times)");
}

TEST_CASE("a benchmark's text names what was measured, its outliers, its shell and its end") {
  Benchmark benchmark;
  BenchmarkedCommand command;
  command.line = "sort\x1b[31m words";  // a name may not steer the terminal
  for (const int64_t wall_us : {1000, 1010, 1020, 1005, 1015, 9000})
    command.runs.push_back({wall_us * 1000, 0, 0, 2 << 20, 3});
  benchmark.commands = {command, {}};
  benchmark.shell = ShellCost{"/bin/sh", 500'000, 0, 0};
  benchmark.interrupted = true;
  const std::string text = bench_text(benchmark, TextLayout());
  for (const char* part : {"1  sort?[31m words", "6 runs, 1 outlier, exit status 3", "2.00 MiB", "not measured",
                           "without the 500 us that /bin/sh takes to start", "interrupted"}) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(bench_markdown(benchmark).find("| 2.34 ms |") != std::string::npos);
}

TEST_CASE("a law is told with how sure it is, or with what else it may be") {
  ScalingFit fit;
  CHECK(law_phrase(fit) == "too few sizes");
  fit.verdict = ScalingVerdict::kFitted;
  fit.laws = {{GrowthLaw::kLinearithmic, 0, 1, 0, 1, 0.97}, {GrowthLaw::kLinear, 0, 1, 0, 9, 0.03}};
  CHECK(law_phrase(fit) == "n log n (97%)");
  fit.laws[1].weight = 0.4;
  CHECK(law_phrase(fit) == "n or n log n");
}

}  // namespace
}  // namespace flarestack
