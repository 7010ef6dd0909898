// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>

#include <initializer_list>

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
  uint64_t here() const { return bytes.size(); }

  std::vector<uint8_t> bytes;
};

}  // namespace

RemoteStub make_remote_stub(const std::optional<RaisedPriority::Before>& before) {
  constexpr uint32_t kShortJumpBytes = 2;
  Code code;
  RemoteStub stub;
  code.add_word(before ? static_cast<uint32_t>(before->parameters.sched_priority) : 0);  // struct sched_param
  stub.function_left = code.here();
  code.add({0x48, 0x89, 0xc3});       // mov %rax,%rbx
  code.add({0xeb, kShortJumpBytes});  // jmp leave
  stub.system_call = code.here();
  code.add({0x0f, 0x05});  // syscall
  stub.leave = code.here();
  if (before) {
    code.add({0xb8});  // mov $SYS_sched_setscheduler,%eax
    code.add_word(SYS_sched_setscheduler);
    code.add({0x31, 0xff});  // xor %edi,%edi
    code.add({0xbe});        // mov $policy,%esi
    code.add_word(static_cast<uint32_t>(before->policy));
    code.add({0x48, 0x8d, 0x15});  // lea 0(start of the page),%rdx
    code.add_word(static_cast<uint32_t>(-static_cast<int64_t>(code.here() + 4)));
    code.add({0x0f, 0x05});  // syscall
    stub.last_call = code.here();
  }
  code.add({0xb8});  // mov $SYS_rt_sigreturn,%eax
  code.add_word(SYS_rt_sigreturn);
  code.add({0x0f, 0x05});  // syscall
  if (!before) {
    stub.last_call = code.here();
  }
  code.add({0x0f, 0x0b});  // ud2: rt_sigreturn does not return
  stub.bytes = std::move(code.bytes);
  return stub;
}

}  // namespace flarestack
