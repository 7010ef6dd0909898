// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "importer/import.h"
#include "importer/perf_events.h"
#include "importer/perf_script_line.h"

namespace flarestack {
namespace {

// Reads sample by sample: a line that begins one, then the frames of its stack, leaf first, up to an empty line.
// Without a call chain the one frame is on the sample's own line, and the next sample follows at once.
class PerfScriptReader {
 public:
  PerfScriptReader(InputReader& input, TraceBuilder& builder, const ImportOptions& options)
      : input_(input), builder_(builder), options_(options) {}

  Result<uint64_t> read() {
    std::string_view line;
    while (input_.next_line(line)) {
      if (Result<void> taken = take(line); !taken.ok())
        return Error{fmt::format("line {}: {}", input_.line_number(), taken.error().message)};
    }
    if (const Result<void> error = input_.error(); !error.ok()) return error.error();
    end_sample();
    return finish();
  }

 private:
  enum class State : uint8_t { kBetween, kInSample, kInOtherRecord };
  // A line of a frame, turned into ids.
  struct KnownFrame {
    FrameRecord record;
    bool inlined = false;
  };

  Result<void> take(std::string_view line) {
    const bool is_empty = line.find_first_not_of(" \t") == std::string_view::npos;
    if (is_empty) {
      end_sample();
      return {};
    }
    if (state_ == State::kInOtherRecord && (line.front() == ' ' || line.front() == '\t')) return {};
    if (builder_.full()) return too_much_to_import();
    if (state_ == State::kInSample && take_frame(line)) return {};
    if (line.front() == '#') {
      take_comment(line);
      return {};
    }
    return begin_sample(line);
  }

