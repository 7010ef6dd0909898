// SPDX-License-Identifier: Apache-2.0
// A pool of the program's own in mapped memory: its chunks hold malloc's blocks.
#include <sys/mman.h>

#include "corpus.h"

static struct { char *next, *end; } pool;
struct chunk {
  struct chunk* next;
  char* name;
} * list;

static void* pool_chunk(size_t size) {
  if (!pool.next) {
    pool.next = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pool.end = pool.next + (1 << 16);
  }
  void* chunk = pool.next;
  pool.next += size;
  return chunk;
}

SITE char* site_name(int i) { return malloc(10 + i); }

static void body(void) {
  for (int i = 0; i < 20; ++i) {
    struct chunk* chunk = pool_chunk(sizeof *chunk);
    chunk->next = list;
    chunk->name = site_name(i);
    list = chunk;
  }
  for (int i = 0; i < 5; ++i) {
    list->name = NULL;
    list = list->next;
  }
}

int main(void) {
  run(body);
  return 0;
}
