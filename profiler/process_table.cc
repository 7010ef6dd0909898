// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_table.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "profiler/jit_names.h"
#include "wire/loadable.h"

namespace flarestack {
namespace {

constexpr uint64_t kSilenceNs = 5'000'000'000;  // a peer that says nothing for so long is no agent

std::string executable_of(int32_t pid) {
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error).string();
  return !path.empty() ? path : "[unknown]";
}

// Whether the process behind a pidfd has ended.
bool has_ended(int pidfd) {
  pollfd poll_state{pidfd, POLLIN, 0};
  return poll(&poll_state, 1, 0) > 0;
}

}  // namespace

ProcessTable::ProcessTable(SessionServer server, SessionSettings settings, RecordingTables& tables, TimeOrigin origin)
    : server_(std::move(server)),
      settings_(settings),
      tables_(tables),
      origin_(origin),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  watch(server_.descriptor());
  if (Result<std::unique_ptr<Doorbell>> doorbell = Doorbell::create(); doorbell.ok()) {
    doorbell_ = std::move(*doorbell);
    watch(doorbell_->descriptor());
  }
}

ProcessTable::~ProcessTable() {
  while (!processes_.empty()) {
    forget(processes_.begin()->first);
  }
}

Result<void> ProcessTable::set_attached(int32_t pid) {
  attached_pid_ = pid;
  const Result<int> listener = server_.listen_for(pid);
  if (!listener.ok()) {
    return listener.error();
  }
  if (*listener >= 0) {
    watch(*listener);
  }
  return {};
}

void ProcessTable::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event);
}

