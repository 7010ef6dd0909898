// SPDX-License-Identifier: Apache-2.0
#include "model/work_hints.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr uint64_t kLeastSamples = 30;
constexpr size_t kMostQuoted = 4;

bool is_kernel(const Profile& profile, uint32_t stack) {
  if (stack >= profile.recording.stacks.size()) return false;
  const uint32_t frame = profile.recording.stacks[stack].frame;
  return frame < profile.recording.frames.size() && profile.recording.frames[frame].kind == FrameKind::kKernel;
}

// How many page faults a process had up to a moment, between two looks at it in proportion to the time.
class PageFaults {
 public:
  explicit PageFaults(const Recording& recording) {
    for (const RecordedMemory& each : recording.memory)
      looks_[each.process][each.memory.time_ns] = static_cast<double>(each.memory.minor_faults);
  }
  double between(uint32_t process, int64_t begin_ns, int64_t end_ns) const {
    return std::max(0.0, until(process, end_ns) - until(process, begin_ns));
  }

 private:
  double until(uint32_t process, int64_t time_ns) const {
    const auto found = looks_.find(process);
    if (found == looks_.end()) return 0;
    const auto after = found->second.lower_bound(time_ns);
    if (after == found->second.end()) return std::prev(after)->second;
    if (after == found->second.begin()) return after->second;
    const auto before = std::prev(after);
    const double part =
        static_cast<double>(time_ns - before->first) / static_cast<double>(after->first - before->first);
    return before->second + part * (after->second - before->second);
  }
  std::map<uint32_t, std::map<int64_t, double>> looks_;
};

// What fell into one stretch of time.
struct Stretch {
  int64_t end_ns = 0;
  uint64_t kernel = 0;
  uint64_t user = 0;
  uint64_t function = 0;
  double part() const {
    return user == 0 ? 0 : std::min(1.0, static_cast<double>(function) / static_cast<double>(user));
  }
};

// The kernel's share of a thread's time is counted beside its samples, and told with the next one; a process's page
// faults are counted ten times a second. Of what fell into a stretch of time, the function's part is as great as its
// part of the samples there.
void add_kernel_near(WorkFacts& facts) {
  constexpr int64_t kStretchNs = 100'000'000;
  const Profile& profile = facts.profile;
  std::map<std::pair<uint32_t, int64_t>, Stretch> by_thread;
  std::map<std::pair<uint32_t, int64_t>, Stretch> by_process;
  const auto stretches = [&](uint32_t thread, int64_t start_ns) {
    const int64_t number = start_ns / kStretchNs;
    return std::pair{&by_thread[{thread, number}], &by_process[{profile.recording.process_of_thread(thread), number}]};
  };
  for (const RecordedSample& sample : profile.recording.samples) {
    if (sample.metric != SampleMetric::kCpu) continue;
    const auto [thread, process] = stretches(sample.thread, sample.slice_start_ns);
    for (Stretch* each : {thread, process}) {
      each->end_ns = std::max(each->end_ns, sample.slice_start_ns + sample.slice_length_ns);
      (is_kernel(profile, sample.stack) ? each->kernel : each->user) += sample.weight_ns;
    }
  }
  for (const ProfileSample& sample : profile.samples) {
    if (sample.stack >= profile.recording.stacks.size()) continue;
    const uint32_t frame = profile.recording.stacks[sample.stack].frame;
    if (frame >= profile.frame_locations.size()) continue;
    const LocationRange range = profile.frame_locations[frame];
    const bool is_there =
        std::any_of(profile.locations.begin() + range.begin, profile.locations.begin() + range.end,
                    [&](const Location& location) { return location.function == facts.annotation.function; });
    if (!is_there) continue;
    const auto [thread, process] = stretches(sample.thread, sample.slice_start_ns);
    thread->function += sample.value;
    process->function += sample.value;
  }
  const PageFaults faults(profile.recording);
  double kernel_near = 0;
  double faults_near = 0;
  for (const auto& [moment, there] : by_thread) kernel_near += there.part() * static_cast<double>(there.kernel);
  for (const auto& [moment, there] : by_process) {
    const int64_t begin_ns = moment.second * kStretchNs;
    faults_near += there.part() * faults.between(moment.first, begin_ns, std::max(there.end_ns, begin_ns + kStretchNs));
  }
  facts.kernel_near_ns = static_cast<uint64_t>(kernel_near);
  facts.faults_near = static_cast<uint64_t>(faults_near);
}

size_t threads_in(const Profile& profile, uint32_t function) {
  std::set<uint32_t> threads;
  const auto& nodes = profile.tree.nodes();
  for (const ProfileSample& sample : profile.samples) {
    if (nodes[sample.node].function == function && sample.value != 0) threads.insert(sample.thread);
  }
  return threads.size();
}

QuotedInstruction quoted(const QuotedPlace& place) {
  const AnnotatedPiece& piece = place.facts->piece;
  const Instruction& code = piece.code[place.instruction];
  QuotedInstruction result;
  result.module_offset = code.module_offset;
  result.intel = code.intel;
  result.att = code.att;
  result.leads_to = piece.leads_to[place.instruction];
  const SymbolFrame& innermost = piece.frames[place.instruction].front();
  if (innermost.line != 0) {
    result.file = innermost.file;
    result.line = innermost.line;
  }
  result.cost = place.cost;
  return result;
}

