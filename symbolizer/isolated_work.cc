// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/isolated_work.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLookEvery{10};
constexpr uint64_t kMaxAnswerBytes = 1U << 30;
// Of a parent that has more, a child is not kept: each page that the parent changes would be copied for it.
constexpr uint64_t kMostToShare = 64U << 20;
// A file may be as long as it likes where nothing is written in it.
constexpr uint64_t kMaxMappedBytes = uint64_t{8} << 30;

// Before each answer; the text of an answer that is not good is an error.
struct AnswerHead {
  uint64_t good = 0;
  uint64_t size_bytes = 0;
};

bool receive_all(int socket, void* bytes, size_t size_bytes) {
  char* at = static_cast<char*>(bytes);
  while (size_bytes > 0) {
    const ssize_t got = ::recv(socket, at, size_bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size_bytes -= static_cast<size_t>(got);
  }
  return true;
}

bool send_all(int socket, const void* bytes, size_t size_bytes) {
  const char* at = static_cast<const char*>(bytes);
  while (size_bytes > 0) {
    const ssize_t sent = ::send(socket, at, size_bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size_bytes -= static_cast<size_t>(sent);
  }
  return true;
}

std::string answer_to(const IsolatedWork& work, std::string_view request, AnswerHead& head) {
  std::string answer;
  try {
    answer = work(request);
    head.good = 1;
  } catch (const std::bad_alloc&) {
    answer = "needed more memory than there is";
  } catch (const std::exception& error) {
    answer = fmt::format("failed: {}", error.what());
  }
  head.size_bytes = answer.size();
  return answer;
}

// The child: takes a request, gives the answer, until the parent hangs up.
[[noreturn]] void serve(int socket, pid_t parent, const IsolatedWork& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const rlimit no_core{1, 1};  // 0 does not keep core dumps from a program that the kernel hands them to
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) ::signal(fatal, SIG_DFL);
  if (const Result<Fd> file = open_file("/proc/self/oom_score_adj", O_WRONLY); file.ok()) {
    static_cast<void>(write_all(file->get(), "1000", "oom_score_adj"));  // where memory runs out, it is us
  }
  for (uint64_t size_bytes = 0; receive_all(socket, &size_bytes, sizeof size_bytes);) {
    std::string request(size_bytes, '\0');
    if (!receive_all(socket, request.data(), request.size())) break;
    AnswerHead head;
    const std::string answer = answer_to(work, request, head);
    if (!send_all(socket, &head, sizeof head) || !send_all(socket, answer.data(), answer.size())) break;
  }
  ::_exit(0);
}

// In memory that no file is behind; 0: it cannot be told.
uint64_t anonymous_bytes(pid_t process) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/statm", process));
  unsigned long long resident = 0;
  unsigned long long of_files = 0;
  if (!text.ok() || std::sscanf(text->c_str(), "%*u %llu %llu", &resident, &of_files) != 2 || of_files > resident) {
    return 0;
  }
  return (resident - of_files) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t mapped_file_bytes(pid_t process) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/maps", process));
  std::istringstream lines(text.ok() ? *text : std::string());
  uint64_t total = 0;
  for (std::string line; std::getline(lines, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %*s %*x %*s %llu", &begin, &end, &inode) == 3 && inode != 0) {
      total += end - begin;
    }
  }
  return std::min(total, kMaxMappedBytes);
}

milliseconds cpu_time(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return milliseconds(0);
  return milliseconds(int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000);
}

std::string seconds(milliseconds time) { return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000); }

std::string end_sentence(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = ::sigabbrev_np(signal);
  std::string text = fmt::format("was ended by SIG{}", name == nullptr ? std::to_string(signal) : name);
  if (signal != SIGKILL && signal != SIGTERM) text += ": the file is damaged";
  return text;
}

}  // namespace

// A child, and the piece it is at.
class IsolatedWorkers::Worker {
 public:
  Worker(Fd socket, pid_t process) : socket_(std::move(socket)), process_(process) {}
  Worker(Worker&& other) noexcept = delete;
  ~Worker() {
    if (process_ > 0) static_cast<void>(end());
  }

  int socket() const { return socket_.get(); }
  std::optional<size_t> piece() const { return piece_; }
  bool is_fresh() const { return pieces_done_ == 0; }  // no other piece can be what broke it

  void give(size_t piece, std::string_view request) {
    piece_ = piece;
    received_.clear();
    began_ = looked_ = Clock::now();
    cpu_before_ = cpu_time(process_);
    memory_before_ = anonymous_bytes(process_);
    const uint64_t size_bytes = request.size();  // who is gone is noticed when its end is read
    send_all(socket_.get(), &size_bytes, sizeof size_bytes) && send_all(socket_.get(), request.data(), request.size());
  }

