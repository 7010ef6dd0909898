// SPDX-License-Identifier: Apache-2.0
// What is launched has one thread, and between its exec and its first instruction nothing of it can be disturbed: a
// breakpoint at its entry point is possible, which an attach must not use, and no thread has to be stopped besides.
// A static program has no thread pointer yet, which all that the agent does is keyed by: it is lent one.
#include "profiler/launch_entry.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/attach_check.h"
#include "profiler/attach_threads.h"
#include "profiler/elf_layout.h"
#include "profiler/namespace_tids.h"
#include "profiler/process_facts.h"
#include "profiler/process_maps.h"
#include "profiler/program_file.h"
#include "profiler/thread_priority.h"

namespace flarestack {
namespace {

using Stop = TracedThread::Stop;

constexpr uint64_t kForEverNs = uint64_t{3600} * 1'000'000'000;
constexpr uint64_t kPageBytes = 4096;
constexpr uint8_t kBreakpoint = 0xcc;

// Lets the thread run until it stops so; signals are delivered as ever. False: it has ended.
bool run_to(TracedThread& thread, Stop kind) {
  for (;;) {
    const TracedThread::Event event = thread.wait(kForEverNs);
    if (event.kind == kind && (kind != Stop::kSignal || event.signal == SIGTRAP)) {
      return true;
    }
    if (event.kind == Stop::kGone || event.kind == Stop::kNone) {
      return false;
    }
    thread.resume(event.kind == Stop::kJobControl ? PTRACE_LISTEN : PTRACE_CONT, event.signal);
  }
}

// From another kind of stop to the one in which a thread can be given other registers.
bool settle(TracedThread& thread) {
  thread.interrupt();
  thread.resume(PTRACE_CONT, 0);
  return run_to(thread, Stop::kEvent);
}

// A program with a loader: runs that, up to the program's entry point.
Result<void> run_loader(TracedThread& thread, int32_t pid, uint64_t entry) {
  const Error gone{"it ended before it could be entered"};
  const Result<Fd> memory = open_file(fmt::format("/proc/{}/mem", pid), O_RDWR);
  uint8_t original = 0;
  const auto at = static_cast<off_t>(entry);
  if (!memory.ok() || pread(memory->get(), &original, 1, at) != 1 || pwrite(memory->get(), &kBreakpoint, 1, at) != 1) {
    return Error{"its entry point cannot be written"};
  }
  thread.resume(PTRACE_CONT, 0);
  user_regs_struct registers{};
  do {
    if (!run_to(thread, Stop::kSignal) || !thread.registers(registers)) {
      return gone;
    }
    if (registers.rip != entry + 1) {
      thread.resume(PTRACE_CONT, SIGTRAP);  // somebody else's
    }
  } while (registers.rip != entry + 1);
  if (pwrite(memory->get(), &original, 1, at) != 1) {
    kill(pid, SIGKILL);  // it cannot go on
    return gone;
  }
  registers.rip = entry;
  thread.set_registers(registers);
  return settle(thread) ? Result<void>{} : gone;
}

std::string text_of(AttachResult result) {
  switch (result) {
    case AttachResult::kNoSession:
      return "it could not reach the recorder";
    case AttachResult::kNoMemory:
      return load_verdict_text(LoadVerdict::kNoRoom);
    case AttachResult::kGo:
      return kGoProgram;
    default:
      return fmt::format("the agent could not begin there ({})", static_cast<uint32_t>(result));
  }
}

bool is_for_entry(LoadVerdict verdict) { return verdict == LoadVerdict::kStatic || verdict == LoadVerdict::kOtherLibc; }

// What the thread that traces has the caller's do: one thing at a time.
class Errands {
 public:
  template <typename Errand>
  auto send(Errand errand) {
    auto task = std::make_shared<std::packaged_task<decltype(errand())()>>(std::move(errand));
    auto result = task->get_future();
    errand_ = [task] { (*task)(); };
    is_waiting_.store(true, std::memory_order_release);
    return result.get();
  }
  void run() {
    if (is_waiting_.exchange(false, std::memory_order_acquire)) {
      std::exchange(errand_, {})();  // taken out: the next one may be put there as soon as this one has its result
    }
  }

