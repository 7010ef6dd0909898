// SPDX-License-Identifier: Apache-2.0
// Ten seconds of a game, as the page of a whole recording shows them: loading, then play with a hitch; two processes,
// six threads, CPU time and waiting, a heap that grows at a leak, resident memory. The same whenever it is made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {

struct GameVersion {
  double physics = 1;  // cost of its physics
  bool has_pathfinding = true;
  bool leaks_particles = true;
  std::string level = "the 1st";
};

class WholeGame {
 public:
  explicit WholeGame(GameVersion version) : version_(std::move(version)) {
    fake_.session.command = {"./game", "--level", version_.level};
    fake_.session.wall_clock = true;
    fake_.session.leak_checks = LeakChecks::kAtEnd;
    fake_.heap();
    fake_.process(1, 4100, "/usr/bin/game");
    fake_.process(2, 4107, "/usr/bin/asset-packer", 1, 2 * kSecond);
    const std::vector<std::string> names = {"game", "render-1", "render-2", "audio", "loader"};
    for (uint32_t i = 0; i < names.size(); ++i) fake_.thread(i + 1, 1, 4100 + int32_t(i), names[i]);
    fake_.thread(kPackerThread, 2, 4107, "asset-packer");
    add_regions();
    for (int64_t slice = 0; slice < kSlices; ++slice) add_slice(slice);
    end();
  }

  FakeRecording& fake() { return fake_; }
  Recording finish() {
    fake_.builder.add(EndRecord{kSlices * kSliceNs});
    TraceDamage damage;
    damage.ended = true;
    return fake_.builder.finish(damage);
  }

 private:
  using Names = std::vector<std::string>;
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kSliceNs = 100'000'000;
  static constexpr int64_t kSlices = 100;
  static constexpr uint32_t kPackerThread = 6;

  static Names under(Names callers, const Names& called) {
    callers.insert(callers.end(), called.begin(), called.end());
    return callers;
  }

  // What the game names itself: loading, in its loader thread; frames, and the physics in each, of which there are too
  // many to be told one by one.
  void add_regions() {
    constexpr uint64_t kLoadNs = 25 * kSliceNs;
    constexpr uint64_t kPlayNs = (kSlices - 25) * kSliceNs;
    constexpr uint64_t kFrames = 750;
    fake_.builder.add(RegionRecord{{1}, {}, RegionKind::kRegion, "load level"});
    fake_.builder.add(RegionRecord{{2}, {}, RegionKind::kRegion, "frame"});
    fake_.builder.add(RegionRecord{{3}, {2}, RegionKind::kRegion, "physics"});
    fake_.builder.add(RegionTotalsRecord{.thread = {5},
                                         .region = {1},
                                         .calls = 1,
                                         .wall_ns = kLoadNs,
                                         .self_wall_ns = kLoadNs,
                                         .longest_ns = kLoadNs,
                                         .allocations = 2300,
                                         .allocated_bytes = 17U << 20,
                                         .deallocations = 800,
                                         .deallocated_bytes = 11U << 20,
                                         .peak_bytes = 6U << 20});
    const auto physics_ns = static_cast<uint64_t>(0.4 * kPlayNs * version_.physics);
    fake_.builder.add(RegionTotalsRecord{.thread = {1},
                                         .region = {2},
                                         .calls = kFrames,
                                         .wall_ns = kPlayNs * 9 / 10,
                                         .self_wall_ns = kPlayNs * 9 / 10 - physics_ns,
                                         .longest_ns = 60'000'000});
    fake_.builder.add(RegionTotalsRecord{.thread = {1},
                                         .region = {3},
                                         .calls = kFrames,
                                         .wall_ns = physics_ns,
                                         .self_wall_ns = physics_ns,
                                         .longest_ns = 20'000'000});
    fake_.builder.add(RegionSpanRecord{{5}, {1}, 0, 25 * kSliceNs, 1, kLoadNs});
    for (int64_t slice = 25; slice < kSlices; ++slice) {
      const int64_t start = slice * kSliceNs;
      fake_.builder.add(RegionSpanRecord{{1}, {2}, start, start + kSliceNs, 10, 90'000'000});
      fake_.builder.add(RegionSpanRecord{{1}, {3}, start, start + kSliceNs, 10, physics_ns / 75});
    }
  }

