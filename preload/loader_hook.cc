// SPDX-License-Identifier: Apache-2.0
#include "preload/loader_hook.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <cstring>

#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr uint8_t kEndbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
constexpr uint8_t kReturn = 0xc3;
constexpr size_t kNearJumpBytes = 5;  // jmp rel32
constexpr size_t kFarJumpBytes = 12;  // mov $imm64, %rax; jmp *%rax
constexpr size_t kInspectedBytes = 32;

// Length of the padding instruction at `code`, 0 if it is none (Intel SDM, NOP: recommended multi-byte sequences).
size_t padding_length(const uint8_t* code, size_t available) {
  size_t at = 0;
  while (at < available && (code[at] == 0x66 || code[at] == 0x2e)) {
    ++at;
  }
  if (at < available && (code[at] == 0x90 || code[at] == 0xcc)) {
    return at + 1;
  }
  if (at + 2 >= available || code[at] != 0x0f || code[at + 1] != 0x1f) {
    return 0;
  }
  const uint8_t mode = code[at + 2] >> 6;
  const bool has_sib = (code[at + 2] & 7) == 4;
  return at + 3 + (has_sib ? 1 : 0) + (mode == 1 ? 1 : 0) + (mode == 2 ? 4 : 0);
}

// Bytes from the function's start that may be overwritten: an optional endbr64, a return, and padding.
size_t replaceable_bytes(const uint8_t* code) {
  size_t at = memcmp(code, kEndbr64, sizeof(kEndbr64)) == 0 ? sizeof(kEndbr64) : 0;
  if (code[at] != kReturn) {
    return 0;
  }
  ++at;
  while (at < kInspectedBytes) {
    const size_t length = padding_length(code + at, kInspectedBytes - at);
    if (length == 0) {
      break;
    }
    at += length;
  }
  return at;
}

}  // namespace

bool hook_loader(ElfW(Addr) notification_function, void (*function)()) {
  uint8_t code[kInspectedBytes];
  if (notification_function == 0 ||
      !safe_read(code, reinterpret_cast<const void*>(notification_function), sizeof(code))) {
    return false;
  }
  const size_t room = replaceable_bytes(code);
  const auto target = reinterpret_cast<uint64_t>(function);
  const auto distance = static_cast<int64_t>(target - notification_function - kNearJumpBytes);
  uint8_t jump[kFarJumpBytes];
  size_t length = 0;
  if (distance == static_cast<int32_t>(distance) && room >= kNearJumpBytes) {
    const auto relative = static_cast<int32_t>(distance);
    jump[0] = 0xe9;
    memcpy(jump + 1, &relative, sizeof(relative));
    length = kNearJumpBytes;
  } else if (room >= kFarJumpBytes) {
    jump[0] = 0x48;
    jump[1] = 0xb8;
    memcpy(jump + 2, &target, sizeof(target));
    jump[10] = 0xff;
    jump[11] = 0xe0;
    length = kFarJumpBytes;
  } else {
    return false;
  }
  // /proc/self/mem writes through the page protection, so that no page of the loader ever becomes writable.
  const long descriptor = raw_syscall(SYS_openat, AT_FDCWD, raw_pointer("/proc/self/mem"), O_RDWR | O_CLOEXEC, 0);
  if (raw_failed(descriptor)) {
    return false;
  }
  const long written = raw_syscall(SYS_pwrite64, descriptor, raw_pointer(jump), static_cast<long>(length),
                                   static_cast<long>(notification_function));
  raw_syscall(SYS_close, descriptor);
  return written == static_cast<long>(length);
}

}  // namespace flarestack::agent