  // Reads what has come. False: there is nothing more to come.
  bool receive() {
    char bytes[1 << 16];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) received_.append(bytes, static_cast<size_t>(got));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }
  // The answer, once it is complete; the worker is free then.
  std::optional<Result<std::string>> take_answer() {
    AnswerHead head;
    if (!piece_ || received_.size() < sizeof head) return std::nullopt;
    std::memcpy(&head, received_.data(), sizeof head);
    if (head.size_bytes > kMaxAnswerBytes) return Error{"gave more than there can be"};
    if (received_.size() - sizeof head < head.size_bytes) return std::nullopt;
    std::string answer = received_.substr(sizeof head, head.size_bytes);
    piece_.reset();
    ++pieces_done_;
    return head.good == 1 ? Result<std::string>(std::move(answer)) : Result<std::string>(Error{std::move(answer)});
  }
  // What its piece takes too much of; empty: nothing that is known of.
  std::string excess(const WorkLimits& limits) {
    if (Clock::now() - looked_ < kLookEvery) return {};
    looked_ = Clock::now();
    if (excess(limits, 0).empty()) return {};
    const uint64_t inherited_bytes = mapped_file_bytes(::getpid());
    return excess(limits, std::max(mapped_file_bytes(process_), inherited_bytes) - inherited_bytes);
  }
  // Its status.
  int end() {
    ::kill(process_, SIGKILL);  // does nothing to one that is ending already
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
    return status;
  }

 private:
  std::string excess(const WorkLimits& limits, uint64_t mapped_bytes) const {
    const milliseconds most_cpu =
        limits.cpu_time + limits.cpu_time_per_mapped_mib * static_cast<int64_t>(mapped_bytes >> 20);
    const uint64_t machine =
        static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    const uint64_t most_memory =
        std::min(limits.memory_bytes + limits.memory_per_mapped_byte * mapped_bytes, machine / 2);
    if (cpu_time(process_) - cpu_before_ > most_cpu) return fmt::format("took more than {}", seconds(most_cpu));
    if (Clock::now() - began_ > std::max(limits.wall_time, most_cpu)) {
      return fmt::format("was not done after {}", seconds(std::max(limits.wall_time, most_cpu)));
    }
    if (anonymous_bytes(process_) > memory_before_ + most_memory) {
      return fmt::format("needed more than {} MiB", most_memory >> 20);
    }
    return {};
  }

  Fd socket_;
  pid_t process_ = 0;
  std::optional<size_t> piece_;
  size_t pieces_done_ = 0;
  std::string received_;
  Clock::time_point began_;
  Clock::time_point looked_;
  milliseconds cpu_before_{0};
  uint64_t memory_before_ = 0;
};

// One run of requests.
struct IsolatedWorkers::Run {
  std::span<const std::string> requests;
  std::deque<size_t> waiting;
  std::vector<Result<std::string>> results;

  size_t take() {
    const size_t piece = waiting.front();
    waiting.pop_front();
    return piece;
  }
};

IsolatedWorkers::IsolatedWorkers(unsigned processes, const WorkLimits& limits, IsolatedWork work)
    : processes_(std::max(processes, 1U)), limits_(limits), work_(std::move(work)) {}

IsolatedWorkers::~IsolatedWorkers() = default;

std::vector<Result<std::string>> IsolatedWorkers::run(std::span<const std::string> requests) {
  Run run{requests, {}, std::vector<Result<std::string>>(requests.size(), Error{"was not done"})};
  for (size_t i = 0; i < requests.size(); ++i) run.waiting.push_back(i);
  for (;;) {
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (!worker->piece() && !run.waiting.empty()) {
        const size_t piece = run.take();
        worker->give(piece, requests[piece]);
      }
    }
    while (!run.waiting.empty() && workers_.size() < processes_ && start(run)) {
    }
    std::vector<pollfd> sockets;
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (worker->piece()) sockets.push_back({worker->socket(), POLLIN, 0});
    }
    if (sockets.empty() && run.waiting.empty()) break;
    ::poll(sockets.data(), sockets.size(), static_cast<int>(kLookEvery.count()));
    std::erase_if(workers_,
                  [&](const std::unique_ptr<Worker>& worker) { return worker->piece() && !attend(*worker, run); });
  }
  if (anonymous_bytes(::getpid()) > kMostToShare) workers_.clear();
  return std::move(run.results);
}

bool IsolatedWorkers::start(Run& run) {
  int ends[2];
  const bool has_sockets = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
  Fd ours(has_sockets ? ends[0] : -1);
  Fd theirs(has_sockets ? ends[1] : -1);
  const pid_t parent = ::getpid();
  const pid_t process = has_sockets ? ::fork() : -1;
  if (process == 0) {
    ours.reset();
    serve(theirs.get(), parent, work_);
  }
  if (process < 0) {
    const Error error = errno_error("needs a process");
    if (workers_.empty()) run.results[run.take()] = error;
    return false;
  }
  const size_t piece = run.take();
  workers_.push_back(std::make_unique<Worker>(std::move(ours), process));
  workers_.back()->give(piece, run.requests[piece]);
  return true;
}

// False: the worker is of no use any more.
bool IsolatedWorkers::attend(Worker& worker, Run& run) {
  const size_t piece = *worker.piece();
  const bool is_there = worker.receive();
  if (std::optional<Result<std::string>> answer = worker.take_answer()) {
    run.results[piece] = std::move(*answer);
    return !worker.piece();
  }
  if (!is_there) {
    const int status = worker.end();
    if (worker.is_fresh()) {
      run.results[piece] = Error{end_sentence(status)};
    } else {
      run.waiting.push_front(piece);  // an earlier piece may have left its memory in disorder
    }
    return false;
  }
  if (std::string excess = worker.excess(limits_); !excess.empty()) {
    run.results[piece] = Error{std::move(excess)};
    return false;
  }
  return true;
}

Result<std::string> run_isolated(const WorkLimits& limits, const std::function<std::string()>& work) {
  const std::string request;
  return std::move(IsolatedWorkers(1, limits, [&](std::string_view) { return work(); }).run({&request, 1}).front());
}

}  // namespace flarestack