  static uint32_t region_of(uint32_t thread, const Names& names) {
    if (std::ranges::find(names, "game!Physics::step") != names.end()) return 3;
    if (std::ranges::find(names, "game!run_frame@31") != names.end()) return 2;
    return thread == 5 ? 1 : 0;
  }
  void cpu(uint32_t thread, const Names& names, double ms) { sample(thread, names, SampleMetric::kCpu, ms); }
  void wait(uint32_t thread, const Names& names, double ms) { sample(thread, names, SampleMetric::kOffCpu, ms); }
  void sample(uint32_t thread, const Names& names, SampleMetric metric, double ms) {
    const auto whole_ms = static_cast<uint64_t>(ms);
    if (whole_ms == 0) return;
    if (metric == SampleMetric::kCpu) (thread == kPackerThread ? packer_cpu_ns_ : game_cpu_ns_) += whole_ms * 1'000'000;
    SampleRecord record{{thread},
                        fake_.stack(names),
                        metric,
                        now_,
                        kSliceNs,
                        names.back() == "[kernel]" ? 0 : whole_ms,
                        whole_ms * 1'000'000};
    record.region = {region_of(thread, names)};
    fake_.builder.add(record);
  }
  // Blocks that stay, and blocks that come and go.
  void heap(uint32_t thread, const Names& names, uint64_t size_bytes, uint64_t kept, uint64_t passing) {
    AllocationRecord record = FakeRecording::blocks(size_bytes, kept + passing, passing, {now_, kSliceNs});
    record.temporary = passing * 3 / 4;
    record.peak_bytes = static_cast<int64_t>(kept * size_bytes);
    record.peak_blocks = static_cast<int64_t>(kept);
    fake_.allocation(thread, names, record);
    live_bytes_ += kept * size_bytes;
    live_blocks_ += kept;
  }
  void free_kept(uint32_t thread, const Names& names, uint64_t size_bytes, uint64_t blocks) {
    AllocationRecord record = FakeRecording::blocks(size_bytes, 0, blocks, {now_, kSliceNs});
    record.lifetimes = {0, 0, 0, 0, blocks};
    record.peak_bytes = -static_cast<int64_t>(blocks * size_bytes);
    record.peak_blocks = -static_cast<int64_t>(blocks);
    fake_.allocation(thread, names, record);
    live_bytes_ -= blocks * size_bytes;
    live_blocks_ -= blocks;
  }

  void add_slice(int64_t slice) {
    now_ = slice * kSliceNs;
    const double wobble = static_cast<double>(slice * 7 % 11) / 10;  // 0 to 1
    const bool loads = slice < 25;
    if (loads) {
      load_level(wobble);
    } else {
      play(slice, wobble);
    }
    audio();
    if (slice >= 20 && slice < 55) pack_assets(wobble);
    fake_.builder.add(HeapSliceRecord{
        {1}, now_, kSliceNs, live_bytes_, live_blocks_, now_ + kSliceNs / 2, live_bytes_, live_blocks_});
    MemoryRecord look;
    look.process = {1};
    look.time_ns = now_ + kSliceNs / 2;
    look.rss_bytes = (24U << 20) + live_bytes_ * 5 / 4;
    look.heap_live_bytes = live_bytes_;
    look.allocator_bytes = live_bytes_ * 5 / 4;
    look.file_bytes = 20U << 20;
    fake_.builder.add(look);
  }

