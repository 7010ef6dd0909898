// SPDX-License-Identifier: Apache-2.0
// Blocks behind a header, as many allocators keep them: the program's pointers are interior ones.
#include "corpus.h"

void* objects[12];

SITE char* site_object(size_t size) { return malloc(sizeof(long) * 2 + size); }
static void* make(size_t size) {
  long* header = (long*)site_object(size);
  header[0] = 0x7777;
  header[1] = 5;
  return header + 2;
}

static void body(void) {
  for (int i = 0; i < 12; ++i) objects[i] = make(10 * i);
}

int main(void) {
  run(body);
  return 0;
}
