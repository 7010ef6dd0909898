// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "importer/collapsed_line.h"
#include "tests/unit/importer/imported.h"

namespace flarestack {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("a collapsed stack ends in a number; all before it is the stack, spaces and all") {
  const auto line = parse_collapsed_line("start thread;std::vector<int, std::allocator<int> >::push_back 12");
  REQUIRE(line);
  CHECK(line->stack == "start thread;std::vector<int, std::allocator<int> >::push_back");
  CHECK(line->whole_value == 12U);
  CHECK(parse_collapsed_line("a;b 0.5")->value == 0.5);
  CHECK_FALSE(parse_collapsed_line("a;b 0.5")->whole_value);
  CHECK(parse_collapsed_line("a 18446744073709551615")->whole_value == UINT64_MAX);
  CHECK(parse_collapsed_line("7")->stack.empty());
  for (const char* bad : {"", "a;b", "a;b c", "a;b -3", "a;b 1e3", "a;b 3x", "a;b inf", "a;b nan", "a;b -0.5", "a;b ."})
    CHECK_FALSE(parse_collapsed_line(bad));
}

TEST_CASE("annotations say what a frame is, and are no part of its name") {
  CHECK(parse_collapsed_frame("do_syscall_64_[k]").kind == FrameKind::kKernel);
  CHECK(parse_collapsed_frame("do_syscall_64_[k]").name == "do_syscall_64");
  CHECK(parse_collapsed_frame("Main.run_[j]").kind == FrameKind::kJit);
  CHECK(parse_collapsed_frame("Main.run_[1]").kind == FrameKind::kJit);
  CHECK(parse_collapsed_frame("Main.run_[0]").kind == FrameKind::kInterpreter);
  CHECK(parse_collapsed_frame("swap_[i]").inlined);
  CHECK(parse_collapsed_frame("odd_[x]").name == "odd_[x]");
  CHECK(parse_collapsed_frame("_[k]").name == "_[k]");
  const CollapsedFrame python = parse_collapsed_frame("fit (models/tree.py:120)");
  CHECK(python.name == "fit");
  CHECK(python.file == "models/tree.py");
  CHECK(python.line == 120);
  CHECK(python.kind == FrameKind::kInterpreter);
  CHECK(parse_collapsed_frame("f(int) (anonymous)").name == "f(int) (anonymous)");
  CHECK(parse_collapsed_frame("thread (0x7F:12)").name == "thread (0x7F:12)");
  CHECK(parse_collapsed_frame("<module> (<stdin>:1)").file == "<stdin>");
}

TEST_CASE("collapsed stacks become a trace whose weights are their numbers") {
  const ImportedTrace trace = imported("main;parse 10\nmain;parse;read_[k] 5\r\n\nmain;parse 7\n");
  CHECK(trace.lines() == Lines{"main;parse 0 17", "main;parse;read_[k] 0 5"});
  CHECK(trace.session.imported_from == "collapsed stacks");
  CHECK(trace.session.clock == ClockKind::kNone);
  CHECK(trace.duration_ns == 0);
  REQUIRE(trace.notes.size() == 1);
  CHECK_THAT(trace.notes[0], Catch::Contains("--period"));
}

TEST_CASE("with a period a number counts samples") {
  ImportOptions options;
  options.ns_per_count = 10'000'000;
  const ImportedTrace trace = imported("main 3\nmain;f 2\n", options);
  CHECK(trace.lines() == Lines{"main 3 30000000", "main;f 2 20000000"});
  CHECK(trace.notes.empty());
}

TEST_CASE("an inlined frame is in the one before it") {
  const ImportedTrace trace = imported("main;sort;swap_[i];move_[i];cmp 4\nmain;sort 1\n");
  CHECK(trace.lines() == Lines{"main;sort 0 1", "main;sort >> swap >> move;cmp 0 4"});
}

TEST_CASE("a line that is no stack is told by its number, and no trace is left") {
  CHECK(import_error("main;f 3\nmain;g\n") ==
        "FILE: line 2 does not end in a space and a number, as a collapsed stack does");
  CHECK_THAT(import_error("\n\nnothing of the kind\n"), Catch::Contains("line 3 is neither"));
  CHECK_THAT(import_error(std::string((size_t{1} << 20) + 9, 'x'), as_format(ImportFormat::kCollapsed)),
             Catch::Contains("line 1 is longer"));
}

TEST_CASE("a chain of inlined frames deeper than readers take is several frames") {
  std::string line = "main";
  for (int i = 0; i < 200; ++i) line += ";f" + std::to_string(i) + "_[i]";
  const ImportedTrace trace = imported(line + " 1\n");
  REQUIRE(trace.lines().size() == 1);
  std::string expected = line + " 0 1";
  for (int i = 0; i < 200; ++i) {
    const std::string name = "f" + std::to_string(i);
    const std::string inlined = ";" + name + "_[i]";
    const bool cut = (i + 1) % (TraceBuilder::kMaxInlineDepth + 1) == 0;
    expected.replace(expected.find(inlined), inlined.size(), (cut ? ";" : " >> ") + name);
  }
  CHECK(trace.lines()[0] == expected);
}

}  // namespace
}  // namespace flarestack
