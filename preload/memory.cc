// SPDX-License-Identifier: Apache-2.0
// The four functions that the compiler itself calls. Hidden, so that the target's own are neither used nor replaced.
#include <cstddef>
#include <cstdint>

extern "C" {

// All four: [signal], as the C standard has them.
__attribute__((visibility("hidden"))) void* memcpy(void* destination, const void* source, size_t count) {
  void* cursor = destination;
  asm volatile("rep movsb" : "+D"(cursor), "+S"(source), "+c"(count) : : "memory");
  return destination;
}

__attribute__((visibility("hidden"))) void* memset(void* destination, int value, size_t count) {
  void* cursor = destination;
  asm volatile("rep stosb" : "+D"(cursor), "+c"(count) : "a"(value) : "memory");
  return destination;
}

__attribute__((visibility("hidden"))) void* memmove(void* destination, const void* source, size_t count) {
  auto* to = static_cast<uint8_t*>(destination);
  const auto* from = static_cast<const uint8_t*>(source);
  if (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= count) {
    return memcpy(destination, source, count);
  }
  while (count-- != 0) {
    to[count] = from[count];
    asm volatile("" : : : "memory");  // or the compiler recognises the loop and makes it a call of this very function
  }
  return destination;
}

__attribute__((visibility("hidden"))) int memcmp(const void* left, const void* right, size_t count) {
  const auto* a = static_cast<const uint8_t*>(left);
  const auto* b = static_cast<const uint8_t*>(right);
  for (size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) {
      return a[i] - b[i];
    }
  }
  return 0;
}

}  // extern "C"
