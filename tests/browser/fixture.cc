// SPDX-License-Identifier: Apache-2.0
// Writes the flame graphs that flamegraph.test.mjs opens: in FOLDER: game.svg (known values), hostile.svg (names that
// try to break out of the page), deep.svg (recursion) and heap.svg (bytes). And for speedscope.test.mjs exports of the
// same: game.speedscope.json, game.chrome.json, ...
#include <fstream>
#include <iostream>
#include <string>

#include "report/chrome_trace.h"
#include "report/difference_svg.h"
#include "report/flamegraph_svg.h"
#include "report/speedscope.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

// 1000 ms in two processes, over ten slices of 100 ms; the values are what the browser test expects.
FakeRecording game() {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.process(2, 200, "/usr/bin/asset-packer", 1);
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "render-1");
  fake.thread(3, 1, 102, "render-2");
  fake.thread(4, 2, 200, "asset-packer");
  const auto at = [](int64_t slice) { return FakeRecording::At{slice * 10'000'000, 10'000'000}; };
  const std::string draw =
      "game!engine::Renderer<engine::Vulkan, std::allocator<char> >::draw(engine::Scene const&) const";
  for (int64_t slice = 0; slice < 10; ++slice) {
    fake.sample(1, {"libc.so.6!_start", "game!main", "game!frame >> update", "game!parse"}, slice < 5 ? 30 : 2,
                at(slice));
    fake.sample(1, {"libc.so.6!_start", "game!main", "game!frame"}, slice < 5 ? 5 : 3, at(slice));
    fake.sample(2, {"libc.so.6!clone", "game!worker", draw}, 20, at(slice));
    fake.sample(2, {"libc.so.6!clone", "game!worker", draw, "libgpu.so!submit"}, 8, at(slice));
    fake.sample(3, {"libc.so.6!clone", "game!worker", draw, "[kernel]"}, 10, at(slice));
    fake.sample(3, {"libc.so.6!clone", "game!worker", "game!fold", "game!fold", "game!fold", "game!parse"}, 12,
                at(slice));
    fake.sample(1, {"libc.so.6!_start", "game!main", "game!script", "jit:~think ai.js:12"}, 9, at(slice));
  }
  for (int64_t slice = 5; slice < 10; ++slice) {
    fake.sample(4, {"libc.so.6!_start", "game!main", "libz.so.1!deflate", "libc.so.6!memcpy"}, 40, at(slice));
  }
  fake.sample(4, {"[startup]"}, 10, at(5));
  // Under a pixel, each: 3 frames called from _start, one of which calls another one.
  fake.builder.add(
      SampleRecord{{1}, fake.stack({"libc.so.6!_start", "libc.so.6!tiny1"}), SampleMetric::kCpu, 0, 1000, 1, 2000});
  fake.builder.add(
      SampleRecord{{1}, fake.stack({"libc.so.6!_start", "libc.so.6!tiny2"}), SampleMetric::kCpu, 0, 1000, 1, 3000});
  fake.builder.add(SampleRecord{{1},
                                fake.stack({"libc.so.6!_start", "libc.so.6!tiny2", "libc.so.6!tiny3"}),
                                SampleMetric::kCpu,
                                0,
                                1000,
                                1,
                                1000});
  fake.end_process(1, ExitKind::kExited, 0, 910'000'000);
  fake.end_process(2, ExitKind::kExited, 0, 210'000'000);
  return fake;
}

FakeRecording hostile() {
  FakeRecording fake;
  fake.process(1, 100, "/tmp/<b>\"'&]]>");
  fake.thread(1, 1, 100, "</script><script>window.broken = 1</script>");
  fake.sample(1,
              {"<img src=x onerror=window.broken=1>!]]></script><script>window.broken=2</script>",
               "a.so!operator<< <char>(\"&amp;\\\", '\x01\x1b[31m\xff\xef\xbf\xbe')",
               "a.so!\\u003c\xe2\x80\xa8${window.broken=3}`"},
              10);
  fake.builder.add(UnrecordedRecord{7, {}, "<script>window.broken=4</script>", "]]>"});
  return fake;
}

// One function that calls itself 1000 times.
FakeRecording deep() {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/deep");
  fake.thread(1, 1, 100, "deep");
  std::vector<std::string> stack(1000, "deep!again");
  stack.push_back("deep!leaf");
  fake.sample(1, stack, 10);
  return fake;
}

// 3 MiB of 12 blocks in one function, 1 MiB of 1024 in another one.
FakeRecording heap() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.allocation(1, {"game!main", "game!load"}, FakeRecording::blocks(256 << 10, 12, 0));
  fake.allocation(1, {"game!main", "game!index"}, FakeRecording::blocks(1 << 10, 1024, 24));
  return fake;
}

// One function slower, one faster, one new, one gone, one that differs by chance.
bool write_difference(const std::string& path) {
  std::vector<Profile> sides;
  for (const bool is_new : {false, true}) {
    FakeRecording fake;
    fake.process(1, 100, "/usr/bin/game");
    fake.thread(1, 1, 100, "game");
    fake.sample(1, {"game!main", "game!slower"}, is_new ? 400 : 200);
    fake.sample(1, {"game!main", "game!faster"}, is_new ? 100 : 300);
    fake.sample(1, {"game!main", "game!steady"}, is_new ? 210 : 200);
    fake.sample(1, {"game!main", is_new ? "game!fresh" : "game!old"}, 100);
    auto profile = build_profile(fake.finish(), {}, fake.symbols());
    if (!profile) return false;
    sides.push_back(std::move(*profile));
  }
  const Profile* base[] = {&sides[0]};
  const Profile* newer[] = {&sides[1]};
  DiffReport report;
  report.base.traces = {"before.flare"};
  report.newer.traces = {"after.flare"};
  std::ofstream graph(path, std::ios::binary);
  graph << difference_svg(difference_tree(base, newer, false, ChangeTest::kLeastShare), report);
  return graph.good();
}

bool write(const std::string& path, FakeRecording fake, Metric metric = Metric::kCpu) {
  ProfileOptions options;
  options.metric = metric;
  options.group_by_process = true;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  if (!profile) return false;
  std::ofstream graph(path + ".svg", std::ios::binary);
  graph << flamegraph_svg(*profile, {});
  options.group_by_process = false;
  const auto exported = build_profile(profile->shared, options, fake.symbols());
  if (!exported) return false;
  std::ofstream for_speedscope(path + ".speedscope.json", std::ios::binary);
  for_speedscope << speedscope(*exported);
  std::ofstream for_chrome(path + ".chrome.json", std::ios::binary);
  for_chrome << chrome_trace(*exported);
  return graph.good() && for_speedscope.good() && for_chrome.good();
}

}  // namespace
}  // namespace flarestack

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: flamegraph_fixture FOLDER\n";
    return 2;
  }
  const std::string folder = argv[1];
  return flarestack::write(folder + "/game", flarestack::game()) &&
                 flarestack::write_difference(folder + "/difference.svg") &&
                 flarestack::write(folder + "/hostile", flarestack::hostile()) &&
                 flarestack::write(folder + "/deep", flarestack::deep()) &&
                 flarestack::write(folder + "/heap", flarestack::heap(), flarestack::Metric::kAllocated)
             ? 0
             : 1;
}
