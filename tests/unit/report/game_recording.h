// SPDX-License-Identifier: Apache-2.0
// The profile that the reports' golden files show: two processes, threads, inlined, kernel and JIT frames, a module
// without symbols, a process that was not recorded.
#pragma once

#include <catch2/catch.hpp>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {

inline FakeRecording game_recording() {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.process(2, 200, "/usr/bin/asset-packer", 1);
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "render-1");
  fake.thread(3, 1, 102, "render-2");
  fake.thread(4, 2, 200, "asset-packer");
  const std::string draw =
      "game!engine::Renderer<engine::Vulkan, std::allocator<char> >::draw(engine::Scene const&, std::vector<int, "
      "std::allocator<int> > const&) const";
  fake.sample(1, {"libc.so.6!_start", "game!main", "game!frame >> update"}, 25, {0, 50'000'000});
  fake.sample(1, {"libc.so.6!_start", "game!main", "game!frame@120"}, 5, {50'000'000, 50'000'000});
  fake.sample(1, {"libc.so.6!_start", "game!main", "game!script", "jit:~think ai.js:12"}, 8, {50'000'000, 50'000'000});
  fake.sample(2, {"libc.so.6!clone", "game!worker", draw}, 30);
  fake.sample(3, {"libc.so.6!clone", "game!worker", draw, "libgpu.so!libgpu.so+0x1234"}, 12);
  fake.sample(3, {"libc.so.6!clone", "game!worker", draw, "[kernel]"}, 9);
  fake.sample(2, {"libc.so.6!clone", "game!worker", "game!fold", "game!fold", "game!fold", "game!leaf"}, 4);
  fake.sample(4, {"libc.so.6!_start", "game!main", "libc.so.6!memcpy"}, 6);
  fake.sample(4, {"[startup]"}, 1);
  fake.end_process(1, ExitKind::kExited, 0, 95'000'000);
  fake.end_process(2, ExitKind::kSignaled, 11, 7'000'000);
  fake.builder.add(CounterRecord{{1}, "stacks_truncated", 2});
  fake.builder.add(UnrecordedRecord{300, {1}, "sudo reboot", "it is setuid, and the loader ignores our agent then"});
  fake.problems["/usr/lib/libgpu.so"] = {
      {}, ModuleSymbols::Level::kNone, "it has neither symbols nor debug information", "apt install libgpu-dbgsym"};
  return fake;
}

inline Profile game_profile(const ProfileOptions& options = {}) {
  FakeRecording fake = game_recording();
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

}  // namespace flarestack