  void load_level(double wobble) {
    const Names load = {"libc.so.6!clone", "game!loader_main", "game!load_level@9"};
    cpu(5, under(load, {"libz.so.1!inflate", "libz.so.1!inflate_fast"}), 38 + 10 * wobble);
    cpu(5,
        under(load, {"game!parse_mesh",
                     "game!std::vector<Vertex, std::allocator<Vertex> >::_M_realloc_insert(Vertex const&)"}),
        20 - 6 * wobble);
    cpu(5, under(load, {"libc.so.6!read", "[kernel]"}), 14);
    wait(5, under(load, {"libc.so.6!read"}), 18);
    heap(5, under(load, {"game!parse_mesh", "libc.so.6!malloc"}), 4096, 60, 20);
    heap(5, under(load, {"libz.so.1!inflate", "libc.so.6!malloc"}), 32768, 0, 12);
    cpu(1, {"libc.so.6!_start", "game!main", "game!show_progress", "game!draw_text"}, 9);
    wait(1, {"libc.so.6!_start", "game!main", "game!show_progress", "libc.so.6!poll"}, 90);
    wait(2, {"libc.so.6!clone", "game!render_main", "libc.so.6!pthread_cond_wait"}, 100);
    wait(3, {"libc.so.6!clone", "game!render_main", "libc.so.6!pthread_cond_wait"}, 100);
  }

  void play(int64_t slice, double wobble) {
    const Names frame = {"libc.so.6!_start", "game!main", "game!run_frame@31"};
    const bool hitch = slice >= 60 && slice < 66 && version_.has_pathfinding;
    const double busy = hitch ? 0.4 : 1;
    cpu(1, under(frame, {"game!World::update", "game!Physics::step", "game!Physics::collide >> overlaps"}),
        busy * version_.physics * (22 + 4 * wobble));
    cpu(1, under(frame, {"game!World::update", "game!Physics::step"}), busy * version_.physics * 9);
    cpu(1, under(frame, {"game!World::update", "game!Particles::emit", "libc.so.6!malloc", "libc.so.6!_int_malloc"}),
        busy * 7);
    cpu(1, under(frame, {"game!run_script", "jit:~think ai.js:12", "jit:~decide ai.js:40"}), busy * (8 + 3 * wobble));
    if (hitch) {
      const Names find = under(frame, {"game!World::update", "game!find_path"});
      cpu(1, under(find, {"game!expand", "game!expand", "game!expand", "game!heuristic"}), 30);
      cpu(1, under(find, {"game!expand", "game!expand"}), 16);
    }
    wait(1, under(frame, {"libgpu.so!swap_buffers", "libc.so.6!poll"}), hitch ? 6 : 38 - 8 * wobble);
    const std::string draw =
        "game!engine::Renderer<engine::Vulkan, std::allocator<char> >::draw(engine::Scene const&) const";
    for (uint32_t thread = 2; thread <= 3; ++thread) {
      const Names render = {"libc.so.6!clone", "game!render_main", draw};
      cpu(thread, under(render, {"game!cull >> dot"}), busy * (18 + 5 * wobble));
      cpu(thread, under(render, {"libgpu.so!submit", "[kernel]"}), busy * 16);
      cpu(thread, render, busy * (thread == 2 ? 20 : 8));
      wait(thread, {"libc.so.6!clone", "game!render_main", "libc.so.6!pthread_cond_wait"},
           hitch ? 70 : 36 - 5 * wobble);
    }
    heap(1, under(frame, {"game!World::update", "game!Particles::emit", "libc.so.6!malloc"}), 96,
         version_.leaks_particles ? 400 : 0, 5000);
    heap(1, under(frame, {"game!draw_label@77", "game!std::string::append", "libc.so.6!malloc"}), 40, 0, 3000);
    if (slice == 60)
      heap(1, under(frame, {"game!World::update", "game!find_path", "game!make_grid", "libc.so.6!calloc"}), 1 << 20, 6,
           0);
    if (slice == 70)
      free_kept(1, under(frame, {"game!World::update", "game!find_path", "game!make_grid", "libc.so.6!calloc"}),
                1 << 20, 6);
  }

