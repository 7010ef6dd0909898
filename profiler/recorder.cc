// SPDX-License-Identifier: Apache-2.0
#include "profiler/recorder.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/perf_map.h"
#include "profiler/sample_clock.h"

namespace flarestack {
namespace {

constexpr uint64_t kMaxNapNs = 50'000'000;
constexpr uint64_t kForkGraceNs = 1'000'000'000;
constexpr uint64_t kKillAfterNs = 5'000'000'000;
constexpr uint64_t kTypicalSampleBytes = 128;

std::vector<std::string> arguments_of(int32_t pid) {
  std::vector<std::string> result;
  const Result<std::string> text = read_file(fmt::format("/proc/{}/cmdline", pid));
  for (size_t at = 0; text.ok() && at < text->size();) {
    const size_t end = std::min(text->find('\0', at), text->size());
    result.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return result;
}

std::string link_target(const std::string& path) {
  std::error_code error;
  return std::filesystem::read_symlink(path, error).string();
}

// Whether the process behind a pidfd has ended.
bool has_ended(int pidfd) {
  pollfd poll_state{pidfd, POLLIN, 0};
  return poll(&poll_state, 1, 0) > 0;
}

class Recorder {
 public:
  Recorder(const RecordOptions& options, TraceWriter writer, SessionServer server)
      : options_(options), writer_(std::move(writer)), server_(std::move(server)), tables_(writer_),
        origin_{monotonic_now_ns()}, epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void begin();
  // The errno of a failed exec, 0 if the program runs.
  Result<int> start_program(const std::string& agent_path);
  RecordOutcome run();
  std::string trace_path;

 private:
  struct Process {
    std::unique_ptr<TargetProcess> target;
    Fd pidfd;
    uint64_t last_cpu_ns = 0;
  };

  void watch(int descriptor);
  void handle_events(int timeout_ms);
  void serve(SessionServer::Peer peer);
  void add_process(const SessionServer::Peer& peer, const Hello& hello);
  void end_process(uint32_t session_id, ExitStatus exit, uint64_t total_cpu_ns);
  void name_jit_frames(const TargetIdentity& identity);
  void handle_exits();
  void drain_all();
  void end_program();
  void note_unrecorded(int32_t pid, const std::string& command, const std::string& reason);
  void handle_signals();
  bool finished();
  void finish();
  void keep(const Result<void>& result);
  uint32_t session_of_pid(int32_t pid) const;

  const RecordOptions& options_;
  TraceWriter writer_;
  SessionServer server_;
  RecordingTables tables_;
  TimeOrigin origin_;
  Fd epoll_;
  SignalGuard signals_;
  ClockChoice clock_;
  uint64_t nap_ns_ = kMaxNapNs;

  LaunchedProgram program_;
  bool program_ended_ = false;
  bool program_loadable_ = true;
  ExitStatus program_exit_;
  uint64_t program_cpu_ns_ = 0;
  uint64_t ended_at_ns_ = 0;
  bool stop_ = false;
  bool terminated_ = false;

  std::map<uint32_t, Process> processes_;  // by session id
  std::vector<SessionServer::Peer> peers_;
  uint32_t last_session_ = 0;
  uint64_t recorded_ = 0;
  uint64_t forks_ = 0;        // that ended processes made
  uint64_t fork_hellos_ = 0;  // of all processes
  std::string problem_;
};

void Recorder::keep(const Result<void>& result) {
  if (!result.ok() && problem_.empty()) {
    problem_ = "the trace is incomplete: " + result.error().message;
  }
}

void Recorder::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event);
}

void Recorder::begin() {
  if (options_.cpu_hz != 0) {
    clock_ = choose_sample_clock();
    if (options_.posix_timer) {
      clock_.clock = SampleClock::kPosixCpuTimer;
    }
    nap_ns_ = std::min(kMaxNapNs, 1'000'000'000 / options_.cpu_hz * (kRingBytes / 4 / kTypicalSampleBytes));
  }
  utsname system{};
  uname(&system);
  SessionRecord session;
  session.command = options_.command;
  std::error_code error;
  session.working_directory = std::filesystem::current_path(error).string();
  session.host = system.nodename;
  session.kernel = system.release;
  session.version = FLARESTACK_VERSION;
  session.start_realtime_ns = static_cast<int64_t>(clock_now_ns(CLOCK_REALTIME));
  session.clock = static_cast<ClockKind>(clock_.clock);
  session.requested_hz = options_.cpu_hz;
  session.wall_clock = options_.wall_clock;
  writer_.add(session);
  if (clock_.perf_errno != 0) {
    writer_.add(CounterRecord{{}, "perf_event_errno", static_cast<uint64_t>(clock_.perf_errno)});
  }
  watch(server_.descriptor());
}

Result<int> Recorder::start_program(const std::string& agent_path) {
  const LoadVerdict verdict = check_loadable(find_program(options_.command[0]).c_str());
  LaunchOptions launch_options;
  launch_options.command = options_.command;
  launch_options.agent_path = agent_path;
  launch_options.session_value = server_.session_value();
  launch_options.load_agent = program_loadable_ = verdict == LoadVerdict::kLoadable || verdict == LoadVerdict::kNotFound;
  Result<LaunchedProgram> launched = launch(launch_options);
  if (!launched.ok()) {
    return launched.error();
  }
  program_ = std::move(*launched);
  if (!program_loadable_) {
    note_unrecorded(program_.pid, options_.command[0], load_verdict_text(verdict));
  }
  if (program_.pidfd.get() >= 0) {
    watch(program_.pidfd.get());
  }
  return program_.exec_errno;
}

void Recorder::note_unrecorded(int32_t pid, const std::string& command, const std::string& reason) {
  UnrecordedRecord record;
  record.pid = pid;
  const uint32_t parent = session_of_pid(pid) != 0 ? session_of_pid(pid) : session_of_pid(parent_pid(pid));
  if (const auto found = processes_.find(parent); found != processes_.end()) {
    record.parent = found->second.target->identity().id;
  }
  record.command = command;
  record.reason = reason;
  writer_.add(record);
}

uint32_t Recorder::session_of_pid(int32_t pid) const {
  for (const auto& [session_id, process] : processes_) {
    if (process.target->identity().pid == pid) {
      return session_id;
    }
  }
  return 0;
}

void Recorder::handle_events(int timeout_ms) {
  epoll_event events[64];
  const int count = epoll_wait(epoll_.get(), events, 64, timeout_ms);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd == server_.descriptor()) {
      for (SessionServer::Peer peer = server_.accept_peer(); peer.connection; peer = server_.accept_peer()) {
        watch(peer.connection.get());
        peers_.push_back(std::move(peer));
      }
    }
  }
  // Few at a time: each lives for one message.
  std::vector<SessionServer::Peer> waiting;
  for (SessionServer::Peer& peer : peers_) {
    Hello hello{};
    UnrecordedNote note{};
    switch (SessionServer::receive(peer, hello, note)) {
      case SessionServer::Message::kNone:
        waiting.push_back(std::move(peer));
        break;
      case SessionServer::Message::kHello:
        add_process(peer, hello);
        break;
      case SessionServer::Message::kNote:
        note_unrecorded(peer.pid, note.path, load_verdict_text(static_cast<LoadVerdict>(note.reason)));
        break;
      case SessionServer::Message::kClosed:
        break;
    }
  }
  peers_ = std::move(waiting);
}