  // "# hostname : engine", which `perf script --header` prints.
  void take_comment(std::string_view line) {
    const auto value_of = [line](std::string_view name) -> std::string {
      if (!line.substr(std::min<size_t>(2, line.size())).starts_with(name)) return "";
      const size_t colon = line.find(" : ");
      return colon == std::string_view::npos ? "" : printable_name(line.substr(colon + 3), 4096);
    };
    if (std::string host = value_of("hostname "); !host.empty()) session_.host = std::move(host);
    if (std::string kernel = value_of("os release "); !kernel.empty()) session_.kernel = std::move(kernel);
    const std::string command = value_of("cmdline ");
    for (size_t begin = 0; begin < command.size();) {
      const size_t end = std::min(command.find(' ', begin), command.size());
      if (end != begin) session_.command.push_back(command.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  Result<void> begin_sample(std::string_view line) {
    end_sample();
    const bool lenient = options_.format.has_value();
    const auto parsed = parse_perf_sample_line(line, lenient);
    if (!parsed)
      return Error{
          fmt::format("neither a sample, as in \"comm pid/tid 1.234567: 1 event:\", nor a frame of its stack: "
                      "'{}'",
                      printable_name(line, 60))};
    if (parsed->event.starts_with("PERF_RECORD_")) {
      state_ = State::kInOtherRecord;
      return {};
    }
    const auto event = events_.number(parsed->event);
    if (!event) return Error{fmt::format("more than {} different events", TraceBuilder::kMaxEvents)};
    if (!begun_) builder_.begin(session_);
    if (!begun_) first_time_ns_ = parsed->time_ns.value_or(0);
    begun_ = true;
    event_ = *event;
    time_ns_ = std::max<int64_t>(parsed->time_ns.value_or(first_time_ns_) - first_time_ns_, 0);
    last_time_ns_ = std::max(last_time_ns_, time_ns_);
    period_ = parsed->period;
    pids_missing_ = pids_missing_ || parsed->pid < 0;
    const ProcessId process = builder_.process(std::max(parsed->pid, 0), parsed->comm, time_ns_);
    thread_ = builder_.thread(process, parsed->tid, parsed->comm, time_ns_);
    if (parsed->pid == parsed->tid) builder_.rename(process, parsed->comm);
    events_.saw_sample(event_, thread_, parsed->time_ns, period_);
    state_ = State::kInSample;
    if (!parsed->rest.empty() && take_frame(parsed->rest)) end_sample();
    return {};
  }

  // False: it is no frame, nor the source line of one.
  bool take_frame(std::string_view line) {
    const auto known = known_frames_.find(line);
    if (known != known_frames_.end()) {
      add_frame(known->second);
      return true;
    }
    const auto parsed = parse_perf_frame_line(line);
    if (!parsed) return take_source_line(line);
    KnownFrame frame;
    frame.inlined = parsed->inlined;
    frame.record.kind = kind_of_perf_frame(*parsed);
    frame.record.name = builder_.string(parsed->symbol);
    if (frame.record.kind != FrameKind::kJit) frame.record.module = builder_.module(parsed->module);
    // Only what keeps coming back is worth keeping.
    if (known_frames_.size() == kMostKnownFrames) known_frames_.clear();
    known_frames_.emplace(line, frame);
    add_frame(frame);
    return true;
  }
  bool take_source_line(std::string_view line) {
    const bool is_indented = line.size() > 2 && line.starts_with("  ") && line[2] != ' ';
    if (!is_indented || of_one_address_.empty()) return false;
    const PerfSourceLine source = parse_perf_source_line(line);
    inlined_ = inlined_ || source.inlined;
    if (source.file.empty()) return true;  // "??:0", "file[1234]"
    of_one_address_.back().file = builder_.string(source.file);
    of_one_address_.back().line = source.line;
    return true;
  }
  void add_frame(const KnownFrame& frame) {
    if (!inlined_) flush_address();
    inlined_ = frame.inlined;
    of_one_address_.push_back(frame.record);
  }
  void flush_address() {
    if (of_one_address_.empty()) return;
    for (FrameRecord& each : of_one_address_) each.module = of_one_address_.back().module;
    builder_.add_address(of_one_address_, frames_);
    of_one_address_.clear();
  }

  void end_sample() {
    if (state_ == State::kInSample) {
      flush_address();
      builder_.add_weight(event_, thread_, builder_.stack_of(frames_), time_ns_, 1, period_.value_or(1));
      ++samples_;
    }
    frames_.clear();
    inlined_ = false;
    state_ = State::kBetween;
  }

  Result<uint64_t> finish() {
    const auto choice = events_.choose(options_.event);
    if (!choice.ok()) return choice.error();
    TraceBuilder::EventMeaning meaning{choice->event, SampleMetric::kCpu, choice->ns_per_unit, false};
    if (options_.ns_per_count) {
      meaning.ns_per_unit = static_cast<double>(*options_.ns_per_count);
      meaning.by_count = true;
    } else {
      builder_.note(choice->note);
    }
    if (!choice->others.empty())
      builder_.note(fmt::format("samples of other events were left out: {}; `flarestack import --event` takes another",
                                choice->others));
    if (pids_missing_)
      builder_.note(
          "which process a thread is of was not printed (perf script -F +pid does): threads of one name are "
          "shown as one process");
    builder_.write_weights({&meaning, 1});
    if (const Result<void> ended = builder_.end(last_time_ns_); !ended.ok()) return ended.error();
    return samples_;
  }

  static constexpr size_t kMostKnownFrames = size_t{1} << 18;

  InputReader& input_;
  TraceBuilder& builder_;
  const ImportOptions& options_;
  SessionRecord session_ = imported_session("perf script");
  PerfEvents events_;
  TextTable<KnownFrame> known_frames_;  // by their lines
  uint64_t samples_ = 0;
  bool begun_ = false;
  bool pids_missing_ = false;
  int64_t first_time_ns_ = 0;
  int64_t last_time_ns_ = 0;

  State state_ = State::kBetween;
  // Of the sample that is being read:
  uint32_t event_ = 0;
  ThreadId thread_;
  int64_t time_ns_ = 0;
  std::optional<uint64_t> period_;
  std::vector<FrameId> frames_;              // leaf first
  std::vector<FrameRecord> of_one_address_;  // innermost first
  bool inlined_ = false;                     // the last of them, into what follows
};

}  // namespace

Result<uint64_t> import_perf_script(InputReader& input, TraceBuilder& builder, const ImportOptions& options) {
  return PerfScriptReader(input, builder, options).read();
}

}  // namespace flarestack