  void audio() {
    cpu(4, {"libc.so.6!clone", "game!audio_main", "game!mix"}, 4);
    wait(4, {"libc.so.6!clone", "game!audio_main", "libc.so.6!clock_nanosleep"}, 95);
  }

  void pack_assets(double wobble) {
    const Names pack = {"libc.so.6!_start", "asset-packer!main"};
    cpu(kPackerThread, under(pack, {"libz.so.1!deflate", "libz.so.1!longest_match"}), 60 + 10 * wobble);
    cpu(kPackerThread, under(pack, {"libz.so.1!deflate", "libc.so.6!memcpy"}), 12);
    wait(6, under(pack, {"libc.so.6!write"}), 15);
  }

  void end() {
    const int64_t end_ns = kSlices * kSliceNs;
    const Names frame = {"libc.so.6!_start", "game!main", "game!run_frame@31", "game!World::update"};
    fake_.builder.add(LeakCheckRecord{
        {1}, 1, LeakCheckCause::kExit, end_ns - 2'000'000, 3'400'000, live_blocks_, live_bytes_, 9U << 20, ""});
    const auto leak = [&](LeakVerdict verdict, const Names& names, uint64_t blocks, uint64_t size_bytes,
                          LeakHolder holder) {
      LeakRecord record;
      record.process = {1};
      record.check = 1;
      record.verdict = verdict;
      record.thread = {1};
      record.stack = fake_.stack(names);
      record.blocks = blocks;
      record.bytes = blocks * size_bytes;
      record.smallest_bytes = record.largest_bytes = size_bytes;
      record.first_ns = 25 * kSliceNs;
      record.last_ns = end_ns - kSliceNs;
      record.holder = holder;
      if (holder == LeakHolder::kStack) record.holder_thread = {1};
      if (holder == LeakHolder::kModuleData) {
        record.holder_module = fake_.module("game");
        record.holder_offset = {0x4120};
      }
      fake_.builder.add(record);
    };
    if (version_.leaks_particles) {
      leak(LeakVerdict::kDefinitelyLost, under(frame, {"game!Particles::emit", "libc.so.6!malloc"}), 29'000, 96,
           LeakHolder::kNone);
      leak(LeakVerdict::kPossiblyLost, under(frame, {"game!Particles::emit", "libc.so.6!malloc"}), 1'000, 96,
           LeakHolder::kStack);
    }
    leak(LeakVerdict::kStillReachable,
         {"libc.so.6!clone", "game!loader_main", "game!load_level@9", "game!parse_mesh", "libc.so.6!malloc"}, 1'500,
         4096, LeakHolder::kModuleData);
    fake_.builder.add(CounterRecord{{1}, "samples", 12'345});
    fake_.builder.add(CounterRecord{{1}, "heap_events", 1'200'000});
    fake_.builder.add(CounterRecord{{1}, "stacks_truncated", 2});
    fake_.builder.add(NoteRecord{{1}, "mallocx of libjemalloc.so.2 could not be hooked: its entry is 3 bytes long"});
    fake_.builder.add(
        UnrecordedRecord{4110, {1}, "sudo reboot", "it is setuid, and the loader ignores our agent then"});
    fake_.builder.add(ProcessEndRecord{{1}, ExitKind::kExited, 0, end_ns, game_cpu_ns_});
    fake_.builder.add(ProcessEndRecord{{2}, ExitKind::kSignaled, 11, 55 * kSliceNs, packer_cpu_ns_});
  }

  GameVersion version_;
  FakeRecording fake_;
  int64_t now_ = 0;
  uint64_t game_cpu_ns_ = 0;
  uint64_t packer_cpu_ns_ = 0;
  uint64_t live_bytes_ = 0;
  uint64_t live_blocks_ = 0;
};

}  // namespace flarestack
