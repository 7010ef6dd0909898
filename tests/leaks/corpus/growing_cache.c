// SPDX-License-Identifier: Apache-2.0
// A table by hash with chains, some entries evicted and freed, some evicted and forgotten.
#include "corpus.h"

struct entry {
  struct entry* next;
  char* name;
  int number;
};
struct entry* buckets[64];

SITE struct entry* site_entry(void) { return calloc(1, sizeof(struct entry)); }
SITE char* site_name(int number) {
  char* name = malloc(20);
  snprintf(name, 20, "entry %d", number);
  return name;
}

static void insert(int number) {
  struct entry* entry = site_entry();
  entry->number = number;
  entry->name = site_name(number);
  entry->next = buckets[number % 64];
  buckets[number % 64] = entry;
}
static void evict(int bucket) {
  struct entry* entry = buckets[bucket];
  buckets[bucket] = entry->next;
  if (bucket % 3) {
    if (bucket % 2) free(entry->name);
    free(entry);
  }
}

static void body(void) {
  for (int i = 0; i < 640; ++i) insert(i);
  for (int i = 0; i < 64; ++i) evict(i);
}

int main(void) {
  run(body);
  return 0;
}
