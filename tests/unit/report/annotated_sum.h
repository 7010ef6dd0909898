// SPDX-License-Identifier: Apache-2.0
// A function of fixed code with a division in its loop, an inlined call and a cold end, for the tests of annotations.
#pragma once

#include <catch2/catch.hpp>

#include "model/annotation.h"
#include "symbolizer/disassembly.h"

namespace flarestack {

struct AnnotatedSum {
  std::string name = "sum(int const*, int)";
  std::string text = "    total += share(values[i], parts);";

  // 1000 xor eax, eax; 1002 xor ecx, ecx; 1004 test esi, esi; 1006 jle 1018; 1008 mov eax, [rdi + rcx*4]; 100b cdq;
  // 100c idiv r8d; 100f add r9d, eax; 1012 inc ecx; 1014 cmp esi, ecx; 1016 jne 1008; 1018 mov eax, r9d; 101b ret;
  // 101c call 1100; 1021 inc eax, nine times; 1033 ret
  static std::vector<uint8_t> bytes() {
    std::vector<uint8_t> code = {0x31, 0xc0, 0x31, 0xc9, 0x85, 0xf6, 0x7e, 0x10, 0x8b, 0x04, 0x8f,
                                 0x99, 0x41, 0xf7, 0xf8, 0x41, 0x01, 0xc1, 0xff, 0xc1, 0x39, 0xce,
                                 0x75, 0xf0, 0x44, 0x89, 0xc8, 0xc3, 0xe8, 0xdf, 0x00, 0x00, 0x00};
    for (int i = 0; i < 9; ++i) code.insert(code.end(), {0xff, 0xc0});
    code.push_back(0xc3);
    return code;
  }

  Profile profile(std::vector<std::pair<uint64_t, uint64_t>> self_ms = {
                      {0x1008, 5}, {0x100c, 20}, {0x100f, 60}, {0x1012, 15}}) {
    RecordingBuilder builder;
    SessionRecord session;
    session.command = {"./sum", "<&>"};
    session.clock = ClockKind::kPerfTaskClock;
    session.requested_hz = 1000;
    session.start_realtime_ns = 1'700'000'000'000'000'000;
    builder.add(session);
    builder.add(ProcessRecord{{1}, {}, ProcessOrigin::kLaunch, 100, "/usr/bin/sum", {"./sum"}, 0});
    builder.add(ThreadRecord{{1}, {1}, 100, "sum", 0});
    builder.add(ModuleRecord{{1}, "/usr/bin/sum", {0xab, 0xcd}});
    uint32_t id = 0;
    for (const auto& [offset, ms] : self_ms) {
      FrameRecord frame;
      frame.id = {++id};
      frame.address_kind = AddressKind::kInstruction;
      frame.module = {1};
      frame.offset = {offset};
      builder.add(frame);
      builder.add(StackRecord{{id}, {}, {id}});
      builder.add(SampleRecord{{1}, {id}, SampleMetric::kCpu, 0, 100'000'000, ms, ms * 1'000'000});
    }
    builder.add(EndRecord{100'000'000});
    TraceDamage damage;
    damage.ended = true;
    auto made = build_profile(builder.finish(damage), {}, sources().symbols);
    REQUIRE(made.ok());
    return std::move(*made);
  }

  std::vector<SymbolFrame> frames_at(uint64_t offset) const {
    if (offset >= 0x1100) return {{"report_error", "/src/error.cc", 7, false, 0x1100}};
    const auto own = [&](uint32_t line) { return SymbolFrame{name, "/src/sum.cc", line, false, 0x1000}; };
    if (offset == 0x100b || offset == 0x100c) return {{"share", "/src/share.h", 2, true, 0x1000}, own(6)};
    const uint32_t line = offset < 0x1004 ? 4 : offset < 0x1008 ? 5 : offset < 0x1012 ? 6 : offset < 0x1018 ? 5 : 8;
    return {own(line)};
  }

  AnnotationSources sources() {
    AnnotationSources sources;
    sources.symbols = [this](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
      SymbolAnswer answer;
      for (const SymbolModule& each : modules)
        answer.modules.push_back({each.id, ModuleSymbols::Level::kLines, "", ""});
      for (const SymbolQuery& query : queries) answer.frames.push_back(frames_at(query.lookup.value));
      return answer;
    };
    sources.code = [this](const CodeRequest& request) -> Result<FunctionCode> {
      if (!code_problem.empty()) return Error{code_problem};
      CHECK(request.module.build_id == std::vector<uint8_t>{0xab, 0xcd});
      CHECK(request.recorded_ns == 1'700'000'000'000'000'000);
      FunctionCode code;
      code.path = request.module.path;
      code.built_ns = 1'600'000'000'000'000'000;
      const std::vector<uint8_t> machine_code = bytes();
      code.pieces.push_back({0x1000, 0x1000 + machine_code.size(), name, disassemble(machine_code, 0x1000)});
      return code;
    };
    sources.text = [this](const SourceRequest& request) {
      SourceText source;
      if (request.path == "/src/share.h") {
        source.problem = request.path + " is not on this machine";
      } else {
        source.lines = {"",
                        "",
                        "int sum(const int* values, int count) {",
                        "  int total = 0;",
                        "  for (int i = 0; i < count; ++i)",
                        text,
                        "",
                        "  return total;",
                        "}"};
      }
      return source;
    };
    sources.data_names = [](const SymbolModule&, const std::vector<uint64_t>& offsets) {
      return std::vector<std::string>(offsets.size());
    };
    return sources;
  }
  uint32_t function_of(const Profile& profile) const {
    for (uint32_t i = 0; i < profile.functions.size(); ++i) {
      if (profile.functions[i].name == name) return i;
    }
    FAIL("no function " + name);
    return 0;
  }
  std::string code_problem;
};

}  // namespace flarestack
