// SPDX-License-Identifier: Apache-2.0
// Writes the pages that view.test.mjs opens: in FOLDER: game.html (whole_game.h), compare.html (that and a slower
// version of it), hostile.html (names that try to break out of the page), empty.html (a recording of nothing),
// flamegraph.svg and plot.svg (of the game too), difference.svg (of the two), dashboard.html (of a history), and
// totals.json: what reports say of the game by metric, in words.
#include <fstream>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "model/findings.h"
#include "model/metric.h"
#include "report/dashboard_html.h"
#include "report/difference_svg.h"
#include "report/flamegraph_svg.h"
#include "report/packed.h"
#include "report/text_style.h"
#include "report/usage_plot.h"
#include "report/view_data.h"
#include "report/view_html.h"
#include "symbolizer/disassembly.h"
#include "tests/browser/whole_game.h"

namespace flarestack {
namespace {

constexpr double kFindingThreshold = 0.05;

// xor eax, eax; test esi, esi; jle 12; mov eax, [rdi + rcx*4]; cdq; idiv r8d; add r9d, eax; inc ecx; cmp esi, ecx;
// jne 8; mov eax, r9d; ret
const std::vector<uint8_t> kCode = {0x31, 0xc0, 0x31, 0xc9, 0x85, 0xf6, 0x7e, 0x10, 0x8b, 0x04, 0x8f, 0x99, 0x41, 0xf7,
                                    0xf8, 0x41, 0x01, 0xc1, 0xff, 0xc1, 0x39, 0xce, 0x75, 0xf0, 0x44, 0x89, 0xc8, 0xc3};

// Of every function the same few instructions, and 120 lines of source.
AnnotationSources fake_code(FakeRecording& fake) {
  AnnotationSources sources;
  sources.symbols = fake.symbols();
  sources.code = [](const CodeRequest& request) -> Result<FunctionCode> {
    FunctionCode code;
    code.path = request.module.path;
    for (const uint64_t offset : request.offsets)
      code.pieces.push_back({offset, offset + kCode.size(), "", disassemble(kCode, offset)});
    return code;
  };
  sources.text = [](const SourceRequest& request) {
    SourceText source;
    for (int line = 1; line <= 900; ++line)
      source.lines.push_back("  step(" + std::to_string(line) + ");  // " + request.path);
    return source;
  };
  sources.data_names = [](const SymbolModule&, const std::vector<uint64_t>& offsets) {
    return std::vector<std::string>(offsets.size());
  };
  return sources;
}

// The profiles of one recording.
class Seen {
 public:
  Seen(std::shared_ptr<const Recording> recording, FakeRecording& fake)
      : recording_(std::move(recording)), fake_(fake) {}

  Result<Profile> profile(Metric metric) {
    ProfileOptions options;
    options.metric = metric;
    options.every_frame = true;
    return build_profile(recording_, options, fake_.symbols());
  }

  std::string packed() {
    const Result<Profile> time = profile(Metric::kWall);
    const Result<Profile> cpu = profile(Metric::kCpu);
    const bool has_heap = recording_->has_heap();
    const Result<Profile> heap = profile(has_heap ? Metric::kAllocated : Metric::kCpu);
    Suppressions suppressions;
    FindingSources found_in;
    found_in.time = &*time;
    found_in.heap = has_heap ? &*heap : nullptr;
    found_in.leaks.suppressions = &suppressions;
    found_in.leaks.raw_symbols = [](const SymbolModule&, std::span<const uint64_t> offsets, SymbolSort) {
      return std::vector<RawSymbol>(offsets.size(), RawSymbol{"level_cache", 0x4100, 64});
    };
    const Findings findings = find_bottlenecks(found_in, kFindingThreshold);
    const Leaks leaks = has_heap ? find_leaks(*heap, found_in.leaks) : Leaks();
    ViewedCode code;
    add_hottest(*cpu, 5, fake_code(fake_), code);
    ViewSources sources;
    sources.time = &*time;
    sources.heap = found_in.heap;
    sources.findings = &findings;
    sources.leaks = has_heap ? &leaks : nullptr;
    sources.suppressions = &suppressions;
    sources.code = std::move(code);
    sources.title = command_line(recording_->session.command);
    return gzip_base64(view_data(sources));
  }

  std::string total(Metric metric) {
    const Result<Profile> chosen = profile(metric);
    if (!chosen.ok()) return "none";
    if (metric_unit(metric) == std::string("ns")) return format_duration(int64_t(chosen->total()));
    return is_bytes_metric(metric) ? format_bytes(chosen->total()) : format_count(chosen->total());
  }