void Recorder::add_process(const SessionServer::Peer& peer, const Hello& hello) {
  ProcessRecord record;
  uint64_t earlier_cpu_ns = 0;
  if (const uint32_t replaced = session_of_pid(peer.pid); replaced != 0) {
    Process& image = processes_.at(replaced);
    record.parent = image.target->identity().id;
    record.origin = ProcessOrigin::kExec;
    end_process(replaced, {ExitKind::kReplacedByExec, 0}, 0);
    earlier_cpu_ns = image.target->accounted_cpu_ns();
    processes_.erase(replaced);
  } else if (hello.origin == HelloOrigin::kFork) {
    ++fork_hellos_;
    record.origin = ProcessOrigin::kFork;
    if (const auto parent = processes_.find(hello.parent_session_id); parent != processes_.end()) {
      record.parent = parent->second.target->identity().id;
    }
  } else if (peer.pid != program_.pid) {
    record.origin = ProcessOrigin::kExec;
    if (const auto parent = processes_.find(session_of_pid(parent_pid(peer.pid))); parent != processes_.end()) {
      record.parent = parent->second.target->identity().id;
    }
  }
  SessionSettings settings;
  settings.session_id = ++last_session_;
  settings.clock = clock_.clock;
  settings.sample_period_ns = options_.cpu_hz != 0 ? 1'000'000'000 / options_.cpu_hz : 0;
  settings.follow_children = options_.follow_children;
  Result<SessionRegion> region = SessionRegion::create(settings);
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
  if (!region.ok() || pidfd.get() < 0 || stop_) {
    SessionServer::reply(peer, -1);
    note_unrecorded(peer.pid, link_target(fmt::format("/proc/{}/exe", peer.pid)),
                    region.ok() ? "it ended before it could be recorded" : region.error().message);
    return;
  }
  record.id = tables_.next_process();
  record.pid = peer.pid;
  record.executable = link_target(fmt::format("/proc/{}/exe", peer.pid));
  record.arguments = arguments_of(peer.pid);
  record.start_ns = origin_.now();
  if (!SessionServer::reply(peer, region->descriptor())) {
    return;
  }
  region->close_descriptor();
  writer_.add(record);
  ++recorded_;
  Process process;
  process.target = std::make_unique<TargetProcess>(TargetIdentity{record.id, peer.pid, settings.session_id}, std::move(*region),
                                                   tables_, origin_, earlier_cpu_ns);
  watch(pidfd.get());
  process.pidfd = std::move(pidfd);
  processes_.emplace(settings.session_id, std::move(process));
}

