// SPDX-License-Identifier: Apache-2.0
#include "model/annotation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

constexpr uint64_t kFewSamples = 30;
constexpr size_t kMostPieces = 16;

uint64_t lookup_offset(const RecordedFrame& frame) {
  return FrameAddress({frame.offset.value}, frame.address_kind).lookup().value;
}

// What the samples say of the frames that the function is in.
struct FrameCosts {
  std::map<uint64_t, InstructionCost> by_offset;  // module offsets as looked up
  std::map<std::tuple<std::string, uint32_t, std::string>, AnnotatedLine> by_line;
  uint32_t module = kNoIndex;  // the one of those frames
  uint64_t own = 0;
  uint64_t total = 0;
  uint64_t self = 0;
  uint64_t samples = 0;
  uint64_t total_samples = 0;
};

class FrameReader {
 public:
  FrameReader(const Profile& profile, uint32_t function) : profile_(profile), function_(function) {
    of_function_.resize(profile.recording.frames.size(), false);
    for (size_t i = 0; i < of_function_.size() && i < profile.frame_locations.size(); ++i) {
      const LocationRange range = profile.frame_locations[i];
      for (uint32_t each = range.begin; each < range.end; ++each) {
        of_function_[i] = of_function_[i] || profile.locations[each].function == function;
      }
    }
  }

  // A stack counts once for each instruction and line that it passes: where it does so first.
  FrameCosts read(const StackCosts& costs) {
    const auto& stacks = profile_.recording.stacks;
    for (uint32_t stack = 0; stack < stacks.size(); ++stack) {
      const uint32_t index = stacks[stack].frame;
      if (index >= of_function_.size() || !of_function_[index] || costs.total[stack].is_zero()) continue;
      add_frame(stack, profile_.recording.frames[index], costs);
    }
    return std::move(costs_);
  }

 private:
  void add_frame(uint32_t stack, const RecordedFrame& frame, const StackCosts& costs) {
    const uint64_t offset = lookup_offset(frame);
    const Location& innermost =
        profile_.locations[profile_.frame_locations[profile_.recording.stacks[stack].frame].begin];
    const auto [self, samples] = costs.self[stack];
    const auto [total, total_samples] = costs.total[stack];
    costs_.module = frame.module;
    InstructionCost& cost = costs_.by_offset[offset];
    cost.self += self;
    cost.samples += samples;
    costs_.own += self;
    costs_.samples += samples;
    if (innermost.function == function_) costs_.self += self;
    add_line(innermost, self, 0);
    bool is_outermost = true;
    bool is_first = true;
    for (uint32_t each = profile_.recording.stacks[stack].parent; each < profile_.recording.stacks.size() && is_first;
         each = profile_.recording.stacks[each].parent) {
      const uint32_t index = profile_.recording.stacks[each].frame;
      if (index >= of_function_.size() || !of_function_[index]) continue;
      is_outermost = false;
      is_first = lookup_offset(profile_.recording.frames[index]) != offset;
    }
    if (is_outermost) {
      costs_.total += total;
      costs_.total_samples += total_samples;
    }
    if (is_first) {
      cost.total += total;
      add_line(innermost, 0, total);
    }
  }
  void add_line(const Location& location, uint64_t self, uint64_t total) {
    const std::string& name = profile_.functions[location.function].name;
    const std::string& file = profile_.files[location.file];
    AnnotatedLine& line = costs_.by_line[{file, location.line, name}];
    line.file = file;
    line.line = location.line;
    line.function = name;
    line.is_inlined = location.type == FrameType::kInlined;
    line.self += self;
    line.total += total;
  }

  const Profile& profile_;
  uint32_t function_;
  std::vector<bool> of_function_;  // by frame
  FrameCosts costs_;
};