 private:
  std::shared_ptr<const Recording> recording_;
  FakeRecording& fake_;
};

Seen seen(WholeGame& game) { return {std::make_shared<const Recording>(game.finish()), game.fake()}; }

FakeRecording hostile() {
  FakeRecording fake;
  fake.session.command = {"</script><script>window.broken=5</script>", "<!--"};
  fake.builder.add(fake.session);
  fake.process(1, 100, "/tmp/<b>\"'&]]>");
  fake.thread(1, 1, 100, "</script><script>window.broken = 1</script>");
  fake.sample(1,
              {"<img src=x onerror=window.broken=1>!</script><script>window.broken=2</script>",
               "a.so!operator<< <char>(\"&amp;\\\", '\x01\x1b[31m\xff\xef\xbf\xbe')",
               "a.so!\\u003c\xe2\x80\xa8${window.broken=3}`"},
              10);
  fake.builder.add(UnrecordedRecord{7, {}, "<script>window.broken=4</script>", "<!--"});
  return fake;
}

std::string difference(Seen& base, Seen& newer) {
  const Result<Profile> before = base.profile(Metric::kCpu);
  const Result<Profile> after = newer.profile(Metric::kCpu);
  const std::vector<const Profile*> bases = {&*before}, newers = {&*after};
  DiffReport report;
  report.base = {{"game.flare"}, "./game --level 'the 1st'"};
  report.newer = {{"game-2.flare"}, "./game --level 'the 2nd'"};
  report.metrics.push_back(diff_profiles(bases, newers, {}));
  return difference_svg(difference_tree(bases, newers, false, 0.001), report);
}

std::string plot(Seen& game) {
  const Result<Profile> memory = game.profile(Metric::kAllocated);
  const Result<Profile> time = game.profile(Metric::kCpu);
  return usage_plot_svg(usage_plot(&*memory, &*time, outermost_spans(*memory)));
}

// Thirty commits of a game: it became slower with the twelfth, and holds less from the twenty-first on.
std::string dashboard() {
  std::vector<HistoryEntry> entries;
  for (int i = 0; i < 30; ++i) {
    RunRecord record;
    record.kind = "gate";
    record.step = "play the 1st level";
    record.time_ns = 1'700'000'000'000'000'000 + i * 86'400'000'000'000;
    record.commit = fmt::format("{:07x}", 0x3c5a1f0 + 0x1234567 * i);
    record.branch = "main";
    record.host = {"bench-1", "6.1.0", "x86_64", "AMD EPYC", 2, 0, "", 0};
    record.command = {"./game", "--level", "the 1st"};
    const double wobble = i * 7 % 11 / 10.0;
    const double cpu = (i < 12 ? 1.00 : 1.14) + 0.01 * wobble;
    record.metrics = {{std::string(kWallTime), "ns", {1.1e9 * cpu}},
                      {std::string(kCpuTime), "ns", {1e9 * cpu}},
                      {std::string(kPeakHeap), "bytes", {(i < 21 ? 14e6 : 11e6) + 1e5 * wobble}},
                      {std::string(kAllocationCount), "count", {632'306.0 + i % 3}},
                      {std::string(kLeakedBytes), "bytes", {i < 25 ? 0.0 : 2'784'000.0}}};
    record.paths = {{"cpu", {"main", "run_frame", "World::update", "Physics::step", "Physics::collide"}, 0.4e9 * cpu},
                    {"cpu", {"main", "run_frame", "run_script"}, 0.2e9},
                    {"peak", {"main", "load_level", "parse_mesh"}, 6e6}};
    record.trace = fmt::format("recordings/play.{}.flare", i);
    entries.push_back({fmt::format("{:032x}", 0x9e3779b97f4a7c15 * (i + 1)), std::move(record)});
  }
  return dashboard_html(entries, "The game's performance");
}

bool write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return file.good();
}

bool write_pages(const std::string& folder) {
  WholeGame game{GameVersion{}};
  GameVersion slower;
  slower.physics = 1.5;
  slower.has_pathfinding = false;
  slower.leaks_particles = false;
  slower.level = "the 2nd";
  WholeGame other{slower};
  Seen base = seen(game);
  Seen changed = seen(other);
  FakeRecording broken = hostile();
  FakeRecording nothing;
  const auto page = [](const std::string& title, const std::vector<std::string>& profiles) {
    return view_html(title, profiles);
  };
  std::string totals = "{";
  for (const Metric metric : {Metric::kCpu, Metric::kWall, Metric::kAllocated, Metric::kAllocations, Metric::kPeak,
                              Metric::kLive, Metric::kTemporary, Metric::kLeaked}) {
    totals +=
        std::string(totals.size() == 1 ? "" : ", ") + "\"" + metric_name(metric) + "\": \"" + base.total(metric) + "\"";
  }
  return write(folder + "/game.html", page("game", {base.packed()})) &&
         write(folder + "/compare.html", page("game and game", {base.packed(), changed.packed()})) &&
         write(folder + "/hostile.html",
               page("</title><script>window.broken=6</script>",
                    {Seen(std::make_shared<const Recording>(broken.finish()), broken).packed()})) &&
         write(folder + "/empty.html",
               page("nothing", {Seen(std::make_shared<const Recording>(nothing.finish()), nothing).packed()})) &&
         write(folder + "/flamegraph.svg", flamegraph_svg(*base.profile(Metric::kCpu), {})) &&
         write(folder + "/plot.svg", plot(base)) && write(folder + "/difference.svg", difference(base, changed)) &&
         write(folder + "/dashboard.html", dashboard()) && write(folder + "/totals.json", totals + "}\n");
}

}  // namespace
}  // namespace flarestack

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: view_fixture FOLDER\n";
    return 2;
  }
  return flarestack::write_pages(argv[1]) ? 0 : 1;
}