void Recorder::end_process(uint32_t session_id, ExitStatus exit, uint64_t total_cpu_ns) {
  TargetProcess& target = *processes_.at(session_id).target;
  target.finish(total_cpu_ns);
  const ProcessId id = target.identity().id;
  const SessionPage& page = target.region().view().page();
  forks_ += page.forks.load(std::memory_order_relaxed) - page.forks_unrecorded.load(std::memory_order_relaxed);
  name_jit_frames(target.identity());
  for (const auto& [name, value] : target.counters()) {
    if (value != 0) {
      writer_.add(CounterRecord{id, name, value});
    }
  }
  ProcessEndRecord record;
  record.id = id;
  record.kind = exit.kind;
  record.code = exit.code;
  record.end_ns = origin_.now();
  record.cpu_ns = target.accounted_cpu_ns();
  writer_.add(record);
}

void Recorder::handle_exits() {
  if (!program_ended_) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(program_.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
      end_program();
    }
  }
  std::vector<uint32_t> ended;
  for (auto& [session_id, process] : processes_) {
    const int32_t pid = process.target->identity().pid;
    if (pid != program_.pid && has_ended(process.pidfd.get())) {
      ended.push_back(session_id);
    }
  }
  for (const uint32_t session_id : ended) {
    Process& process = processes_.at(session_id);
    const int32_t pid = process.target->identity().pid;
    const uint64_t cpu_ns = std::max(process_cpu_ns(pid), process.last_cpu_ns);
    end_process(session_id, exit_of(process.pidfd.get(), pid), cpu_ns);
    processes_.erase(session_id);
  }
}

void Recorder::name_jit_frames(const TargetIdentity& identity) {
  // JIT code is named by a file that the program itself keeps (Linux, tools/perf/Documentation/jit-interface.txt).
  const Result<std::string> text = read_file(fmt::format("/tmp/perf-{}.map", identity.pid));
  if (!text.ok()) {
    return;
  }
  const PerfMap map = PerfMap::parse(*text);
  tables_.name_unknown_frames(identity.id, [&](RuntimeAddress address) {
    const JitFunction* function = map.find(address);
    return function != nullptr ? function->name : std::string();
  });
}

