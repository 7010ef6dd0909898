// SPDX-License-Identifier: Apache-2.0
// Profile: a recording seen through one choice of metric and filters, symbolized: functions, call tree, samples, and
// how good it all is. Made by LoadedTrace (model/loaded_trace.h) or build_profile(). Offline side; immutable once made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/call_tree.h"
#include "model/heap_cells.h"
#include "model/profile_options.h"
#include "model/quality.h"
#include "model/recording.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// What of the samples of one thread with one stack in one time slice passed the filters. Of a heap metric: what its
// allocations in one size class count; of one that is live at a moment, the slice is that moment.
struct ProfileSample {
  uint32_t node = 0;            // in Profile::tree
  uint32_t location = 0;        // in Profile::locations: its innermost frame
  uint32_t stack = kLostIndex;  // in Recording::stacks, or kNoIndex or kLostIndex
  uint32_t thread = 0;          // in Recording::threads, or kLostIndex
  bool is_waiting = false;      // off the CPU
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  uint64_t count = 0;  // samples; of a heap metric the blocks that `value` is about
  uint64_t value = 0;  // in the metric's unit
};

// A place in a function.
struct Location {
  uint32_t function = 0;  // in Profile::functions
  uint32_t file = 0;      // in Profile::files; 0 is the empty name: unknown
  uint32_t line = 0;      // 0: unknown
  FrameType type = FrameType::kNative;
};

// Of a frame: indexes of Profile::locations, innermost first.
struct LocationRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct Profile {
  explicit Profile(std::shared_ptr<const Recording> seen) : shared(std::move(seen)), recording(*shared) {}

  std::shared_ptr<const Recording> shared;  // with the other profiles of one trace
  const Recording& recording;
  ProfileOptions options;
  std::vector<Function> functions;
  std::vector<std::string> files;
  std::vector<Location> locations;             // the first one is "[lost]"
  std::vector<LocationRange> frame_locations;  // by frame of the recording; of frames that no sample has: [lost]
  CallTree tree;
  std::vector<ProfileSample> samples;
  HeapCells heap;  // of a heap metric, whose leaks' stacks are symbolized as well: all that passed the filters, memory
                   // mapped by the program as well
  Quality quality;
  std::shared_ptr<const BundledFiles> bundle;  // what came with the trace; null: nothing
  uint64_t total() const { return tree.total(); }
};

// What to ask ELF readers with about Recording::modules[index].
SymbolModule symbol_module(const Profile& profile, uint32_t index);

// Answers for all queries of a profile; a LoadedTrace asks a Symbolizer, tests answer themselves.
struct SymbolAnswer {
  std::vector<std::vector<SymbolFrame>> frames;  // one entry per query, innermost first
  std::vector<ModuleSymbols> modules;
};
using SymbolSource = std::function<SymbolAnswer(const std::vector<SymbolModule>&, std::span<const SymbolQuery>)>;

// Error: a filter that matches nothing in this recording, a regular expression that is none, or a heap metric of a
// recording without a heap.
Result<Profile> build_profile(std::shared_ptr<const Recording> recording, const ProfileOptions& options,
                              const SymbolSource& symbols);
Result<Profile> build_profile(Recording recording, const ProfileOptions& options, const SymbolSource& symbols);

}  // namespace flarestack
