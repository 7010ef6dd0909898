// SPDX-License-Identifier: Apache-2.0
#include "preload/alternate_stack.h"

#include <elf.h>
#include <link.h>

#include <atomic>

#include "preload/agent.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sampler.h"
#include "preload/signal_view.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr uint64_t kHandlerBytes = 2048;          // of our own handler, and the red zone of what it interrupts
constexpr uint64_t kProgramsHandlerBytes = 6144;  // assumed of the program's
constexpr uint64_t kDefaultFrameBytes = 3632;     // with AVX-512, where the kernel does not say (before Linux 5.14)
constexpr unsigned long kFrameSizeEntry = 51;     // AT_MINSIGSTKSZ, which glibc 2.36 does not name

constinit uint64_t signal_frame_bytes = kDefaultFrameBytes;
constinit std::atomic<bool> any_small{false};
constinit bool all_are_seen = false;
constinit std::atomic<uint64_t> actions_on_stack{0};  // bit n-1: the program's action for signal n has SA_ONSTACK

bool is_small(const stack_t& stack) {
  return (stack.ss_flags & SS_DISABLE) == 0 &&
         stack.ss_size < 2 * signal_frame_bytes + kHandlerBytes + kProgramsHandlerBytes;
}

// Keeps our signal out of the actions that are installed already.
void keep_out_of_all() {
  if (any_small.exchange(true, std::memory_order_seq_cst)) {
    return;
  }
  settle_handler_stack();
  const uint64_t actions = actions_on_stack.load(std::memory_order_seq_cst);
  for (int signal = 1; signal <= 64; ++signal) {
    struct sigaction action {};
    if ((actions >> (signal - 1) & 1) != 0 && next().sigaction(signal, nullptr, &action) == 0 &&
        (action.sa_flags & SA_ONSTACK) != 0) {
      action.sa_mask.__val[0] |= sample_signal_bit();
      next().sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace

void measure_signal_frame(const char* const* environment) {
  while (*environment != nullptr) {
    ++environment;
  }
  const auto* entry = reinterpret_cast<const ElfW(auxv_t)*>(environment + 1);
  for (; entry->a_type != AT_NULL; ++entry) {
    if (entry->a_type == kFrameSizeEntry) {
      signal_frame_bytes = entry->a_un.a_val;
    }
  }
}

uint64_t mask_for_action(int signal, int flags) {
  const uint64_t bit = uint64_t{1} << (signal - 1);
  if ((flags & SA_ONSTACK) == 0) {
    return 0;
  }
  // Pairs with keep_out_of_all(): one of the two sees the other.
  actions_on_stack.fetch_or(bit, std::memory_order_seq_cst);
  return any_small.load(std::memory_order_seq_cst) ? sample_signal_bit() : 0;
}

void see_all_alternate_stacks() { all_are_seen = true; }

bool have_room_on_alternate_stacks() { return all_are_seen && !any_small.load(std::memory_order_seq_cst); }

bool is_kept_out_here() {
  stack_t now{};
  return any_small.load(std::memory_order_relaxed) && next().sigaltstack != nullptr &&
         next().sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_ONSTACK) != 0 && is_small(now);
}

}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int sigaltstack(const stack_t* stack, stack_t* old_stack) noexcept {
  if (stack != nullptr && sample_signal_bit() != 0 && is_small(*stack) && !is_other_process(nullptr)) {
    keep_out_of_all();
  }
  return next().sigaltstack(stack, old_stack);
}
