// SPDX-License-Identifier: Apache-2.0
#include "profiler/doorbell.h"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

namespace flarestack {
namespace {

constexpr long kFutexWaitv = 449;  // <asm/unistd.h> of Debian 12 has it, older ones do not
constexpr uint32_t kMostWaiters = 128;
constexpr uint32_t kFutex32 = 2;  // FUTEX_32: shared, since other processes wake it

struct Waiter {  // struct futex_waitv (linux/futex.h, 5.16)
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(Waiter) == 24);

long wait_for_any(const std::vector<Waiter>& waiters) {
  return syscall(kFutexWaitv, waiters.data(), waiters.size(), 0, nullptr, 0);
}

}  // namespace

struct Doorbell::Shared {
  std::atomic<uint32_t> control{0};  // the thread looks at everything anew when it changes
  std::mutex mutex;
  std::condition_variable seen;  // the thread has taken notice of `version`
  std::vector<std::atomic<uint32_t>*> bells;
  uint64_t version = 0;
  uint64_t seen_version = 0;
  bool stop = false;
  bool supported = true;
  int event = -1;
  std::thread thread;

  void run();
};

void Doorbell::Shared::run() {
  std::unique_lock lock(mutex);
  while (!stop) {
    const uint32_t control_now = control.load(std::memory_order_seq_cst);
    seen_version = version;
    seen.notify_all();
    std::vector<Waiter> waiters{{control_now, reinterpret_cast<uint64_t>(&control), kFutex32, 0}};
    bool rung = false;
    for (std::atomic<uint32_t>* bell : bells) {
      if (waiters.size() < kMostWaiters) {
        waiters.push_back({1, reinterpret_cast<uint64_t>(bell), kFutex32, 0});
        rung = rung || bell->load(std::memory_order_acquire) != 1;
      }
    }
    if (rung) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = write(event, &one, sizeof(one));  // the counter is full: it is readable
      waiters.resize(1);                                                         // until it is answered
    }
    lock.unlock();
    const long result = wait_for_any(waiters);
    const int error = result < 0 ? errno : 0;
    lock.lock();
    if (error == ENOSYS || error == EPERM) {
      supported = false;
      seen_version = UINT64_MAX;
      seen.notify_all();
      return;
    }
  }
}

Result<std::unique_ptr<Doorbell>> Doorbell::create() {
  std::unique_ptr<Doorbell> doorbell(new Doorbell);
  doorbell->event_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!doorbell->event_) {
    return errno_error("create a doorbell");
  }
  doorbell->shared_ = std::make_unique<Shared>();
  doorbell->shared_->event = doorbell->event_.get();
  // The signals of the recorder are for its own thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  doorbell->shared_->thread = std::thread([shared = doorbell->shared_.get()] { shared->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return doorbell;
}

Doorbell::~Doorbell() {
  if (shared_ != nullptr && shared_->thread.joinable()) {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->stop = true;
    }
    tell_thread();
    shared_->thread.join();
  }
}

bool Doorbell::is_supported() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->supported;
}

void Doorbell::tell_thread() {
  shared_->control.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, static_cast<void*>(&shared_->control), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Doorbell::add(std::atomic<uint32_t>* bell) {
  {
    const std::lock_guard lock(shared_->mutex);
    bell->store(1, std::memory_order_release);
    shared_->bells.push_back(bell);
    ++shared_->version;
  }
  tell_thread();
}

void Doorbell::remove(std::atomic<uint32_t>* bell) {
  std::unique_lock lock(shared_->mutex);
  std::erase(shared_->bells, bell);
  const uint64_t version = ++shared_->version;
  lock.unlock();
  tell_thread();
  lock.lock();
  shared_->seen.wait(lock, [&] { return shared_->seen_version >= version; });
}

void Doorbell::answer() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = read(event_.get(), &count, sizeof(count));
  bool rung = false;
  {
    const std::lock_guard lock(shared_->mutex);
    for (std::atomic<uint32_t>* bell : shared_->bells) {
      rung = bell->exchange(1, std::memory_order_acq_rel) != 1 || rung;
    }
  }
  if (rung) {
    tell_thread();
  }
}

}  // namespace flarestack
