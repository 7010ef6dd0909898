/* SPDX-License-Identifier: Apache-2.0
 *
 * flarestack.h: what a program can say of itself to a recording that flarestack makes of it: regions (named, nested
 * parts of the run), numbers, its own memory pools, and when to record. C99 and C++11; nothing to link. Where nothing
 * is recorded a call costs a load and a branch.
 *
 *   flarestack_token load = flarestack_begin("load");      // C
 *   flarestack_tag("rows", 1000);
 *   ...
 *   flarestack_end(load);
 *
 *   flarestack::Region region("load");                     // C++: ends with the scope
 *
 * Names are copied; the same name within the same region is one region. All functions may be called by any thread, and
 * by a forked child; a token ends its region in the thread that began it. docs/regions.md says what is recorded.
 *
 * The agent is found by two weak symbols, which are there when `flarestack record` has started the program. A
 * statically linked program, and one that was attached to while it ran, has none: then nothing here does anything.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t flarestack_token; /* 0: of a region that is not recorded */

typedef uint64_t (*flarestack_region_function)(const char* name, uint64_t token);
typedef void (*flarestack_tell_function)(uint64_t what, const char* name, uint64_t first, uint64_t second);

/* The agent's two functions, NULL where there is no agent. The address comes from the module's global offset table,
 * which the loader fills in whatever the module was compiled for. */
#if defined(__x86_64__) && defined(__linux__) && defined(__LP64__)
#define FLARESTACK_FIND_(type, symbol)                                              \
  type found;                                                                       \
  __asm__(".weak " symbol "\n\tmovq " symbol "@GOTPCREL(%%rip), %0" : "=r"(found)); \
  return found
#else
#define FLARESTACK_FIND_(type, symbol) return (type)0
#endif
static inline flarestack_region_function flarestack_find_region_(void) {
  FLARESTACK_FIND_(flarestack_region_function, "flarestack_region");
}
static inline flarestack_tell_function flarestack_find_tell_(void) {
  FLARESTACK_FIND_(flarestack_tell_function, "flarestack_tell");
}
#undef FLARESTACK_FIND_

static inline void flarestack_tell_(uint64_t what, const char* name, uint64_t first, uint64_t second) {
  const flarestack_tell_function tell = flarestack_find_tell_();
  if (tell != NULL) tell(what, name, first, second);
}

/* Whether an agent is there: the program is being recorded, or was. */
static inline int flarestack_is_recorded(void) { return flarestack_find_region_() != NULL; }

/* Begins a region of the calling thread, within the one that is open. */
static inline flarestack_token flarestack_begin(const char* name) {
  const flarestack_region_function region = flarestack_find_region_();
  return region != NULL && name != NULL ? region(name, 0) : 0;
}

/* Ends it, and what is still open within it. A token that is not open in this thread is counted and ends nothing. */
static inline void flarestack_end(flarestack_token token) {
  if (token != 0) flarestack_find_region_()(NULL, token);
}

/* A number of the innermost open region, such as how many rows it handles: recorded are count, sum, smallest, largest
 * and last of each name. */
static inline void flarestack_tag(const char* name, int64_t value) { flarestack_tell_(1, name, (uint64_t)value, 0); }

/* The same of the process as a whole. */
static inline void flarestack_counter(const char* name, int64_t value) {
  flarestack_tell_(2, name, (uint64_t)value, 0);
}

/* Pauses the recording of this process, and lets it go on: neither samples nor allocations are taken in between, and no
 * region begins. What is freed is taken note of, so that what is live stays right. With `flarestack record --paused` it
 * begins paused. */
static inline void flarestack_pause(void) { flarestack_tell_(3, NULL, 0, 0); }
static inline void flarestack_resume(void) { flarestack_tell_(4, NULL, 0, 0); }

/* A block that an allocator of the program's own has given out, out of memory that it got elsewhere; and, before it can
 * be given out again, that it is free. Told apart from the heap, by the name of the pool. */
static inline void flarestack_pool_allocated(const char* pool, const void* block, size_t size_bytes) {
  if (pool != NULL && block != NULL) flarestack_tell_(5, pool, (uint64_t)(uintptr_t)block, size_bytes);
}
static inline void flarestack_pool_freeing(const char* pool, const void* block) {
  if (pool != NULL && block != NULL) flarestack_tell_(6, pool, (uint64_t)(uintptr_t)block, 0);
}

#ifdef __cplusplus
} /* extern "C" */

namespace flarestack {

/* A region as long as it lives, in the thread that made it. */
class Region {
 public:
  explicit Region(const char* name) : token_(flarestack_begin(name)) {}
  Region(const char* name, const char* tag, int64_t value) : token_(flarestack_begin(name)) {
    flarestack_tag(tag, value);
  }
  ~Region() { flarestack_end(token_); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  flarestack_token token_;
};

/* Nothing is recorded as long as it lives. */
class Pause {
 public:
  Pause() { flarestack_pause(); }
  ~Pause() { flarestack_resume(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
};

} /* namespace flarestack */
#endif
