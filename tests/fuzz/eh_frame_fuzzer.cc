// SPDX-License-Identifier: Apache-2.0
// links: flarestack_unwind
// Call frame information, code and stack from arbitrary bytes. Every part lies in a heap block of its exact size, so
// that AddressSanitizer sees a read outside it; pc, registers and their kinds come from the input as well.
//
// Input: a 24-byte header {u16 hdr_offset, u16 hdr_size, u16 stack_size, u16 flags, u64 pc_offset, u64 salt}, then the
// image (.eh_frame_hdr and .eh_frame somewhere in it), then stack_size bytes of stack.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "unwind/remote_unwind.h"
#include "unwind/unwinder.h"

namespace {

using namespace flarestack;  // NOLINT: a program of its own

struct Header {
  uint16_t hdr_offset;
  uint16_t hdr_size;
  uint16_t stack_size;
  uint16_t flags;
  uint64_t pc_offset;
  uint64_t salt;
};
static_assert(sizeof(Header) == 24);

Unwinder* make_unwinder() {
  void* memory = mmap(nullptr, Unwinder::memory_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : Unwinder::create(memory);
}

// The bytes at their true size: what is read beyond them is seen.
std::unique_ptr<uint8_t[]> copy_of(const uint8_t* data, size_t size) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  std::copy(data, data + size, copy.get());
  return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Header header;
  if (size < sizeof header) {
    return 0;
  }
  std::memcpy(&header, data, sizeof header);
  data += sizeof header;
  size -= sizeof header;
  const size_t stack_size = std::min<size_t>(header.stack_size, size);
  const size_t image_size = size - stack_size;
  const auto image = copy_of(data, image_size);
  const auto stack = copy_of(data + image_size, stack_size);

  // The image and the stack are said to be where no memory is; local_delta leads to the copies.
  constexpr uint64_t kImage = 0x10000000, kStack = 0x7f0000000000;
  UnwindModule module;
  module.read_start = kImage;
  module.read_end = kImage + image_size;
  module.text_start = kImage;
  module.text_end = kImage + (uint64_t{1} << 31);
  module.eh_frame_hdr = kImage + header.hdr_offset;
  module.eh_frame_hdr_size = header.hdr_size;
  module.local_delta = static_cast<int64_t>(reinterpret_cast<uint64_t>(image.get()) - kImage);
  static uint64_t generation = 0;
  const ModuleSnapshot modules = {++generation, 1, &module};

  RemoteThreadState thread;
  for (unsigned i = 0; i < MachineRegisters::kCount; ++i) {
    const uint64_t where = header.salt >> (3 * i) & 7;
    thread.registers.value[i] = where < 4 ? kStack + 8 * i * where : header.salt * i;
  }
  thread.registers.value[MachineRegisters::kRip] = kImage + header.pc_offset;
  thread.registers.value[MachineRegisters::kRsp] = kStack + header.flags % 8 * 8;
  thread.known.bits = (header.flags & 8) != 0 ? RegisterMask::all().bits : header.flags | 1u << 7 | 1u << 16;
  thread.rip_kind = (header.flags & 16) != 0 ? AddressKind::kInstruction : AddressKind::kReturnAddress;
  thread.stack = {reinterpret_cast<const std::byte*>(stack.get()), stack_size};
  thread.stack_address = kStack;
  static RemoteUnwinder remote;
  if (remote.unwind(thread, modules).frames.size() > RemoteUnwinder::kMaxFrames) {
    __builtin_trap();
  }

  // The target's side reads its own stack: the copy, where it is. Nothing there may differ between a walk with the
  // cache and one without.
  static Unwinder* const unwinder = make_unwinder();
  MachineRegisters registers = thread.registers;
  const auto local = reinterpret_cast<uint64_t>(stack.get());
  registers.value[MachineRegisters::kRsp] += local - kStack;
  registers.value[MachineRegisters::kRbp] += local - kStack;
  const StackBounds bounds = {local, local + stack_size};
  const StackTrace first = unwinder->unwind(registers, thread.rip_kind, modules, bounds);
  const uint32_t count = first.count;
  const UnwindEnd end = first.end;
  const StackTrace second = unwinder->unwind(registers, thread.rip_kind, modules, bounds);
  if (second.count != count || second.kept != count || second.end != end) {
    __builtin_trap();
  }
  return 0;
}
