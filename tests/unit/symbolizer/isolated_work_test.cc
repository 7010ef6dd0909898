// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/isolated_work.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/unit/symbolizer/fixture.h"

namespace flarestack {
namespace {

using std::chrono::milliseconds;

WorkLimits tight() {
  WorkLimits limits;
  limits.cpu_time = milliseconds(200);
  limits.cpu_time_per_mapped_mib = milliseconds(0);
  limits.wall_time = milliseconds(30'000);
  limits.memory_bytes = 64U << 20;
  limits.memory_per_mapped_byte = 0;
  return limits;
}

// Used up so that no compiler leaves it out.
volatile uint64_t sink = 0;

[[noreturn]] void loop() {
  for (;;) sink = sink + 1;
}

void fill(size_t bytes) {
  auto* memory = static_cast<char*>(std::malloc(bytes));
  if (memory == nullptr) return;
  std::memset(memory, 1, bytes);
  sink = sink + static_cast<uint64_t>(memory[bytes / 2]);
}

std::string behave(std::string_view request) {
  if (request == "crash") ::raise(SIGSEGV);
  if (request == "abort") std::abort();
  if (request == "exit") ::_exit(7);
  if (request == "loop") loop();
  if (request == "sleep") ::sleep(100);
  if (request == "throw") throw std::runtime_error("no such thing");
  if (request == "allocate") {
    for (;;) fill(4U << 20);
  }
  if (request == "long") return std::string(100U << 20, 'x');
  return "did " + std::string(request);
}

std::string error_of(const std::string& request, const WorkLimits& limits = tight()) {
  IsolatedWorkers workers(1, limits, behave);
  const std::vector<Result<std::string>> results = workers.run({&request, 1});
  REQUIRE(results.size() == 1);
  REQUIRE_FALSE(results[0].ok());
  return results[0].error().message;
}

bool has_children() {
  const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  const Result<std::string> text = read_file(path);
  return text.ok() && !text->empty();
}

TEST_CASE("what becomes of isolated work is said in a few words") {
  CHECK(error_of("crash") == "was ended by SIGSEGV: the file is damaged");
  CHECK(error_of("abort") == "was ended by SIGABRT: the file is damaged");
  CHECK(error_of("exit") == "ended with status 7");
  CHECK(error_of("loop") == "took more than 0.2 s");
  CHECK(error_of("throw") == "failed: no such thing");
  CHECK(error_of("allocate") == "needed more than 64 MiB");
  WorkLimits impatient = tight();
  impatient.wall_time = milliseconds(300);
  CHECK(error_of("sleep", impatient) == "was not done after 0.3 s");
  CHECK_FALSE(has_children());
}

TEST_CASE("an answer of 100 MB comes back whole, and work leaves no child behind") {
  WorkLimits limits;
  limits.memory_bytes = uint64_t{1} << 30;
  const Result<std::string> answer = run_isolated(limits, [] { return behave("long"); });
  REQUIRE(answer.ok());
  CHECK(answer->size() == 100U << 20);
  CHECK(answer->find_first_not_of('x') == std::string::npos);
  CHECK_FALSE(has_children());
}

TEST_CASE("work that breaks costs its own answer alone, whoever did what before it") {
  std::vector<std::string> requests;
  for (int i = 0; i < 40; ++i) {
    requests.push_back("piece " + std::to_string(i));
    if (i % 10 == 5) requests.push_back(i % 20 == 5 ? "crash" : "allocate");
  }
  for (const unsigned processes : {1U, 3U}) {
    IsolatedWorkers workers(processes, tight(), behave);
    for (int round = 0; round < 2; ++round) {
      const std::vector<Result<std::string>> results = workers.run(requests);
      REQUIRE(results.size() == requests.size());
      for (size_t i = 0; i < requests.size(); ++i) {
        INFO(requests[i]);
        CHECK(results[i].ok() == requests[i].starts_with("piece"));
        if (results[i].ok()) CHECK(*results[i] == "did " + requests[i]);
      }
    }
  }
}

TEST_CASE("what an earlier piece left in disorder does not cost a later one") {
  bool broken = false;
  IsolatedWorkers workers(1, tight(), [&](std::string_view request) {
    if (std::exchange(broken, true)) ::raise(SIGBUS);
    return behave(request);
  });
  const std::vector<std::string> requests{"one", "two", "three"};
  for (const Result<std::string>& result : workers.run(requests)) CHECK(result.ok());
}

TEST_CASE("the limits of work grow with the files that it has mapped") {
  const fixture::TemporaryDirectory directory;
  fixture::write_text(directory / "large", std::string(20U << 20, 'x'));
  WorkLimits limits = tight();
  limits.memory_per_mapped_byte = 8;
  const auto work = [&] {
    const Result<Fd> file = open_file(directory / "large", O_RDONLY);
    void* const bytes = ::mmap(nullptr, 20U << 20, PROT_READ, MAP_PRIVATE, file->get(), 0);
    if (bytes == MAP_FAILED) std::abort();
    for (int i = 0; i < 40; ++i) {
      fill(4U << 20);
      ::usleep(3'000);
    }
    return std::string("done");
  };
  CHECK(run_isolated(limits, work).ok());
  limits.memory_per_mapped_byte = 0;
  CHECK_FALSE(run_isolated(limits, work).ok());
}

}  // namespace
}  // namespace flarestack