WorkHint hint_of(WorkFinding finding) {
  WorkHint hint{finding.kind, finding.confidence,     std::min(finding.share, 1.0),
                {},           std::move(finding.why), std::move(finding.remedy)};
  std::stable_sort(finding.places.begin(), finding.places.end(),
                   [](const QuotedPlace& a, const QuotedPlace& b) { return a.cost > b.cost; });
  for (size_t i = 0; i < std::min(finding.places.size(), kMostQuoted); ++i)
    hint.quoted.push_back(quoted(finding.places[i]));
  return hint;
}

// What is told of each loop becomes one hint: the heaviest one's words, and the instructions of all.
void merge_loops(WorkFindings& findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const WorkFinding& a, const WorkFinding& b) { return a.share > b.share; });
  WorkFindings merged;
  for (WorkFinding& finding : findings) {
    const bool of_loop = finding.kind == WorkKind::kScalarFloat || finding.kind == WorkKind::kDependentLoads ||
                         finding.kind == WorkKind::kSpinWait;
    const auto same =
        std::find_if(merged.begin(), merged.end(), [&](const WorkFinding& each) { return each.kind == finding.kind; });
    if (!of_loop || same == merged.end()) {
      merged.push_back(std::move(finding));
      continue;
    }
    same->share += finding.share;
    same->places.insert(same->places.end(), finding.places.begin(), finding.places.end());
  }
  findings = std::move(merged);
}

// What the whole function being compiled without optimisation says already.
bool follows_from(WorkKind kind, const WorkFindings& findings) {
  const bool unoptimised = std::any_of(findings.begin(), findings.end(), [](const WorkFinding& each) {
    return each.kind == WorkKind::kUnoptimised && each.confidence != Confidence::kPossible;
  });
  return unoptimised &&
         (kind == WorkKind::kScalarFloat || kind == WorkKind::kTinyCallees || kind == WorkKind::kDependentLoads);
}

}  // namespace

std::vector<uint32_t> PieceFacts::instructions_of(uint32_t loop) const {
  std::vector<uint32_t> result;
  for (const uint32_t block : loops()[loop].blocks) {
    for (uint32_t i = piece.flow.blocks[block].begin; i < piece.flow.blocks[block].end; ++i) result.push_back(i);
  }
  return result;
}

uint64_t PieceFacts::self_of(const std::vector<uint32_t>& instructions) const {
  uint64_t sum = 0;
  for (const uint32_t i : instructions) sum += piece.is_own[i] ? piece.costs[i].self : 0;
  return sum;
}

std::vector<WorkHint> work_hints(const Profile& profile, const Annotation& annotation,
                                 const AnnotationSources& sources) {
  std::vector<WorkHint> hints;
  if (is_heap_metric(profile.options.metric) || !annotation.has_code() || annotation.total == 0) return hints;
  WorkFacts facts{profile, annotation, sources, {}, 0, 0, 0};
  for (const AnnotatedPiece& piece : annotation.pieces) facts.pieces.emplace_back(piece);
  WorkFindings findings;
  if (annotation.total_samples >= kLeastSamples) find_call_patterns(facts, findings);
  if (annotation.samples >= kLeastSamples) {
    add_kernel_near(facts);
    facts.threads = threads_in(profile, annotation.function);
    find_slow_instructions(facts, findings);
    find_loop_patterns(facts, findings);
    find_branches(facts, findings);
    find_scalar_float(facts, findings);
    find_unoptimised(facts, findings);
  }
  merge_loops(findings);
  std::stable_sort(findings.begin(), findings.end(), [](const WorkFinding& a, const WorkFinding& b) {
    return a.confidence != b.confidence ? a.confidence > b.confidence : a.share > b.share;
  });
  for (WorkFinding& finding : findings) {
    if (finding.share >= kLeastShare && !follows_from(finding.kind, findings)) hints.push_back(hint_of(finding));
  }
  return hints;
}

std::vector<WorkHint> work_hints_of(const Profile& profile, uint32_t function, const AnnotationSources& sources) {
  AnnotationSources without_text = sources;
  without_text.text = [](const SourceRequest&) { return SourceText(); };
  return work_hints(profile, annotate(profile, function, without_text), sources);
}

const char* work_kind_name(WorkKind kind) {
  constexpr const char* kNames[] = {"division",     "dependent-loads",    "atomic",      "call-bound", "branches",
                                    "scalar-float", "string-instruction", "system-call", "spin-wait",  "page-fault",
                                    "plt",          "unoptimised",        "tiny-callees"};
  return kNames[static_cast<size_t>(kind)];
}

const char* work_kind_title(WorkKind kind) {
  constexpr const char* kTitles[] = {"division",
                                     "loads that wait for loads",
                                     "atomic instructions",
                                     "bound by what it calls",
                                     "branches that go both ways",
                                     "floating point, one number at a time",
                                     "string instructions",
                                     "system calls",
                                     "waiting in a loop",
                                     "page faults",
                                     "calls through the linkage table (PLT)",
                                     "compiled without optimisation",
                                     "calls of tiny functions"};
  return kTitles[static_cast<size_t>(kind)];
}

bool counts_callees(WorkKind kind) {
  return kind == WorkKind::kCallBound || kind == WorkKind::kPlt || kind == WorkKind::kTinyCallees;
}

}  // namespace flarestack
