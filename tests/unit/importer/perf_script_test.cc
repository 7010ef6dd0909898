// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "importer/perf_script_line.h"
#include "tests/unit/importer/imported.h"

namespace flarestack {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("a sample's line has whatever fields perf script was asked for") {
  const auto full = parse_perf_sample_line("Web Content 4711/4712 [003] 13959.893943:    2000000 cpu-clock:u: ", false);
  REQUIRE(full);
  CHECK(full->comm == "Web Content");
  CHECK(full->pid == 4711);
  CHECK(full->tid == 4712);
  CHECK(full->time_ns == 13'959'893'943'000);
  CHECK(full->period == 2'000'000U);
  CHECK(full->event == "cpu-clock:u");
  CHECK(full->rest.empty());

  const auto plain = parse_perf_sample_line("t 10597 1.000000001: cycles:", false);
  REQUIRE(plain);
  CHECK(plain->pid == -1);
  CHECK(plain->tid == 10597);
  CHECK(plain->time_ns == 1'000'000'001);
  CHECK_FALSE(plain->period);
  CHECK(plain->event == "cycles");

  const auto frame = parse_perf_sample_line(
      "   a 1 7 2.5:  1 page-faults:  ffffffff817554ea elf_load+0x28a ([kernel.kallsyms])", false);
  REQUIRE(frame);
  CHECK(frame->comm == "a 1");
  CHECK(frame->tid == 7);
  CHECK(frame->rest == "ffffffff817554ea elf_load+0x28a ([kernel.kallsyms])");

  CHECK(parse_perf_sample_line("t 1 1.5:", false));
  CHECK(parse_perf_sample_line("t 1 PERF_RECORD_COMM: x:1/1", false)->event == "PERF_RECORD_COMM");
  CHECK_FALSE(parse_perf_sample_line("t 1", false));
  CHECK(parse_perf_sample_line("t 1", true)->tid == 1);
  for (const char* bad :
       {"", "t", "main;f 12", "t 1 2 3", "t 99999999999 1.5: cycles:", "t 1 1.5: no event here", "12:"})
    CHECK_FALSE(parse_perf_sample_line(bad, false));
}

TEST_CASE("a frame's line has an address, a symbol with an offset and a module in parentheses") {
  const auto frame =
      parse_perf_frame_line("\t     1185 (anonymous namespace)::f(int (*)(char))+0xc (/opt/a (1)/libx.so (deleted))");
  REQUIRE(frame);
  CHECK(frame->address == 0x1185);
  CHECK(frame->symbol == "(anonymous namespace)::f(int (*)(char))");
  CHECK(frame->module == "/opt/a (1)/libx.so (deleted)");
  CHECK_FALSE(frame->inlined);
  CHECK(parse_perf_frame_line("\t 7f12 [unknown] ([unknown])")->symbol == "[unknown]");
  CHECK(parse_perf_frame_line("\t 7f12 [unknown] ([unknown])")->module.empty());
  CHECK(parse_perf_frame_line("\t 7f12 (/lib/x.so)")->symbol == "[unknown]");
  CHECK(parse_perf_frame_line("\t 7f12 f (/lib/x.so+0x12)")->module == "/lib/x.so");
  CHECK(parse_perf_frame_line("\t 7f12 operator+ (/lib/x.so)")->symbol == "operator+");
  CHECK(parse_perf_frame_line("\t 7f12 f")->symbol == "f");
  CHECK(parse_perf_frame_line("\t 7f12")->symbol == "[unknown]");
  CHECK(parse_perf_frame_line("\t 7f12 swap (inlined)")->inlined);
  CHECK_FALSE(parse_perf_frame_line("\t main.c:12"));
  CHECK_FALSE(parse_perf_frame_line("\t 11112222333344445 f (x)"));
}

TEST_CASE("a frame's module and address say whose code it is") {
  const auto kind_of = [](std::string_view line) { return kind_of_perf_frame(*parse_perf_frame_line(line)); };
  CHECK(kind_of("ffffffff8104f45a native_write_msr+0xa ([kernel.kallsyms])") == FrameKind::kKernel);
  CHECK(kind_of("12 nf_hook ([nf_tables])") == FrameKind::kKernel);
  CHECK(kind_of("12 nf_hook (/lib/modules/6.1/net/nf.ko.xz)") == FrameKind::kKernel);
  CHECK(kind_of("7ffd1 clock_gettime ([vdso])") == FrameKind::kSymbolized);
  CHECK(kind_of("7ffd1 main (/usr/bin/x)") == FrameKind::kSymbolized);
  CHECK(kind_of("7ffd1 LazyCompile:*f (/tmp/perf-12.map)") == FrameKind::kJit);
  CHECK(kind_of("7ffd1 Main.run ([JIT] tid 12)") == FrameKind::kJit);
}

TEST_CASE("samples of perf script become stacks, root first, with their times") {
  const ImportedTrace trace = imported(
      "# ========\n"
      "# hostname : engine\n"
      "# os release : 6.1.0\n"
      "# cmdline : /usr/bin/perf record -g ./t \n"
      "#\n"
      "perf-exec 100/100 10.000000: 1000000 cpu-clock: \n"
      "\tffffffff81000001 do_exec+0x1 ([kernel.kallsyms])\n"
      "\n"
      "t 100/100 10.010000: 1000000 cpu-clock: \n"
      "\t 11c0 outer+0xc (/tmp/t)\n"
      "\t 1200 main+0x5 (/tmp/t)\n"
      "\n"
      "worker 100/101 10.510000: 2500000 cpu-clock: \n"
      "\t 11c4 outer+0x10 (/tmp/t)\n"
      "\t 1200 main+0x5 (/tmp/t)\n");
  CHECK(trace.lines() == Lines{"/tmp/t!main;/tmp/t!outer 1 1000000", "/tmp/t!main;/tmp/t!outer 1 2500000",
                               "[kernel.kallsyms]!do_exec_[k] 1 1000000"});
  CHECK(trace.session.host == "engine");
  CHECK(trace.session.kernel == "6.1.0");
  CHECK(trace.session.command == Lines{"/usr/bin/perf", "record", "-g", "./t"});
  REQUIRE(trace.processes.size() == 1);
  CHECK(trace.processes[0].executable == "t");
  CHECK(trace.processes[0].pid == 100);
  REQUIRE(trace.threads.size() == 2);
  CHECK(trace.threads[1].name == "worker");
  CHECK(trace.threads[1].start_ns == 510'000'000);
  REQUIRE(trace.samples.size() == 3);
  CHECK(trace.samples[2].slice_start_ns == 510'000'000);
  CHECK(trace.duration_ns == 510'000'000);
  REQUIRE(trace.notes.size() == 1);
  CHECK_THAT(trace.notes[0], Catch::Contains("cpu-clock"));
}

TEST_CASE("inlined frames are in the frame that follows, with their source lines") {
  const ImportedTrace trace = imported(
      "t 1/1 1.0: 10 task-clock:\n"
      "\t 11c0 swap (inlined)\n"
      "  util.h:7\n"
      "\t 11c0 sort+0xc\n"
      "  t[11c0] (inlined)\n"
      "\t 11c0 outer+0xc (/tmp/t)\n"
      "  main.cc:12 (discriminator 3)\n"
      "\t 1200 main+0x5 (/tmp/t)\n"
      "  t[1200]\n\n");
  CHECK(trace.lines() == Lines{"/tmp/t!main;/tmp/t!outer@main.cc:12 >> /tmp/t!sort >> /tmp/t!swap@util.h:7 1 10"});
}

TEST_CASE("without call chains each line is a sample") {
  const ImportedTrace trace = imported(
      "   work er 1/2 1.000: 5 cpu-clock:   56001420e1c0 outer+0xc (/tmp/t)\n"
      "         t 1/1 1.001: 6 cpu-clock:   ffffffff817554ea elf_load ([kernel.kallsyms])\n"
      "         t 1/1 1.002: 7 cpu-clock:   56001420e1c0 outer+0xc (/tmp/t)\n");
  CHECK(trace.lines() == Lines{"/tmp/t!outer 1 5", "/tmp/t!outer 1 7", "[kernel.kallsyms]!elf_load_[k] 1 6"});
}

std::string samples_of(const std::string& event, uint64_t period, int count, int every_us) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += fmt::format("t 1/1 {}.{:06}: {} {}: \n\t 11c0 f (/t)\n\n", i * every_us / 1'000'000,
                        i * every_us % 1'000'000, period, event);
  return text;
}

TEST_CASE("cycles are worth what the time stamps say") {
  const ImportedTrace trace = imported(samples_of("cycles:P", 2'500'000, 200, 1000));
  uint64_t weight = 0;
  for (const SampleRecord& each : trace.samples) weight += each.weight_ns;
  CHECK(weight > 198'000'000);
  CHECK(weight < 202'000'000);
  CHECK_THAT(trace.notes.at(0), Catch::Contains("cycles"));
}

TEST_CASE("of several events the one that is time counts, and the others are named") {
  const std::string text = samples_of("page-faults", 9, 30, 100) + samples_of("cpu-clock:u", 1'000'000, 3, 1000);
  const ImportedTrace time = imported(text);
  CHECK(time.lines() == Lines{"/t!f 3 3000000"});
  CHECK_THAT(time.notes.at(1), Catch::Contains("page-faults (30 samples)"));
  ImportOptions options;
  options.event = "page-faults";
  CHECK(imported(text, options).lines() == Lines{"/t!f 30 270"});
  options.event = "branches";
  CHECK(import_error(text, options) == "FILE: there is no event 'branches' in it; it has page-faults, cpu-clock:u");
}

TEST_CASE("threads whose process is not printed are grouped by their name") {
  const ImportedTrace trace = imported(
      "a 7 1.0: 1 cpu-clock: \n\t 1 f (/t)\n\nb 8 1.1: 1 cpu-clock: \n\t 1 f (/t)\n\na 9 1.2: 1 cpu-clock: \n\n");
  CHECK(trace.processes.size() == 2);
  CHECK(trace.threads.size() == 3);
  CHECK_THAT(trace.notes.at(1), Catch::Contains("+pid"));
  CHECK(trace.lines() == Lines{" 1 1", "/t!f 1 1", "/t!f 1 1"});
}

TEST_CASE("records that are no samples are passed over, garbage is not") {
  CHECK(imported("t 1/1 1.0: PERF_RECORD_MMAP2 1/1: [0x1(0x2) @ 0 08:01 3 4]: r-xp /t\n" +
                 samples_of("cpu-clock", 1, 1, 1))
            .samples.size() == 1);
  CHECK_THAT(import_error(samples_of("cpu-clock", 1, 2, 1) + "what is this\n"),
             Catch::StartsWith("FILE: line 7: neither a sample"));
  CHECK_THAT(import_error("t 1/1 1.0: 1 cycles:\n\t 12 f (/x)\n\tno frame\n"),
             Catch::StartsWith("FILE: line 3: neither"));
  CHECK(import_error("# only a comment\n", as_format(ImportFormat::kPerfScript)) == "FILE: there is no sample in it");
}

}  // namespace
}  // namespace flarestack
