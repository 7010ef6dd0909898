// SPDX-License-Identifier: Apache-2.0
#include "report/usage_plot.h"

#include <catch2/catch.hpp>

#include "tests/unit/report/golden.h"
#include "tests/unit/report/heap_game.h"

namespace flarestack {
namespace {

constexpr int64_t kMs = 1'000'000;

// A ramp with a short peak, a gap in the middle, and a second of two processors.
UsagePlot ramp() {
  UsagePlot plot;
  plot.title = "./ramp --to <the top>";
  plot.to_ns = 1000 * kMs;
  PlotPanel heap{"Heap, live", "heap", PlotUnit::kBytes, {}, UsagePeak{705 * kMs, 13 << 20}};
  for (int64_t i = 0; i < 100; ++i)
    heap.curve.push_back({10 * i * kMs, i == 70 ? 0.0 : static_cast<double>(i << 17), i < 40 || i >= 50});
  heap.curve[70].value = 13 << 20;
  heap.curve[70].time_ns = 705 * kMs;
  heap.curve.push_back({1000 * kMs, 0, false});
  plot.panels.push_back(heap);
  plot.panels.push_back({"Processors in use",
                         "cpu",
                         PlotUnit::kProcessors,
                         {{0, 0.5, true}, {300 * kMs, 1.9, true}, {800 * kMs, 0, true}, {1000 * kMs, 0, true}},
                         {}});
  plot.spans = {{"load", 50 * kMs, 300 * kMs}, {"solve", 350 * kMs, 600 * kMs}, {"solve", 700 * kMs, 800 * kMs}};
  return plot;
}

}  // namespace

TEST_CASE("usage over time in a terminal") {
  TextLayout layout;
  layout.width = 80;
  layout.unicode = true;
  check_golden("plot.txt", usage_plot_text(ramp(), layout));
  layout.unicode = false;
  layout.width = 60;
  check_golden("plot_ascii.txt", usage_plot_text(ramp(), layout));
}

TEST_CASE("usage over time as a picture") { check_golden("plot.svg", usage_plot_svg(ramp())); }

TEST_CASE("a recording's heap over time has its peak marked") {
  const Profile memory = heap_game_profile(Metric::kAllocated);
  const UsagePlot plot = usage_plot(&memory, nullptr, {});
  REQUIRE(plot.panels.size() == 2);
  REQUIRE(plot.panels[0].peak.has_value());
  CHECK(plot.panels[0].peak->bytes == 8'691'456);
  CHECK(plot.panels[0].peak->time_ns == 44 * kMs);
  CHECK(plot.panels[1].title == "Resident memory");
}

TEST_CASE("a curve of more points than a picture has room for keeps its peaks") {
  UsagePlot plot;
  plot.to_ns = 100'000 * kMs;
  PlotPanel heap{"Heap, live", "heap", PlotUnit::kBytes, {}, {}};
  for (int64_t i = 0; i < 100'000; ++i) heap.curve.push_back({i * kMs, i == 50'000 ? 1000.0 : 10.0, true});
  heap.curve.push_back({plot.to_ns, 0, false});
  plot.panels.push_back(heap);
  const std::string svg = usage_plot_svg(plot);
  CHECK(svg.size() < 100'000);
  CHECK(svg.find(" 84.0H") != std::string::npos);  // the top of the panel
}

TEST_CASE("axes end at round numbers") {
  const auto top = [](PlotUnit unit, double most) {
    const PlotScale scale = scale_for(unit, most);
    return plot_value(unit, scale.top) + " in " + std::to_string(scale.steps);
  };
  CHECK(top(PlotUnit::kBytes, 13 << 20) == "15 MiB in 3");
  CHECK(top(PlotUnit::kBytes, 1000) == "1000 B in 4");
  CHECK(top(PlotUnit::kBytes, 1025) == "1.5 KiB in 3");
  CHECK(top(PlotUnit::kBytes, 900 << 10) == "1000 KiB in 4");
  CHECK(top(PlotUnit::kBytes, 0) == "1 B in 1");
  CHECK(top(PlotUnit::kProcessors, 1.9) == "2 in 4");
  CHECK(top(PlotUnit::kProcessors, 64) == "80 in 4");
}

}  // namespace flarestack