// The frames, lines and names of what the code of a piece leads to.
void add_symbols(const SymbolModule& module, const std::string& function, const AnnotationSources& sources,
                 AnnotatedPiece& piece) {
  std::vector<SymbolQuery> queries;
  for (const Instruction& each : piece.code) queries.push_back({module.id, {each.module_offset}});
  std::vector<std::pair<size_t, uint64_t>> targets;
  std::vector<size_t> with_data;
  std::vector<uint64_t> data;
  for (size_t i = 0; i < piece.code.size(); ++i) {
    const Instruction& each = piece.code[i];
    if (each.target && (*each.target < piece.begin || *each.target >= piece.end || each.is_call())) {
      targets.emplace_back(i, *each.target);
      queries.push_back({module.id, {*each.target}});
    } else if (each.data_offset) {
      with_data.push_back(i);
      data.push_back(*each.data_offset);
    }
  }
  const std::vector<std::vector<SymbolFrame>> frames = sources.symbols({module}, queries).frames;
  piece.frames.resize(piece.code.size());
  piece.is_own.assign(piece.code.size(), true);
  piece.leads_to.resize(piece.code.size());
  for (size_t i = 0; i < piece.code.size(); ++i) {
    if (i < frames.size()) piece.frames[i] = frames[i];
    if (piece.frames[i].empty()) piece.frames[i].emplace_back();
    piece.is_own[i] = std::any_of(piece.frames[i].begin(), piece.frames[i].end(),
                                  [&](const SymbolFrame& frame) { return frame.function == function; });
  }
  for (size_t i = 0; i < targets.size() && piece.code.size() + i < frames.size(); ++i) {
    if (const auto& target = frames[piece.code.size() + i]; !target.empty())
      piece.leads_to[targets[i].first] = target.back().function;
  }
  const std::vector<std::string> names = data.empty() ? std::vector<std::string>() : sources.data_names(module, data);
  for (size_t i = 0; i < names.size() && i < with_data.size(); ++i) piece.leads_to[with_data[i]] = names[i];
  // Without debug information the whole piece is the function's, whatever its name.
  if (std::none_of(piece.is_own.begin(), piece.is_own.end(), [](bool own) { return own; }))
    piece.is_own.assign(piece.code.size(), true);
  for (size_t i = 0; i < piece.frames.size(); ++i)
    piece.is_host =
        piece.is_host || (piece.is_own[i] && piece.frames[i].size() > 1 && piece.frames[i].back().function != function);
  if (!piece.frames.empty() && !piece.frames.front().back().function.empty())
    piece.name = piece.frames.front().back().function;
}

AnnotatedPiece piece_of(CodePiece code, const FrameCosts& costs) {
  AnnotatedPiece piece;
  piece.begin = code.begin;
  piece.end = code.end;
  piece.name = std::move(code.symbol);
  piece.code = std::move(code.instructions);
  piece.costs.resize(piece.code.size());
  for (auto each = costs.by_offset.lower_bound(piece.begin); each != costs.by_offset.end(); ++each) {
    if (each->first >= piece.end) break;
    const uint32_t at = instruction_at(piece.code, each->first);
    if (at == kNoIndex) continue;
    piece.costs[at].self += each->second.self;
    piece.costs[at].total += each->second.total;
    piece.costs[at].samples += each->second.samples;
    piece.self += each->second.self;
    piece.total = std::max(piece.total, each->second.total);
  }
  piece.flow = control_flow(piece.code);
  return piece;
}

void add_code(const Profile& profile, const FrameCosts& costs, const AnnotationSources& sources, Annotation& result,
              int64_t& built_ns) {
  const Function& function = profile.functions[result.function];
  if (costs.module >= profile.recording.modules.size()) {
    result.problems.push_back(function.type == FrameType::kJit
                                  ? "this code was made while the program ran: its instructions are not recorded"
                                  : function.name + " is in no file: there are no instructions to show");
    return;
  }
  const SymbolModule module = symbol_module(profile, costs.module);
  result.build_id = module.build_id;
  CodeRequest request;
  request.module = module;
  request.recorded_ns = profile.recording.session.start_realtime_ns;
  for (const auto& [offset, cost] : costs.by_offset) request.offsets.push_back(offset);
  Result<FunctionCode> code = sources.code(request);
  if (!code.ok()) {
    result.problems.push_back("no instructions: " + code.error().message);
    return;
  }
  built_ns = code->built_ns;
  for (CodePiece& each : code->pieces) result.pieces.push_back(piece_of(std::move(each), costs));
  std::stable_sort(result.pieces.begin(), result.pieces.end(), [](const AnnotatedPiece& a, const AnnotatedPiece& b) {
    return a.self != b.self ? a.self > b.self : a.total > b.total;
  });
  if (result.pieces.size() > kMostPieces) {
    result.problems.push_back(
        fmt::format("the {} pieces of code with the most cost are shown, of {}", kMostPieces, result.pieces.size()));
    result.pieces.resize(kMostPieces);
  }
  uint64_t placed = 0;
  for (const AnnotatedPiece& piece : result.pieces) placed += piece.self;
  if (result.pieces.empty()) {
    result.problems.push_back("no instructions: nothing in " + code->path + " delimits it");
  } else if (placed < result.own) {
    result.problems.push_back(format_percent(result.own - placed, result.own) +
                              " of its own cost is in code that is not shown");
  }
  for (AnnotatedPiece& piece : result.pieces) add_symbols(module, function.name, sources, piece);
}

