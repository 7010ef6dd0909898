// flags: -O2
// quotes: qword ptr \[r
// SPDX-License-Identifier: Apache-2.0
// shows: a list of 64 MiB, each element of which says where the next one is, in random order. looks_like: as many loads
// of elements one behind the other, whose addresses need none of what was loaded.
#include "work.h"

enum { COUNT = 1 << 20 };
struct element {
  struct element* next;
  long value;
  char rest[48];
};
static struct element* elements;

FUNCTION long shows(struct element* first, long count) {
  long sum = 0;
  for (struct element* each = first; count-- > 0; each = each->next) sum += each->value;
  return sum;
}

FUNCTION long looks_like(struct element* first, long count) {
  long sum = 0;
  for (struct element* each = first; count-- > 0; ++each) sum += each->value;
  return sum;
}

int main(void) {
  elements = malloc(sizeof *elements * COUNT);
  unsigned* order = malloc(sizeof *order * COUNT);
  for (unsigned i = 0; i < COUNT; ++i) order[i] = i;
  for (unsigned i = COUNT - 1; i > 0; --i) {
    const unsigned other = (unsigned)rand() % (i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (unsigned i = 0; i < COUNT; ++i) {
    elements[order[i]].next = &elements[order[(i + 1) % COUNT]];
    elements[order[i]].value = i;
  }
  RUN(sink += shows(&elements[order[0]], 100000))
  RUN(sink += looks_like(elements, 100000))
}
