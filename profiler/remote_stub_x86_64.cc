// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>

#include <csignal>
#include <initializer_list>
#include <utility>

#include "profiler/remote_frame.h"
#include "profiler/remote_stub.h"

namespace flarestack {
namespace {

class Code {
 public:
  void add(std::initializer_list<uint8_t> instruction) { bytes.insert(bytes.end(), instruction); }
  void add_word(uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<uint8_t>(word >> shift));
    }
  }
  void add_long(uint64_t value) {
    add_word(static_cast<uint32_t>(value));
    add_word(static_cast<uint32_t>(value >> 32));
  }
  void add_call(uint32_t number) {
    add({0xb8});  // mov $number,%eax
    add_word(number);
    add({0x0f, 0x05});  // syscall
  }
  uint64_t here() const { return bytes.size(); }
  // As the distance in an instruction that ends with it.
  void add_distance_to(uint64_t offset) {
    add_word(static_cast<uint32_t>(static_cast<int64_t>(offset) - static_cast<int64_t>(here() + 4)));
  }

  std::vector<uint8_t> bytes;
};

// A second or so: a pause takes 40 to 140 cycles.
constexpr uint32_t kTurns = 40'000'000;

constexpr uint64_t kPriorityAt = 0;  // struct sched_param
constexpr uint64_t kMaskAt = 8;

void add_priority(Code& code, const RaisedPriority::Before& before) {
  code.add({0x31, 0xff});  // xor %edi,%edi
  code.add({0xbe});        // mov $policy,%esi
  code.add_word(static_cast<uint32_t>(before.policy));
  code.add({0x48, 0x8d, 0x15});  // lea priority(%rip),%rdx
  code.add_distance_to(kPriorityAt);
  code.add_call(SYS_sched_setscheduler);
}

// A handler that runs meanwhile has the kernel end the wait with EINTR, as it would in the program.
void add_wait(Code& code, const RemoteWait& wait) {
  code.add({0xbf});  // mov $SIG_SETMASK,%edi
  code.add_word(SIG_SETMASK);
  code.add({0x48, 0x8d, 0x35});  // lea mask(%rip),%rsi
  code.add_distance_to(kMaskAt);
  code.add({0x31, 0xd2});  // xor %edx,%edx
  code.add({0x41, 0xba});  // mov $8,%r10d
  code.add_word(sizeof wait.signal_mask);
  code.add_call(SYS_rt_sigprocmask);
  code.add_call(SYS_restart_syscall);
  constexpr auto kReturned = static_cast<uint32_t>(sizeof(uint64_t));  // the frame is so far below the stack pointer
  code.add({0x48, 0x89, 0x84, 0x24});                                  // mov %rax,rax of the frame
  code.add_word(ReturnFrame::kRaxAt - kReturned);
  code.add({0x48, 0xb8});  // movabs $behind,%rax
  code.add_long(wait.behind);
  code.add({0x48, 0x89, 0x84, 0x24});  // mov %rax,rip of the frame
  code.add_word(ReturnFrame::kRipAt - kReturned);
}

}  // namespace

RemoteStub make_remote_stub(const std::optional<RaisedPriority::Before>& before,
                            const std::optional<RemoteWait>& wait) {
  constexpr uint8_t kShortJumpBytes = 2;
  Code code;
  RemoteStub stub;
  code.add_long(before ? static_cast<uint32_t>(before->parameters.sched_priority) : 0);
  code.add_long(wait ? wait->signal_mask : 0);
  stub.function_left = code.here();
  code.add({0x48, 0x89, 0x44, 0x24, 0xf0});                          // mov %rax,-16(%rsp)
  code.add({0x48, 0xc7, 0x44, 0x24, 0xf8, 0x00, 0x00, 0x00, 0x00});  // movq $0,-8(%rsp)
  code.add({0xb9});                                                  // mov $kTurns,%ecx
  code.add_word(kTurns);
  code.add({0xf3, 0x90});             // pause
  code.add({0xff, 0xc9});             // dec %ecx
  code.add({0x75, 0xfa});             // jnz pause
  code.add({0xeb, kShortJumpBytes});  // jmp leave
  stub.system_call = code.here();
  code.add({0x0f, 0x05});  // syscall
  stub.leave = code.here();
  if (before) {
    add_priority(code, *before);
  }
  if (wait) {
    add_wait(code, *wait);
  }
  code.add_call(SYS_rt_sigreturn);
  code.add({0x0f, 0x0b});  // ud2: rt_sigreturn does not return
  stub.bytes = std::move(code.bytes);
  return stub;
}

}  // namespace flarestack