// The text of every file that a line of the function is in.
void add_sources(const Profile& profile, int64_t built_ns, const AnnotationSources& sources, Annotation& result) {
  std::map<std::string, uint32_t> last_line;
  for (const AnnotatedLine& line : result.lines) {
    if (!line.file.empty()) last_line[line.file] = std::max(last_line[line.file], line.line);
  }
  for (const AnnotatedPiece& piece : result.pieces) {
    for (size_t i = 0; i < piece.frames.size(); ++i) {
      if (!piece.is_own[i]) continue;
      for (const SymbolFrame& frame : piece.frames[i]) {
        if (frame.line != 0 && !frame.file.empty()) last_line[frame.file] = std::max(last_line[frame.file], frame.line);
      }
    }
  }
  for (const auto& [path, line] : last_line)
    result.sources[path] = sources.text({path, built_ns, line, profile.bundle.get()});
}

}  // namespace

StackCosts::StackCosts(const Profile& profile)
    : self(profile.recording.stacks.size()), total(profile.recording.stacks.size()) {
  for (const ProfileSample& sample : profile.samples) {
    if (sample.stack >= self.size()) continue;
    self[sample.stack].value += sample.value;
    self[sample.stack].samples += sample.count;
  }
  for (size_t stack = self.size(); stack-- > 0;) {
    total[stack].value += self[stack].value;
    total[stack].samples += self[stack].samples;
    const uint32_t parent = profile.recording.stacks[stack].parent;
    if (parent >= self.size()) continue;
    total[parent].value += total[stack].value;
    total[parent].samples += total[stack].samples;
  }
}

Annotation annotate(const Profile& profile, uint32_t function, const AnnotationSources& sources) {
  return annotate(profile, StackCosts(profile), function, sources);
}

Annotation annotate(const Profile& profile, const StackCosts& stacks, uint32_t function,
                    const AnnotationSources& sources) {
  Annotation result;
  result.function = function;
  FrameCosts costs = FrameReader(profile, function).read(stacks);
  result.self = costs.self;
  result.own = costs.own;
  result.total = costs.total;
  result.samples = costs.samples;
  result.total_samples = costs.total_samples;
  for (auto& [key, line] : costs.by_line) result.lines.push_back(std::move(line));
  std::stable_sort(result.lines.begin(), result.lines.end(), [](const AnnotatedLine& a, const AnnotatedLine& b) {
    return a.self != b.self ? a.self > b.self : a.total > b.total;
  });
  int64_t built_ns = 0;
  add_code(profile, costs, sources, result, built_ns);
  // Without the program's file all that is known is that it was there when the recording began.
  add_sources(profile, built_ns != 0 ? built_ns : profile.recording.session.start_realtime_ns, sources, result);
  const bool has_lines =
      std::any_of(result.lines.begin(), result.lines.end(), [](const AnnotatedLine& line) { return line.line != 0; });
  if (!has_lines && costs.module < profile.recording.modules.size()) {
    result.problems.push_back("no source lines: " + profile.recording.modules[costs.module].path +
                              " has no debug information for it");
  }
  if (!is_heap_metric(profile.options.metric) && result.samples < kFewSamples && result.own != 0) {
    result.problems.push_back(fmt::format("{} sample{} in it: too few to tell its instructions apart", result.samples,
                                          result.samples == 1 ? "" : "s"));
  }
  return result;
}

}  // namespace flarestack