// The launched program is a zombie now: its CPU time can still be read.
void Recorder::end_program() {
  program_ended_ = true;
  ended_at_ns_ = monotonic_now_ns();
  program_cpu_ns_ = process_cpu_ns(program_.pid);
  int wait_status = 0;
  while (waitpid(program_.pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  program_exit_ = exit_from_wait_status(wait_status);
  if (const uint32_t session_id = session_of_pid(program_.pid); session_id != 0) {
    end_process(session_id, program_exit_, program_cpu_ns_);
    processes_.erase(session_id);
  }
}

void Recorder::drain_all() {
  for (auto& [session_id, process] : processes_) {
    process.target->drain();
    process.last_cpu_ns = std::max(process.last_cpu_ns, process_cpu_ns(process.target->identity().pid));
  }
  keep(tables_.flush_window(origin_.now()));
}

void Recorder::handle_signals() {
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) {
    // The terminal sent it to the program as well. Once that has ended, it is for us: stop following its children.
    if (signals_.take(signal) && program_ended_) {
      stop_ = true;
    }
  }
  if (signals_.take(SIGTERM)) {
    if (program_ended_) {
      stop_ = true;
    } else {
      kill(program_.pid, SIGTERM);
    }
  }
  const uint64_t elapsed_ns = static_cast<uint64_t>(origin_.now());
  if (options_.timeout_ns != 0 && !program_ended_ && elapsed_ns > options_.timeout_ns) {
    if (!terminated_) {
      terminated_ = true;
      kill(program_.pid, SIGTERM);
    } else if (elapsed_ns > options_.timeout_ns + kKillAfterNs) {
      kill(program_.pid, SIGKILL);
    }
  }
  if (options_.duration_ns != 0 && elapsed_ns > options_.duration_ns) {
    stop_ = true;
  }
}

bool Recorder::finished() {
  if (stop_ || (program_ended_ && !options_.wait_for_children)) {
    return true;
  }
  if (!program_ended_ || !processes_.empty() || !peers_.empty()) {
    return false;
  }
  // A child that was forked and has not said Hello yet may outlive its parent: it is waited for, a while.
  return forks_ <= fork_hellos_ || monotonic_now_ns() - ended_at_ns_ > kForkGraceNs;
}

void Recorder::finish() {
  while (!processes_.empty()) {
    Process& process = processes_.begin()->second;
    process.target->switch_off();
    end_process(processes_.begin()->first, {ExitKind::kStillRunning, 0}, 0);
    processes_.erase(processes_.begin());
  }
  keep(tables_.flush());
  writer_.add(EndRecord{origin_.now()});
  keep(writer_.flush());
}

RecordOutcome Recorder::run() {
  while (!finished()) {
    handle_events(static_cast<int>(nap_ns_ / 1'000'000) + 1);
    drain_all();
    handle_exits();
    handle_signals();
  }
  finish();
  RecordOutcome outcome;
  outcome.trace_path = trace_path;
  outcome.recorded = recorded_ != 0;
  // A recording that was stopped early still passes the program's own status on.
  while (!program_ended_) {
    handle_signals();
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(program_.pid), &info, WEXITED | WNOWAIT) == 0) {
      end_program();
    }
  }
  outcome.exit_status = program_exit_.kind == ExitKind::kSignaled ? 128 + program_exit_.code : program_exit_.code;
  outcome.problem = problem_;
  return outcome;
}

std::string default_output_path(const RecordOptions& options) {
  return fmt::format("flarestack.{}.{}.flare", std::filesystem::path(options.command[0]).filename().string(), getpid());
}

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
  const Result<std::string> agent_path = find_agent();
  if (!agent_path.ok()) {
    return agent_path.error();
  }
  const std::string path = options.output_path.empty() ? default_output_path(options) : options.output_path;
  Result<TraceWriter> writer = TraceWriter::create(path);
  if (!writer.ok()) {
    return Error{writer.error().message + "; choose another place with -o FILE"};
  }
  Result<SessionServer> server = SessionServer::create();
  if (!server.ok()) {
    return server.error();
  }
  Recorder recorder(options, std::move(*writer), std::move(*server));
  recorder.trace_path = path;
  recorder.begin();
  const Result<int> exec_errno = recorder.start_program(*agent_path);
  if (!exec_errno.ok()) {
    return exec_errno.error();
  }
  if (*exec_errno != 0) {
    unlink(path.c_str());
    RecordOutcome outcome;
    outcome.exit_status = *exec_errno == ENOENT ? 127 : 126;
    outcome.problem = errno_error("run " + options.command[0], *exec_errno).message;
    return outcome;
  }
  return recorder.run();
}

}  // namespace flarestack