 private:
  std::function<void()> errand_;
  std::atomic<bool> is_waiting_{false};
};

AttachOptions options_for(const LaunchEntryOptions& launch, int32_t pid) {
  AttachOptions options = launch.attach;
  options.pid = pid;
  return options;
}

class Entry {
 public:
  Entry(const LaunchEntryOptions& launch, int32_t pid, Errands& errands)
      : launch_(launch), pid_(pid), errands_(errands), agent_(options_for(launch, pid)) {}

  Result<void> enter(TracedThread traced);

 private:
  Result<void> lend_thread_pointer(RemoteThread& thread);
  Result<void> map_hooks(RemoteThread& thread);
  void describe_thread(RemoteThread& thread);

  const LaunchEntryOptions& launch_;
  int32_t pid_;
  Errands& errands_;
  RemoteAgent agent_;
};

// Whose first word is its own address; what the program reads around it is zero.
Result<void> Entry::lend_thread_pointer(RemoteThread& thread) {
  const Result<uint64_t> page = map_memory(thread, 0, kPageBytes);
  if (!page.ok()) {
    return page.error();
  }
  const uint64_t pointer = *page + kPageBytes / 2;
  if (!thread.write(pointer, &pointer, sizeof(pointer))) {
    return Error{"its memory cannot be written"};
  }
  thread.set_thread_pointer(pointer);
  return {};
}

void Entry::describe_thread(RemoteThread& thread) {
  StoppedProcess::ThreadState state;
  state.stack_pointer = thread.registers().rsp;
  state.thread_pointer = thread.registers().fs_base;
  const Result<ProcessMaps> maps = ProcessMaps::read(pid_);
  const StackBounds stack = maps.ok() ? stack_of(*maps, state, main_stack_bytes_of(pid_)) : StackBounds{};
  agent_.request().threads[0] = {NamespaceTids(pid_).own(pid_),
                                 thread.open_signal(agent_.options().sample_signal) ? 1U : 0U,
                                 state.thread_pointer,
                                 state.stack_pointer,
                                 stack.low,
                                 stack.high};
  agent_.request().thread_count = 1;
}

// Error as well: the agent has not done what was asked of it.
Result<void> checked(const Result<AttachResult>& result) {
  if (!result.ok()) {
    return result.error();
  }
  return *result == AttachResult::kDone ? Result<void>{} : Error{text_of(*result)};
}

Result<void> Entry::map_hooks(RemoteThread& thread) {
  const std::string plan = errands_.send([&] { return launch_.plan(pid_, agent_.request().hooks); });
  if (plan.empty()) {
    return {};
  }
  const Result<void> done = checked(agent_.map_hooks(thread, plan));
  const int error = agent_.request().outcome.error_number;
  return done.ok() && error != 0 ? errno_error("there was no memory for its hooks", error) : done;
}

Result<void> Entry::enter(TracedThread traced) {
  Result<RemoteThread> thread = RemoteThread::hold(pid_, std::move(traced));
  if (!thread.ok()) {
    return thread.error();
  }
  Result<void> done = agent_.look();
  if (done.ok()) {
    done = agent_.enter_memory(*thread);
  }
  if (!done.ok()) {
    return done;
  }
  agent_.request().program = program_of(pid_);
  agent_.request().program.is_starting = 1;
  const bool has_thread_pointer = thread->registers().fs_base != 0;
  done = has_thread_pointer ? Result<void>{} : lend_thread_pointer(*thread);
  if (done.ok()) {
    done = checked(agent_.call(*thread, AttachStep::kPrepare));
  }
  if (done.ok()) {
    done = map_hooks(*thread);
  }
  if (done.ok()) {
    describe_thread(*thread);
    done = checked(agent_.call(*thread, AttachStep::kEnter));
  }
  if (!done.ok() && !has_thread_pointer) {
    thread->set_thread_pointer(0);
  }
  agent_.leave_memory(*thread);
  thread->let_go();
  return done;
}

// From before the exec until the agent is there; empty: it is.
std::string follow(const LaunchEntryOptions& options, int32_t pid, Errands& errands, TracedThread thread) {
  if (!run_to(thread, Stop::kExec) || !settle(thread)) {
    return "it ended before it could be entered";
  }
  const ProcessFacts facts = gather_process_facts(pid);
  if (!facts.interpreter.empty()) {
    if (facts.interpreter.find("/ld-musl-") == std::string::npos) {
      return fmt::format("its loader is {}, which is not known", facts.interpreter);
    }
    if (const Result<void> done = run_loader(thread, pid, entry_of(pid)); !done.ok()) {
      return done.error().message;
    }
  }
  const Result<void> entered = Entry(options, pid, errands).enter(std::move(thread));
  return entered.ok() ? std::string() : entered.error().message;
}

}  // namespace

std::string launched_without_agent(const std::string& program) {
  const std::string path = find_program(program);
  const LoadVerdict verdict = check_loadable(path.c_str());
  if (verdict == LoadVerdict::kLoadable || verdict == LoadVerdict::kNotFound || verdict == LoadVerdict::kSetuid) {
    return {};
  }
  if (!is_for_entry(verdict)) {
    return load_verdict_text(verdict);
  }
  const Result<Fd> file = open_file(path, O_RDONLY);
  return file.ok() && ElfLayout::read(file->get()).is_go ? kGoProgram : std::string();
}

Result<EnteredProgram> launch_and_enter(LaunchEntryOptions options) {
  LaunchOptions& launch_options = options.launch;
  const LoadVerdict verdict = check_loadable(find_program(launch_options.command[0]).c_str());
  const std::string no_agent_reason = launched_without_agent(launch_options.command[0]);
  const bool is_entered = no_agent_reason.empty() && is_for_entry(verdict);
  launch_options.load_agent = verdict == LoadVerdict::kLoadable || verdict == LoadVerdict::kNotFound;
  std::promise<void> traced;
  std::atomic<bool> done{!is_entered};
  std::string problem;
  bool is_sampled = false;
  Errands errands;
  std::thread tracer;
  launch_options.before_exec = [&](int32_t pid) {
    options.on_launched(pid);
    if (!no_agent_reason.empty()) {
      is_sampled =
          options.go_without_agent && options.go_without_agent(pid, PerfRings::Start::kAtExec, no_agent_reason);
    }
    if (!is_entered) {
      return;
    }
    tracer = std::thread([&, pid] {
      Result<TracedThread> thread = TracedThread::seize_launched(pid);
      traced.set_value();
      problem = thread.ok() ? follow(options, pid, errands, std::move(*thread)) : thread.error().message;
      done.store(true, std::memory_order_release);
    });
    traced.get_future().wait();
  };
  Result<LaunchedProgram> launched = launch(launch_options);
  RaisedPriority priority;  // the program waits for each answer
  if (const auto before = RaisedPriority::look(0); before && is_entered) {
    priority.raise(gettid(), *before, 1);
  }
  while (tracer.joinable() && !done.load(std::memory_order_acquire)) {
    options.answer();
    errands.run();
  }
  if (tracer.joinable()) {
    tracer.join();
  }
  priority.restore();
  if (!launched.ok()) {
    return launched.error();
  }
  EnteredProgram entered{std::move(*launched), {}};
  if (is_entered && !problem.empty() && options.go_without_agent && entered.program.exec_errno == 0) {
    is_sampled = options.go_without_agent(entered.program.pid, PerfRings::Start::kNow, problem);
  }
  if (!launch_options.load_agent && !is_sampled && !(is_entered && problem.empty())) {
    entered.unrecorded = load_verdict_text(verdict) + (problem.empty() ? problem : ": " + problem);
  }
  return entered;
}

}  // namespace flarestack
