// SPDX-License-Identifier: Apache-2.0
#include "unwind/stack_memory.h"

#include <sys/syscall.h>

#include <bit>
#include <cerrno>

#include "base/raw_syscall.h"

namespace flarestack {
namespace {

// Whether the kernel can read 8 bytes at `address`: it copies the new mask in before it refuses an impossible `how`.
// Any sandbox lets this call pass, unlike process_vm_readv. The same device as Abseil's AddressIsReadable.
bool kernel_can_read(uint64_t address) {
  constexpr long kImpossibleHow = -1;
  return raw_syscall(SYS_rt_sigprocmask, kImpossibleHow, static_cast<long>(address), 0, sizeof(uint64_t)) == -EINVAL;
}

}  // namespace

void StackMemory::begin(const StackBounds& bounds, int64_t local_delta, FetchWindow* window) {
  const uint64_t size = bounds.high > bounds.low ? bounds.high - bounds.low : 0;
  low_ = bounds.low;
  slots_ = size >= sizeof(uint64_t) ? size - sizeof(uint64_t) + 1 : 0;
  delta_ = static_cast<uint64_t>(local_delta);
  high_ = bounds.high;
  reachable_from_ = bounds.reachable_from;
  window_ = window;
  if (window_ != nullptr) {
    window_->start = 0;
    window_->size = 0;
  }
}

[[gnu::noinline]] bool StackMemory::load_outside(uint64_t slot, uint64_t* value) {
  const bool cached = window_->size >= sizeof *value && slot - window_->start <= window_->size - sizeof *value;
  if (!cached && !fetch(slot)) {
    return false;
  }
  if (reachable_from_ != 0 && slot >= reachable_from_ && high_ >= sizeof *value && slot <= high_ - sizeof *value) {
    low_ = slot;
    slots_ = high_ - slot - sizeof *value + 1;
  }
  if (window_->copying_forbidden) {
    __builtin_memcpy(value, local_pointer(slot), sizeof *value);
  } else {
    __builtin_memcpy(value, window_->bytes.data() + (slot - window_->start), sizeof *value);
  }
  return true;
}

// Copies from `slot` to the end of its page, and the page after it where that can be read: stacks are walked upwards.
[[gnu::noinline]] bool StackMemory::fetch(uint64_t slot) {
  if (slot >= uint64_t{1} << 56 || slot < FetchWindow::kPage) {
    return false;  // no user address
  }
  window_->size = 0;
  if (!window_->copying_forbidden) {
    const uint64_t next_page = (slot / FetchWindow::kPage + 1) * FetchWindow::kPage;
    window_->local = {window_->bytes.data(), window_->bytes.size()};
    window_->remote[0] = {std::bit_cast<void*>(slot), next_page - slot};
    window_->remote[1] = {std::bit_cast<void*>(next_page), FetchWindow::kPage};
    const long copied = raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), raw_pointer(&window_->local), 1,
                                    raw_pointer(window_->remote.data()), 2);
    if (copied >= static_cast<long>(sizeof(uint64_t))) {
      window_->start = slot;
      window_->size = static_cast<uint64_t>(copied);
      return true;
    }
    window_->copying_forbidden = copied == -EPERM || copied == -ENOSYS;
  }
  return window_->copying_forbidden && kernel_can_read(slot);
}

}  // namespace flarestack
