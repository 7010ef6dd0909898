// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_fitness.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "profiler/mapping_at.h"
#include "profiler/thread_choice.h"

namespace flarestack {
namespace {

constexpr unsigned long long kUserCode64 = 0x33;      // __USER_CS, arch/x86/include/asm/segment.h
constexpr uint64_t kRoomBytes = 16384;                // below the stack pointer
constexpr uint64_t kGoHeap = 0xc000000000;            // where Go's heap begins, small stacks of goroutines in it
constexpr uint64_t kGoHeapBytes = uint64_t{1} << 38;  // of it at most
constexpr auto kGetRseq = static_cast<__ptrace_request>(0x420f);          // Linux 5.13
constexpr auto kGetCallDispatch = static_cast<__ptrace_request>(0x4211);  // Linux 6.4

struct RseqConfiguration {  // struct ptrace_rseq_configuration
  uint64_t address = 0;
  uint32_t size_bytes = 0;
  uint32_t signature = 0;
  uint32_t flags = 0;
  uint32_t padding = 0;
};

struct RseqSection {  // struct rseq_cs, linux/rseq.h
  uint32_t version = 0;
  uint32_t flags = 0;
  uint64_t start = 0;
  uint64_t size_bytes = 0;
  uint64_t abort = 0;
};

struct CallDispatch {  // struct ptrace_sud_config
  uint64_t mode = 0;
  uint64_t selector = 0;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

struct Sequence {
  uint64_t pointer_at = 0;  // of the word by which the kernel knows it
  uint32_t signature = 0;   // in front of the abort handler
  uint64_t abort = 0;
};

// In the middle of a sequence that the kernel would abort had it run anything else: it forgets where the thread was.
std::optional<Sequence> sequence_of(const TracedThread& thread, const user_regs_struct& registers,
                                    const ReadMemory& read) {
  constexpr uint64_t kSectionAt = 8;  // struct rseq
  RseqConfiguration rseq;
  uint64_t section_address = 0;
  RseqSection section;
  if (ptrace(kGetRseq, thread.tid(), sizeof rseq, &rseq) <= 0 || rseq.address == 0 ||
      !read(rseq.address + kSectionAt, &section_address, sizeof section_address) || section_address == 0 ||
      !read(section_address, &section, sizeof section) || registers.rip - section.start >= section.size_bytes) {
    return std::nullopt;
  }
  return Sequence{rseq.address + kSectionAt, rseq.signature, section.abort};
}

bool has_room(int32_t pid, uint64_t stack_pointer) {
  if (stack_pointer - kGoHeap < kGoHeapBytes) {
    return false;
  }
  const std::optional<MappedRange> mapping = mapping_at(pid, stack_pointer - 1);
  return mapping && mapping->writable && stack_pointer - mapping->start >= kRoomBytes;
}

}  // namespace

Unfitness unfitness(TracedThread& thread, int32_t pid, const user_regs_struct& registers, const ReadMemory& read) {
  const int32_t tid = thread.tid();
  if (registers.cs != kUserCode64) {
    return {fmt::format("thread {} of process {} runs 32-bit code; only 64-bit code can be entered", tid, pid)};
  }
  const std::string status = thread_status(pid, tid);
  const std::string_view seccomp = status_field(status, "Seccomp");
  const bool filters_calls = !seccomp.empty() && seccomp != "0";
  if (filters_calls && !thread.suspend_seccomp()) {
    return {fmt::format("process {} filters its system calls (seccomp) and we may not suspend that; run as root: sudo "
                        "flarestack ...",
                        pid),
            true};
  }
  if (status_field(status, "x86_Thread_features").find("shstk") != std::string_view::npos) {
    return {fmt::format("process {} has a shadow stack, which lets no code be entered; start it with "
                        "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off",
                        pid),
            true};
  }
  CallDispatch dispatch;
  if (ptrace(kGetCallDispatch, tid, sizeof dispatch, &dispatch) == 0 && dispatch.mode != 0) {
    return {fmt::format("thread {} of process {} handles its own system calls (as Wine does)", tid, pid)};
  }
  if (sequence_of(thread, registers, read)) {
    return {fmt::format("thread {} of process {} is in a restartable sequence; try again", tid, pid), false,
            filters_calls, true};
  }
  if (!has_room(pid, registers.rsp)) {
    return {fmt::format("thread {} of process {} has no room on its stack; try again", tid, pid)};
  }
  return {{}, false, filters_calls};
}

// rseq_ip_fixup() in Linux, kernel/rseq.c.
bool abort_sequence(TracedThread& thread, user_regs_struct& registers, const ReadMemory& read,
                    const WriteMemory& write) {
  const std::optional<Sequence> sequence = sequence_of(thread, registers, read);
  uint32_t signature = 0;
  constexpr uint64_t kNone = 0;
  if (!sequence || !read(sequence->abort - sizeof signature, &signature, sizeof signature) ||
      signature != sequence->signature || !write(sequence->pointer_at, &kNone, sizeof kNone)) {
    return false;
  }
  registers.rip = sequence->abort;
  return thread.set_registers(registers);
}

}  // namespace flarestack