void ProcessTable::wait(uint64_t timeout_ns) {
  std::array<epoll_event, 64> events;
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                         static_cast<long>(timeout_ns % 1'000'000'000)};
  const auto room = static_cast<int>(events.size());
  if (epoll_pwait2(epoll_.get(), events.data(), room, &timeout, nullptr) < 0 && errno == ENOSYS) {  // before Linux 5.11
    epoll_wait(epoll_.get(), events.data(), room, static_cast<int>((timeout_ns + 999'999) / 1'000'000));
  }
  if (doorbell_ != nullptr) {
    pollfd bell{doorbell_->descriptor(), POLLIN, 0};
    bell_rung_ = poll(&bell, 1, 0) > 0;
  }
  for (SessionServer::Peer peer = server_.accept_peer(); peer.connection; peer = server_.accept_peer()) {
    watch(peer.connection.get());
    peers_.push_back(std::move(peer));
  }
  // Few at a time: each lives for a few messages.
  std::vector<SessionServer::Peer> staying;
  for (SessionServer::Peer& peer : peers_) {
    if (attend(peer)) {
      staying.push_back(std::move(peer));
    }
  }
  peers_ = std::move(staying);
}

bool ProcessTable::attend(SessionServer::Peer& peer) {
  SessionServer::Received received;
  const SessionServer::Message message = server_.receive(peer, received);
  if (message == SessionServer::Message::kNone) {
    return monotonic_now_ns() - peer.since_monotonic_ns < kSilenceNs;
  }
  peer.since_monotonic_ns = monotonic_now_ns();
  switch (message) {
    case SessionServer::Message::kHello:
      return serve(peer, received.hello);  // it may go on to ask for hooks
    case SessionServer::Message::kNote:
      note_unrecorded(peer.pid, received.note.path, load_verdict_text(static_cast<LoadVerdict>(received.note.reason)));
      return false;
    case SessionServer::Message::kPatchRequest:
      serve_patches(peer, received.patch_request);
      return true;  // it says how it went
    case SessionServer::Message::kPatchOutcome:
      note_outcome(peer.pid, received.patch_outcome);
      return false;
    case SessionServer::Message::kLeakCheckAsk:
      serve_leak_check(peer, received.leak_check_ask);
      return false;
    default:
      return false;
  }
}

uint32_t ProcessTable::session_of_pid(int32_t pid) const {
  for (const auto& [session_id, process] : processes_) {
    if (process.target->identity().pid == pid) {
      return session_id;
    }
  }
  return 0;
}

bool ProcessTable::others_running() const {
  uint64_t forks = forks_;
  for (const auto& [session_id, process] : processes_) {
    const int32_t pid = process.target->identity().pid;
    if (pid != launched_pid_ && !process_stopped(pid)) {
      return true;
    }
    const SessionPage& page = process.target->region().view().page();
    forks += page.forks.load(std::memory_order_relaxed) - page.forks_unrecorded.load(std::memory_order_relaxed);
  }
  return !peers_.empty() || (settings_.follow_children && forks > fork_hellos_);
}

ProcessId ProcessTable::id_of_session(uint32_t session_id) const {
  const auto found = processes_.find(session_id);
  return found != processes_.end() ? found->second.target->identity().id : ProcessId{};
}

void ProcessTable::note_unrecorded(int32_t pid, const std::string& command, const std::string& reason) {
  UnrecordedRecord record;
  record.pid = pid;
  const uint32_t own = session_of_pid(pid);
  record.parent = id_of_session(own != 0 ? own : session_of_pid(parent_pid(pid)));
  record.command = command;
  record.reason = reason;
  tables_.writer().add(record);
}

ProcessRecord ProcessTable::describe(const SessionServer::Peer& peer, const Hello& hello, uint64_t& earlier_cpu_ns) {
  ProcessRecord record;
  record.pid = peer.pid;
  if (const uint32_t replaced = session_of_pid(peer.pid); replaced != 0) {
    record.parent = id_of_session(replaced);
    record.origin = ProcessOrigin::kExec;
    // The kernel's account goes on across an exec: what it has beyond the samples is the next image's.
    end(replaced, {ExitKind::kReplacedByExec, 0}, {});
    earlier_cpu_ns = processes_.at(replaced).target->accounted_cpu_ns();
    forget(replaced);
  } else if (hello.origin == HelloOrigin::kFork) {
    ++fork_hellos_;
    record.origin = ProcessOrigin::kFork;
    record.parent = id_of_session(hello.parent_session_id);
  } else if (hello.origin == HelloOrigin::kAttach) {
    record.origin = ProcessOrigin::kAttach;
    earlier_cpu_ns = process_cpu_ns(peer.pid);
  } else if (peer.pid != launched_pid_) {
    record.origin = ProcessOrigin::kExec;
    record.parent = id_of_session(session_of_pid(parent_pid(peer.pid)));
  }
  record.executable = executable_of(peer.pid);
  record.arguments = arguments_of(peer.pid);
  record.start_ns = origin_.now();
  return record;
}

bool ProcessTable::serve(const SessionServer::Peer& peer, const Hello& hello) {
  if (!settings_.follow_children && peer.pid != launched_pid_ && peer.pid != attached_pid_) {
    SessionServer::reply(peer, -1);  // asked for with --no-children, so not a process that is missing
    return false;
  }
  uint64_t earlier_cpu_ns = 0;
  ProcessRecord record = describe(peer, hello, earlier_cpu_ns);
  ++settings_.session_id;
  Result<SessionRegion> region = SessionRegion::create(settings_);
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
  if (!region.ok() || !pidfd) {
    SessionServer::reply(peer, -1);
    note_unrecorded(peer.pid, record.executable,
                    region.ok() ? "it ended before it could be recorded" : region.error().message);
    return false;
  }
  if (!SessionServer::reply(peer, region->descriptor())) {
    note_unrecorded(peer.pid, record.executable, "it gave up waiting for the recorder, or ended");
    return false;
  }
  region->close_descriptor();
  record.id = tables_.next_process();
  tables_.writer().add(record);
  recorded_ = true;
  Process process;
  process.target = std::make_unique<TargetProcess>(
      TargetIdentity{record.id, peer.pid, settings_.session_id, hello.origin == HelloOrigin::kAttach},
      std::move(*region), tables_, origin_, earlier_cpu_ns);
  if (hello.origin == HelloOrigin::kFork && hello.fork_number != 0) {
    inherit_heap(*process.target, hello);
  }
  if (doorbell_ != nullptr) {
    doorbell_->add(&process.target->region().view().page().doorbell);
  }
  watch(pidfd.get());
  process.pidfd = std::move(pidfd);
  processes_.emplace(settings_.session_id, std::move(process));
  return true;
}

void ProcessTable::drain() {
  if (doorbell_ != nullptr) {
    doorbell_->answer();  // before: what comes from now on rings again
  }
  bell_rung_ = false;
  StoppedProcess::let_stragglers_go();
  for (auto& [session_id, process] : processes_) {
    const size_t unknown_before = tables_.unknown_frames();
    process.target->drain();
    if (process.target->leak_check_asked()) {
      process.target->check_leaks_at_end();
    }
    if (tables_.unknown_frames() != unknown_before) {
      process.files.look(process.target->identity().pid, monotonic_now_ns());
      if (process.files.jit_dump() >= 0) {
        process.target->expect_code_changes();
      }
    }
    process.last_cpu_ns = std::max(process.last_cpu_ns, process_cpu_ns(process.target->identity().pid));
  }
}

void ProcessTable::sample_off_cpu() {
  for (auto& [session_id, process] : processes_) {
    process.target->sample_off_cpu();
  }
}

void ProcessTable::end_exited() {
  std::vector<uint32_t> ended;
  for (const auto& [session_id, process] : processes_) {
    if (process.target->identity().pid != launched_pid_ && has_ended(process.pidfd.get())) {
      ended.push_back(session_id);
    }
  }
  for (const uint32_t session_id : ended) {
    const Process& process = processes_.at(session_id);
    const int32_t pid = process.target->identity().pid;
    const KernelAccount account{process_cpu_ns(pid), process.last_cpu_ns};
    end(session_id, exit_of(process.pidfd.get(), pid), account);
    forget(session_id);
  }
}

void ProcessTable::end_launched(ExitStatus exit, uint64_t total_cpu_ns) {
  if (const uint32_t session_id = session_of_pid(launched_pid_); session_id != 0) {
    end(session_id, exit, {total_cpu_ns, processes_.at(session_id).last_cpu_ns});
    forget(session_id);
  }
}

void ProcessTable::end_all() {
  server_.close();
  peers_.clear();
  for (const auto& [session_id, process] : processes_) {
    if (settings_.leak_check && process.target->can_check_leaks()) {
      process.target->check_leaks_now(LeakCheckCause::kDetach);
    }
    process.target->switch_off();
    end(session_id, {ExitKind::kStillRunning, 0},
        {process_cpu_ns(process.target->identity().pid), process.last_cpu_ns});
  }
  while (!processes_.empty()) {
    forget(processes_.begin()->first);
  }
}

void ProcessTable::end(uint32_t session_id, ExitStatus exit, KernelAccount account) {
  TargetProcess& target = *processes_.at(session_id).target;
  target.finish(account);
  const ProcessId id = target.identity().id;
  const SessionPage& page = target.region().view().page();
  forks_ += page.forks.load(std::memory_order_relaxed) - page.forks_unrecorded.load(std::memory_order_relaxed);
  settle_unknown_frames(target, processes_.at(session_id).files);
  if (const uint64_t lost = page.forks_unrecorded.load(std::memory_order_relaxed); lost != 0) {
    tables_.writer().add(UnrecordedRecord{
        0, id, fmt::format("{} forked {} of process {}", lost, lost == 1 ? "child" : "children", target.identity().pid),
        "it could not reach the recorder: no free descriptor, no memory, or a seccomp filter"});
  }
  tables_.end_process({id, exit.kind, exit.code, origin_.now(), target.image_cpu_ns()}, target.counters());
}

void ProcessTable::settle_unknown_frames(const TargetProcess& target, MappedFiles& files) {
  const ProcessId id = target.identity().id;
  tables_.locate_unknown_frames(id, [&](RuntimeAddress address) {
    const std::optional<MappedFiles::Place> place = files.find(address);
    return place ? RecordingTables::Place{tables_.module_by_build_id(place->path, place->build_id), place->offset}
                 : RecordingTables::Place{};
  });
  const JitNames names = JitNames::read(files.jit_dump(), target.own_pid());
  tables_.name_unknown_frames(id, [&](std::span<const RecordingTables::UnknownFrame> frames) {
    std::vector<JitQuery> queries;
    for (const RecordingTables::UnknownFrame& frame : frames) {
      queries.push_back({frame.lookup, origin_.monotonic_ns + static_cast<uint64_t>(frame.time_ns)});
    }
    return names.resolve(queries);
  });
}

}  // namespace flarestack
