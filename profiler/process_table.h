// SPDX-License-Identifier: Apache-2.0
// ProcessTable: the processes of one recording, from the Hello of their agent to their end. It answers agents, drains
// what they write, and notices when a process ends. Made by the recorder; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "profiler/clock.h"
#include "profiler/doorbell.h"
#include "profiler/mapped_files.h"
#include "profiler/patch_planner.h"
#include "profiler/process_exit.h"
#include "profiler/recording_tables.h"
#include "profiler/session_region.h"
#include "profiler/session_server.h"
#include "profiler/target_process.h"

namespace flarestack {

class ProcessTable {
 public:
  // Borrows the tables and their writer. `settings` are those of every session, but for its id.
  ProcessTable(SessionServer server, SessionSettings settings, RecordingTables& tables, TimeOrigin origin);
  ~ProcessTable();

  // For the environment of the launched program.
  const std::string& session_value() const { return server_.session_value(); }
  // The launched program: a child of this process, whose end its caller tells with end_launched().
  void set_launched(int32_t pid) { launched_pid_ = pid; }
  // A process that ran before: no child of this one.
  // Error: it could not reach this one.
  Result<void> set_attached(int32_t pid);
  const SessionSettings& settings() const { return settings_; }
  // For whoever asks for a look for leaks: an absolute path.
  void set_trace_path(std::string path) { trace_path_ = std::move(path); }

  // Sleeps until an agent asks for something, a process ends, a heap ring is half full or the time is up. Then answers
  // whoever has asked.
  void wait(uint64_t timeout_ns);
  // Whether it is time to drain, whatever the clock says.
  bool bell_rung() const { return bell_rung_; }
  // How long heap rings may go undrained.
  uint64_t heap_nap_ns() const;
  // wait() also ends when this descriptor becomes readable; for as long as it is open.
  void watch(int descriptor);
  // Takes everything out of all rings that is in them now.
  void drain();
  // Into the trace with all that is known, for who reads it meanwhile.
  void write_so_far();
  // When the longest open region of that name began, in any thread; INT64_MAX: none is open.
  int64_t region_open_since(const std::string& name);
  // Where all threads of all processes are, into the trace; they stand still meanwhile.
  void take_final_stacks();
  // To all processes but the launched one.
  void signal_all(int signal);
  // Looks where the threads of all processes sleep.
  void sample_off_cpu();
  // Ends the processes that are gone; the launched one excepted.
  void end_exited();
  // The launched program has ended; call once.
  void end_launched(ExitStatus exit, uint64_t total_cpu_ns);
  // The plan of the inline hooks of a process whose agent asks for them (wire/patch.h); empty: there is nothing to
  // hook, or it is noted why not.
  std::string plan_hooks(int32_t pid, const PatchRequest& request);
  // Notes what has become of it.
  void note_outcome(int32_t pid, const PatchOutcome& outcome);
  // The recording ends while processes run: their agents are switched off, and no new one is answered.
  void end_all();

  // A process that belongs to the run and is not recorded.
  void note_unrecorded(int32_t pid, const std::string& command, const std::string& reason);

  // No process is recorded, and none is asking to be.
  bool empty() const { return processes_.empty() && peers_.empty(); }
  // A child that was forked and has not said Hello yet may outlive its parent.
  bool expects_children() const { return settings_.follow_children && forks_ > fork_hellos_; }
  // A recorded process other than the launched one is not stopped, or one that was forked has not said Hello yet.
  bool others_running() const;
  // At least one process had an agent.
  bool recorded() const { return recorded_; }

 private:
  struct Process {
    std::unique_ptr<TargetProcess> target;
    Fd pidfd;
    MappedFiles files;         // of frames that no module covered
    uint64_t last_cpu_ns = 0;  // when it was last seen alive
    uint32_t patch_requests = 0;
  };

  // Hears out a peer that may have said something; false: it is done with.
  bool attend(SessionServer::Peer& peer);
  // False: refused.
  bool serve(const SessionServer::Peer& peer, const Hello& hello);
  void serve_leak_check(const SessionServer::Peer& peer, const LeakCheckAsk& ask);
  void serve_patches(const SessionServer::Peer& peer, const PatchRequest& request);
  // What of a new process depends on how it came about; ends the image that it replaces. Adds that one's CPU time.
  ProcessRecord describe(const SessionServer::Peer& peer, const Hello& hello, uint64_t& earlier_cpu_ns);
  void inherit_heap(TargetProcess& child, const Hello& hello);
  void forget(uint32_t session_id);
  void end(uint32_t session_id, ExitStatus exit, KernelAccount account);
  void settle_unknown_frames(const TargetProcess& target, MappedFiles& files);
  uint32_t session_of_pid(int32_t pid) const;
  ProcessId id_of_session(uint32_t session_id) const;

  SessionServer server_;
  SessionSettings settings_;
  RecordingTables& tables_;
  TimeOrigin origin_;
  Fd epoll_;
  int32_t launched_pid_ = 0;
  int32_t attached_pid_ = 0;
  std::string trace_path_;

  std::unique_ptr<Doorbell> doorbell_;  // nullptr: there is no descriptor or thread to be had
  bool bell_rung_ = false;
  std::map<uint32_t, Process> processes_;   // by session id
  std::vector<SessionServer::Peer> peers_;  // that may still say what they want
  PatchPlanner planner_;
  uint64_t forks_ = 0;        // that ended processes made
  uint64_t fork_hellos_ = 0;  // of all processes
  bool recorded_ = false;
};

}  // namespace flarestack
