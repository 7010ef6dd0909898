// SPDX-License-Identifier: Apache-2.0
#include "profiler/recorder.h"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/attach_check.h"
#include "profiler/attach_registry.h"
#include "profiler/job_control.h"
#include "profiler/launch_entry.h"
#include "profiler/recorder_loop.h"
#include "profiler/recording_settings.h"
#include "wire/session.h"

namespace flarestack {
namespace {

constexpr uint64_t kForkGraceNs = 1'000'000'000;
constexpr int kTimeoutStatus = 124;  // as coreutils' timeout has it
constexpr uint64_t kPassShare = 20;  // a pass over the sleeping threads takes at most one in so many ns

}  // namespace

void Recorder::keep(const Result<void>& result) {
  if (!result.ok() && problem_.empty()) {
    problem_ = "the trace is incomplete: " + result.error().message;
  }
}

Result<void> Recorder::begin() {
  utsname system{};
  uname(&system);
  SessionRecord session;
  session.command = options_.attach_pid != 0 ? arguments_of(options_.attach_pid) : options_.command;
  std::error_code error;
  session.working_directory =
      (options_.attach_pid != 0 ? std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", options_.attach_pid), error)
                                : std::filesystem::current_path(error))
          .string();
  session.host = system.nodename;
  session.kernel = system.release;
  session.version = FLARESTACK_VERSION;
  session.start_realtime_ns = static_cast<int64_t>(clock_now_ns(CLOCK_REALTIME));
  session.clock = options_.outside_clock.value_or(static_cast<ClockKind>(clock_.clock));
  session.requested_hz = options_.cpu_hz;
  session.wall_clock = options_.wall_clock;
  session.heap = options_.heap;
  session.heap_sample_bytes = options_.heap == HeapMode::kSampled ? options_.heap_sample_bytes : 0;
  if (options_.heap == HeapMode::kExact)
    session.leak_checks = options_.leak_check ? LeakChecks::kAtEnd : LeakChecks::kNone;
  writer_.add(session);
  if (clock_.perf_errno != 0) {
    writer_.add(CounterRecord{{}, "perf_event_errno", static_cast<uint64_t>(clock_.perf_errno)});
  }
  return writer_.flush();
}

Result<int> Recorder::start_program(const std::string& agent_path) {
  std::error_code error;
  processes_.set_trace_path(std::filesystem::absolute(trace_path_, error).string());
  LaunchEntryOptions entry;
  entry.launch.command = options_.command;
  entry.launch.agent_path = entry.attach.agent_path = agent_path;
  entry.launch.session_value = entry.attach.session_value = processes_.session_value();
  entry.attach.sample_signal = processes_.settings().sample_signal();
  entry.on_launched = [this](int32_t pid) { processes_.set_launched(pid); };
  entry.answer = [this] { answer(); };
  entry.plan = [this](int32_t pid, const PatchRequest& request) { return processes_.plan_hooks(pid, request); };
  if (wish_unmet_from_outside(options_).empty()) {
    entry.go_without_agent = [this](int32_t pid, PerfRings::Start start, const std::string& reason) {
      return sample_launched(pid, start, reason).ok();
    };
  }
  Result<EnteredProgram> launched = launch_and_enter(std::move(entry));
  if (!launched.ok()) {
    return launched.error();
  }
  program_ = std::move(launched->program);
  if (!launched->unrecorded.empty()) {
    processes_.note_unrecorded(program_.pid, options_.command[0], launched->unrecorded);
  }
  if (program_.pidfd) {
    processes_.watch(program_.pidfd.get());
  }
  return program_.exec_errno;
}

// If the launched program is a zombie: takes its CPU time while it can still be read, then its status.
void Recorder::reap_program() {
  siginfo_t info{};
  if (program_ended_ || waitid(P_PID, static_cast<id_t>(program_.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return;
  }
  program_ended_ = true;
  ended_at_ns_ = monotonic_now_ns();
  const uint64_t cpu_ns = process_cpu_ns(program_.pid);
  int wait_status = 0;
  while (waitpid(program_.pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  program_.pidfd.reset();
  program_exit_ = exit_from_wait_status(wait_status);
  processes_.end_launched(program_exit_, cpu_ns);
  if (outside_ != nullptr) {
    outside_->end_process(program_.pid, program_exit_, cpu_ns);
  }
}

void Recorder::handle_signals() {
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) {
    // The terminal sent it to the program as well. Once that has ended, it is for us: stop following its children.
    if (signals_.take(signal) && program_ended_) {
      stop_ = true;
    }
  }
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) {
    // The program's to decide, too; what it has left running does not hold the shell up.
    if (signals_.take(signal) && program_ended_) {
      kill(getpid(), SIGSTOP);
    }
  }
  if (signals_.take(SIGTERM)) {
    if (program_ended_) {
      stop_ = true;
    } else {
      kill(program_.pid, SIGTERM);
    }
  }
}

void Recorder::handle_limits() {
  handle_timeouts();
  const auto elapsed_ns = static_cast<uint64_t>(origin_.now());
  if (options_.duration_ns != 0 && elapsed_ns > options_.duration_ns) {
    stop_ = true;
  }
}

// If the launched program is stopped: stops this process as well, for the shell that waits for it.
void Recorder::stop_with_program() {
  const int signal = program_ended_ || terminated_ ? 0 : stop_signal_of(program_.pid);
  if (signal == 0) {
    stays_awake_ = false;
    return;
  }
  // SIGSTOP means one process. Those that go on need us: a new one waits for its session.
  if (stays_awake_ || (signal == SIGSTOP && processes_.others_running())) {
    return;
  }
  if (!stop_) {
    processes_.drain();
    keep(tables_.flush());
  }
  const uint64_t limit_ns = std::min(options_.timeout_ns != 0 ? options_.timeout_ns : UINT64_MAX,
                                     options_.duration_ns != 0 && !stop_ ? options_.duration_ns : UINT64_MAX);
  const uint64_t deadline_ns = limit_ns != UINT64_MAX ? origin_.monotonic_ns + limit_ns : UINT64_MAX;
  signals_.take(SIGCONT);
  const bool by_another = stop_with_child(signal, program_.pid, deadline_ns);
  // Nobody continued us, so we were not stopped: the kernel does not stop a process group that no shell could continue.
  stays_awake_ = !signals_.take(SIGCONT);
  // Whoever continued us alone meant the program.
  if (!stays_awake_ && by_another && stop_signal_of(program_.pid) != 0) {
    kill(program_.pid, SIGCONT);
  }
}

bool Recorder::finished() const {
  if (stop_ || (program_ended_ && !options_.wait_for_children)) {
    return true;
  }
  return program_ended_ && processes_.empty() && (outside_ == nullptr || outside_->empty()) &&
         (!processes_.expects_children() || monotonic_now_ns() - ended_at_ns_ > kForkGraceNs);
}

void Recorder::finish() {
  const bool is_attached = attacher_ != nullptr && !processes_.empty();
  processes_.end_all();
  if (outside_ != nullptr) {
    outside_->end_all();
  }
  if (is_attached) {
    if (const Result<void> detached = attacher_->detach(); !detached.ok() && problem_.empty()) {
      problem_ = "the hooks are still in the process, without effect: " + detached.error().message;
    }
  }
  announcement_.reset();
  keep(tables_.flush());
  writer_.add(EndRecord{origin_.now()});
  keep(writer_.flush());
}

// Sleeps until there is something to do, and does it.
void Recorder::step() {
  const uint64_t next_ns = options_.wall_clock ? std::min(next_drain_ns_, next_pass_ns_) : next_drain_ns_;
  const uint64_t before_ns = monotonic_now_ns();
  processes_.wait(next_ns > before_ns ? next_ns - before_ns : 0);
  const uint64_t now_ns = monotonic_now_ns();
  if (now_ns >= next_drain_ns_ || processes_.bell_rung()) {
    processes_.drain();
    if (outside_ != nullptr) {
      outside_->drain();
    }
    flush_in_time();
    next_drain_ns_ =
        now_ns + (options_.heap != HeapMode::kNone ? std::min(nap_ns_, processes_.heap_nap_ns()) : nap_ns_);
    if (outside_ != nullptr) {
      next_drain_ns_ = std::min(next_drain_ns_, now_ns + outside_->nap_ns(nap_ns_));
    }
  }
  if (options_.wall_clock && now_ns >= next_pass_ns_) {
    processes_.sample_off_cpu();
    // At random moments, so that no rhythm of the program's own is in step with them, and a twentieth of a CPU at most.
    const uint64_t cost_ns = monotonic_now_ns() - now_ns;
    const uint64_t interval_ns =
        std::max<uint64_t>(1'000'000'000 / std::max(options_.cpu_hz, 1U), cost_ns * kPassShare);
    next_pass_ns_ = now_ns + std::uniform_int_distribution<uint64_t>(interval_ns / 2, interval_ns * 3 / 2)(random_);
  }
  reap_program();
  processes_.end_exited();
  if (outside_ != nullptr) {
    outside_->end_exited(program_.pid);
  }
  handle_signals();
  handle_limits();
  handle_stop_request();
  stop_with_program();
}

RecordOutcome Recorder::run() {
  if (options_.on_started) options_.on_started();
  while (!finished()) {
    step();
  }
  finish();
  // A recording that was stopped early still passes the program's own status on.
  while (!program_ended_) {
    processes_.wait(nap_ns_);
    reap_program();
    handle_signals();
    handle_limits();
    stop_with_program();
  }
  RecordOutcome outcome;
  outcome.recorded = processes_.recorded() || (outside_ != nullptr && outside_->recorded());
  outcome.exit_status = program_exit_.kind == ExitKind::kSignaled ? 128 + program_exit_.code : program_exit_.code;
  if (terminated_ && outcome.exit_status != 128 + SIGKILL) {
    outcome.exit_status = kTimeoutStatus;
  }
  outcome.problem = problem_;
  return outcome;
}

namespace {

// Of a program that never ran. The user may have named a device.
void remove_trace(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    unlink(path.c_str());
  }
}

// Its trace, of what there is before anything is recorded.
Result<std::unique_ptr<Recorder>> begin_recording(const RecordOptions& options, const std::string& path) {
  Result<TraceWriter> writer = TraceWriter::create(path);
  if (!writer.ok()) {
    return Error{writer.error().message + "; choose another place with -o FILE"};
  }
  Result<SessionServer> server = SessionServer::create();
  if (!server.ok()) {
    return server.error();
  }
  auto recorder = std::make_unique<Recorder>(options, path, std::move(*writer), std::move(*server));
  if (const Result<void> begun = recorder->begin(); !begun.ok()) {
    remove_trace(path);
    const std::string& message = begun.error().message;  // and, behind its last semicolon, how much can be read
    return Error{message.substr(0, message.rfind(';')) + "; choose another place with -o FILE"};
  }
  return recorder;
}

// Runs what `start` has begun.
Result<RecordOutcome> run_attached(const RecordOptions& options, const std::string& path,
                                   const std::function<Result<void>(Recorder&)>& start) {
  const Result<std::unique_ptr<Recorder>> recorder = begin_recording(options, path);
  if (!recorder.ok()) {
    return recorder.error();
  }
  if (const Result<void> started = start(**recorder); !started.ok()) {
    remove_trace(path);
    return started.error();
  }
  RecordOutcome outcome = (*recorder)->run();
  outcome.trace_path = path;
  return outcome;
}

Result<RecordOutcome> record_from_outside(const RecordOptions& options, const std::string& path,
                                          const std::string& no_agent_reason) {
  if (const std::string unmet = wish_unmet_from_outside(options); !unmet.empty()) {
    return Error{fmt::format("Process {} can only be sampled from outside, since {}; so {}", options.attach_pid,
                             no_agent_reason, unmet)};
  }
  RecordOptions cpu_only = options;
  cpu_only.heap = HeapMode::kNone;
  cpu_only.outside_clock =
      PerfRings::may_sample(options.attach_pid) ? ClockKind::kPerfTaskClock : ClockKind::kSnapshots;
  return run_attached(cpu_only, path,
                      [&](Recorder& recorder) { return recorder.attach_from_outside(no_agent_reason); });
}

Result<RecordOutcome> record_attached(const RecordOptions& options, const std::string& path,
                                      const std::string& agent_path) {
  const AttachFacts facts = gather_attach_facts(options.attach_pid);
  std::string refusal = refusal_of(facts);
  std::string reason = no_agent_reason_of(facts);
  if (refusal.empty() && reason.empty()) {
    bool is_over = false;
    Result<RecordOutcome> outcome = run_attached(options, path, [&](Recorder& recorder) {
      Result<void> attached = recorder.attach(agent_path);
      is_over = attached.ok() || recorder.is_recorded_by_another() || kill(options.attach_pid, 0) != 0;
      return attached;
    });
    if (outcome.ok() || is_over) {
      return outcome;
    }
    refusal = outcome.error().message;
    constexpr std::string_view kRefused = "cannot be attached to: ";
    const size_t at = refusal.find(kRefused);
    reason = at != std::string::npos ? refusal.substr(at + kRefused.size()) : refusal;
  }
  if (reason.empty()) {
    return Error{refusal};
  }
  if (!attached_session_of(options.attach_pid).empty()) {
    return Error{fmt::format("process {} cannot be attached to: it is being recorded already", options.attach_pid)};
  }
  Result<RecordOutcome> outcome = record_from_outside(options, path, reason);
  if (!outcome.ok() && !refusal.empty() && wish_unmet_from_outside(options).empty()) {
    return Error{fmt::format("{}; and not from outside: {}", refusal, outcome.error().message)};
  }
  return outcome;
}

Result<RecordOutcome> record_launched(const RecordOptions& options, const std::string& path,
                                      const std::string& agent_path) {
  RecordOptions possible = options;
  possible.heap = is_for_outside(options) ? HeapMode::kNone : options.heap;
  const Result<std::unique_ptr<Recorder>> recorder = begin_recording(possible, path);
  if (!recorder.ok()) {
    return recorder.error();
  }
  const Result<int> exec_errno = (*recorder)->start_program(agent_path);
  if (!exec_errno.ok()) {
    return exec_errno.error();
  }
  RecordOutcome outcome;
  if (*exec_errno != 0) {
    remove_trace(path);
    outcome.exit_status = *exec_errno == ENOENT ? 127 : 126;
    outcome.problem = errno_error("run " + options.command[0], *exec_errno).message;
    return outcome;
  }
  outcome = (*recorder)->run();
  outcome.trace_path = path;
  return outcome;
}

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
  const Result<std::string> agent_path = find_agent();
  if (!agent_path.ok()) {
    return agent_path.error();
  }
  const std::string path = options.output_path.empty() ? default_output_path(options) : options.output_path;
  return options.attach_pid != 0 ? record_attached(options, path, *agent_path)
                                 : record_launched(options, path, *agent_path);
}

}  // namespace flarestack
