// SPDX-License-Identifier: Apache-2.0
// Doorbell: lets the threads of the targets wake the recorder when a heap ring is half full. A target has no descriptor
// of ours, so it wakes a futex in its session page; a thread of the recorder waits for those of all sessions at once
// and turns them into a descriptor that the recorder's epoll knows. Recorder side; not copied, its thread ends with it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"

namespace flarestack {

class Doorbell {
 public:
  // Error: no descriptor or thread to be had. Before Linux 5.16 (futex_waitv) it never rings: is_supported() is false,
  // and the recorder should nap shortly.
  static Result<std::unique_ptr<Doorbell>> create();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  bool is_supported() const;
  // Readable after a ring, until answer().
  int descriptor() const { return event_.get(); }
  // Listens to one more session, or no longer. Up to 127 at a time; those beyond are not heard. The word stays mapped
  // until remove() has returned.
  void add(std::atomic<uint32_t>* bell);
  void remove(std::atomic<uint32_t>* bell);
  // Arms all bells: each rings once.
  void answer();

 private:
  struct Shared;
  Doorbell() = default;
  void tell_thread();

  Fd event_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace flarestack
