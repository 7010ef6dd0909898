// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_image.h"

#include <sys/syscall.h>

#include <cstdlib>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/profiler/remote_target.h"

namespace flarestack {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

ImageFile fixture() { return *ImageFile::read(RemoteTarget::program("libremote_image_fixture.so")); }

// What a recorder does, for ever; killed by whoever started it.
[[noreturn]] void attach_for_ever(const RemoteTarget& target) {
  for (int i = 0;; ++i) {
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok() || !thread->syscall(SYS_getpid, {}).ok()) {
      _exit(1);
    }
    (void)thread->call(target.shared().function, {1, 2, 3}, kSecondNs).ok();
    if (i % 4 == 0) {
      Result<RemoteImage> image = load_remote_image(*thread, target.pid(), fixture(), 0);
      if (image.ok()) {
        (void)thread->call(image->entry, {1, 2, 3}, kSecondNs).ok();
      }
    }
    thread->let_go();
  }
}

int number_of_kills() {
  const char* wanted = std::getenv("REMOTE_KILLS");
  return wanted != nullptr ? std::atoi(wanted) : 70;
}

}  // namespace

TEST_CASE("a shared object that needs nothing is loaded, works, and is found again") {
  for (const char* program : {"remote_target", "remote_target_static"}) {
    RemoteTarget target(program, "busy");
    CHECK_FALSE(find_remote_image(target.pid(), fixture()));
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok()) FAIL(thread.error().message);
    Result<RemoteImage> image = load_remote_image(*thread, target.pid(), fixture(), 0);
    if (!image.ok()) FAIL(image.error().message);
    CHECK(*thread->call(image->entry, {1, 2, 3}, kSecondNs) == 6020403);
    CHECK(*thread->call(image->entry, {1, 2, 3}, kSecondNs) == 7020403);
    thread->let_go();
    const std::optional<RemoteImage> found = find_remote_image(target.pid(), fixture());
    REQUIRE(found);
    CHECK(found->base == image->base);
    CHECK(found->entry == image->entry);
    target.check();
  }
}

TEST_CASE("what needs more than to be mapped is not loaded") {
  for (const char* path : {"/proc/self/exe", "/lib/x86_64-linux-gnu/libc.so.6", "/nonexistent/file"}) {
    CHECK_FALSE(ImageFile::read(path).ok());
  }
}

TEST_CASE("no program is harmed when the recorder is killed at any moment") {
  const int kills = number_of_kills();
  std::mt19937 random(7);
  const char* modes[] = {"busy", "handler", "read", "nanosleep", "epoll", "poll", "futex"};
  const char* names[] = {"remote_target", "remote_target_static", "remote_target_musl"};
  uint64_t interrupted = 0;
  for (int i = 0; i < kills;) {
    const std::string mode = modes[random() % 7];
    const std::string name = names[random() % 3];
    if (!std::filesystem::exists(RemoteTarget::program(name))) {
      continue;
    }
    RemoteTarget target(name, mode);
    for (int end = i + 10; i < end; ++i) {
      INFO("kill " << i << " of " << name << " " << mode);
      const pid_t recorder = fork();
      REQUIRE(recorder >= 0);
      if (recorder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        attach_for_ever(target);
      }
      usleep(static_cast<useconds_t>(300 + random() % 6000));
      kill(recorder, SIGKILL);
      int status = 0;
      waitpid(recorder, &status, 0);
      CHECK(WIFSIGNALED(status));
      REQUIRE(target.goes_on());
    }
    interrupted += target.shared().interrupted;
    target.check();
  }
  if (std::getenv("REMOTE_KILLS") != nullptr) WARN(kills << " kills, EINTR " << interrupted);
}

}  // namespace flarestack
