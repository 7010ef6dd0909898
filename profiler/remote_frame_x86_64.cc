// SPDX-License-Identifier: Apache-2.0
#include <asm/sigcontext.h>  // before <csignal>, which has its own of the same structs
#include <cpuid.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "profiler/interrupted_calls.h"
#include "profiler/remote_frame.h"

namespace flarestack {
namespace {

constexpr uint8_t kSystemCall[] = {0x0f, 0x05, 0xc3};  // syscall; ret
constexpr uint8_t kPopRax[] = {0x58, 0xc3};            // pop %rax; ret
constexpr uint64_t kRedZoneBytes = 128;
constexpr uint64_t kLowestStack = 65536;
constexpr uint64_t kLargestTextBytes = 256ULL << 20;
constexpr size_t kChunkBytes = 1 << 20;

// arch/x86/include/uapi/asm/ucontext.h
constexpr uint64_t kFlagXstate = 1;
constexpr uint64_t kFlagSs = 2;
constexpr uint64_t kFlagStrictSs = 4;
// No such mode: sigaltstack refuses it, and rt_sigreturn then leaves the alternate stack as it is.
constexpr int32_t kNoAlternateStackMode = 4;

constexpr uint64_t kDynamicFeatures = 1ULL << 18;  // AMX tiles: in the frames only of threads that use them
constexpr size_t kHeaderAt = 512;                  // of the XSAVE area
constexpr size_t kSmallestXsave = kHeaderAt + 64;

struct SignalFrame {  // struct rt_sigframe, arch/x86/include/asm/sigframe.h
  uint64_t return_address = 0;
  uint64_t flags = 0;
  uint64_t link = 0;
  uint64_t stack_address = 0;
  int32_t stack_flags = 0;
  int32_t padding = 0;
  uint64_t stack_bytes = 0;
  sigcontext_64 context = {};
  uint64_t signal_mask = 0;
  std::array<uint8_t, 128> info = {};
};
static_assert(sizeof(SignalFrame) == ReturnFrame::kFrameBytes);
static_assert(offsetof(SignalFrame, context) == 48 && offsetof(SignalFrame, signal_mask) == 304);
static_assert(offsetof(SignalFrame, context) + offsetof(sigcontext_64, ax) == ReturnFrame::kRaxAt);
static_assert(offsetof(SignalFrame, context) + offsetof(sigcontext_64, ip) == ReturnFrame::kRipAt);

uint64_t word_at(const std::vector<uint8_t>& bytes, size_t offset) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

// Where the last of the features ends in an XSAVE area of standard format.
size_t xsave_bytes(uint64_t features) {
  size_t end = kSmallestXsave;
  for (unsigned feature = 2; feature < 63; ++feature) {
    unsigned size = 0;
    unsigned offset = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (((features >> feature) & 1) != 0 && __get_cpuid_count(0xd, feature, &size, &offset, &ecx, &edx) != 0) {
      end = std::max<size_t>(end, size + offset);
    }
  }
  return end;
}

// The state with the words around it by which rt_sigreturn knows it.
std::vector<uint8_t> frame_state(const std::vector<uint8_t>& state) {
  const size_t software_at = offsetof(_fpstate_64, sw_reserved);
  if (state.size() < kSmallestXsave) {
    return {};
  }
  uint64_t features = word_at(state, software_at);  // XCR0, where PTRACE_GETREGSET puts it
  const uint64_t in_use = word_at(state, kHeaderAt);
  features &= ~kDynamicFeatures | in_use;
  const size_t size = xsave_bytes(features);
  if (size > state.size() || (in_use & ~features) != 0) {
    return {};
  }
  std::vector<uint8_t> bytes(state.begin(), state.begin() + static_cast<ptrdiff_t>(size));
  _fpx_sw_bytes software{};
  software.magic1 = FP_XSTATE_MAGIC1;
  software.extended_size = static_cast<uint32_t>(size + FP_XSTATE_MAGIC2_SIZE);
  software.xfeatures = features;
  software.xstate_size = static_cast<uint32_t>(size);
  std::memcpy(bytes.data() + software_at, &software, sizeof software);
  const uint32_t magic = FP_XSTATE_MAGIC2;
  bytes.resize(size + sizeof magic);
  std::memcpy(bytes.data() + size, &magic, sizeof magic);
  return bytes;
}

sigcontext_64 context_of(const user_regs_struct& from) {
  sigcontext_64 to{};
  to.r8 = from.r8;
  to.r9 = from.r9;
  to.r10 = from.r10;
  to.r11 = from.r11;
  to.r12 = from.r12;
  to.r13 = from.r13;
  to.r14 = from.r14;
  to.r15 = from.r15;
  to.di = from.rdi;
  to.si = from.rsi;
  to.bp = from.rbp;
  to.bx = from.rbx;
  to.dx = from.rdx;
  to.ax = from.rax;
  to.cx = from.rcx;
  to.sp = from.rsp;
  to.ip = from.rip;
  to.flags = from.eflags;
  to.cs = static_cast<uint16_t>(from.cs);
  to.ss = static_cast<uint16_t>(from.ss);
  return to;
}

// Code that the program does not unload.
bool stays(const ProcessMaps::Mapping& mapping, const std::string& executable) {
  const std::string_view path(mapping.path);
  const std::string_view name = path.substr(std::min(path.size(), path.rfind('/') + 1));
  return path == "[vdso]" || path == executable || name.starts_with("libc.") || name.starts_with("libc-") ||
         name.starts_with("ld-");
}

std::optional<uint64_t> find_bytes(const ProcessMaps::Mapping& mapping, std::string_view wanted,
                                   const ReadMemory& read) {
  std::vector<char> chunk;
  for (uint64_t at = mapping.start; at < mapping.end; at += kChunkBytes) {
    chunk.resize(std::min<uint64_t>(mapping.end - at, kChunkBytes + wanted.size()));
    if (!read(at, chunk.data(), chunk.size())) {
      return std::nullopt;
    }
    const size_t found = std::string_view(chunk.data(), chunk.size()).find(wanted);
    if (found != std::string_view::npos) {
      return at + found;
    }
  }
  return std::nullopt;
}

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool BorrowedCode::is_there(const ReadMemory& read) const {
  uint8_t call[sizeof kSystemCall];
  uint8_t pop[sizeof kPopRax];
  return read(system_call, call, sizeof call) && std::memcmp(call, kSystemCall, sizeof call) == 0 &&
         read(pop_rax, pop, sizeof pop) && std::memcmp(pop, kPopRax, sizeof pop) == 0;
}

std::optional<BorrowedCode> find_borrowed_code(const ProcessMaps& maps, const ReadMemory& read) {
  const std::string executable = maps.mappings().empty() ? "" : maps.mappings().front().path;
  std::optional<uint64_t> call;
  std::optional<uint64_t> pop;
  for (const bool all : {false, true}) {
    for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
      const bool is_text = mapping.executable && mapping.readable && !mapping.writable &&
                           mapping.path != "[vsyscall]" && mapping.end - mapping.start <= kLargestTextBytes &&
                           (mapping.inode != 0 || stays(mapping, ""));
      if (is_text && (all || stays(mapping, executable))) {
        call = call ? call : find_bytes(mapping, text_of(kSystemCall), read);
        pop = pop ? pop : find_bytes(mapping, text_of(kPopRax), read);
      }
      if (call && pop) {
        return BorrowedCode{*call, *pop};
      }
    }
  }
  return std::nullopt;
}

std::vector<uint8_t> ReturnFrame::moved(uint64_t return_address) const {
  const auto from = bytes.begin() + static_cast<ptrdiff_t>(frame - start);
  std::vector<uint8_t> copy(from, from + kFrameBytes);
  std::memcpy(copy.data(), &return_address, sizeof return_address);
  return copy;
}

user_regs_struct made_again(const user_regs_struct& registers) {
  constexpr unsigned long long kCallBytes = 2;  // syscall, int $0x80
  user_regs_struct again = registers;
  if (is_restarting(registers) || is_cut_short(registers)) {
    again.rip -= kCallBytes;
    again.rax = registers.orig_rax;
    again.orig_rax = static_cast<unsigned long long>(-1);
  }
  return again;
}

std::vector<uint8_t> initial_vector_state(const std::vector<uint8_t>& like) {
  constexpr uint16_t kControlWord = 0x37f;  // of the x87
  constexpr uint32_t kMxcsr = 0x1f80;
  std::vector<uint8_t> state(like.size());
  std::memcpy(state.data() + offsetof(_fpstate_64, cwd), &kControlWord, sizeof kControlWord);
  std::memcpy(state.data() + offsetof(_fpstate_64, mxcsr), &kMxcsr, sizeof kMxcsr);
  return state;
}

std::optional<ReturnFrame> make_return_frame(const user_regs_struct& registers,
                                             const std::vector<uint8_t>& vector_state, uint64_t signal_mask,
                                             const BorrowedCode& code) {
  const std::vector<uint8_t> state = frame_state(vector_state);
  if (state.empty() || registers.rsp < kLowestStack) {
    return std::nullopt;
  }
  const uint64_t state_at = (registers.rsp - kRedZoneBytes - state.size()) & ~uint64_t{63};
  ReturnFrame result;
  result.frame = ((state_at - ReturnFrame::kFrameBytes) & ~uint64_t{15}) - 8;
  result.start = result.frame - 16;
  result.bytes.resize(state_at + state.size() - result.start);

  SignalFrame frame;
  frame.return_address = code.system_call;
  frame.flags = kFlagXstate | kFlagSs | kFlagStrictSs;
  frame.stack_flags = kNoAlternateStackMode;
  frame.context = context_of(made_again(registers));
  frame.context.fpstate = state_at;
  frame.signal_mask = signal_mask;
  const uint64_t chain[] = {code.pop_rax, SYS_rt_sigreturn};
  std::memcpy(result.bytes.data(), chain, sizeof chain);
  std::memcpy(result.bytes.data() + (result.frame - result.start), &frame, sizeof frame);
  std::memcpy(result.bytes.data() + (state_at - result.start), state.data(), state.size());
  return result;
}

}  // namespace flarestack
