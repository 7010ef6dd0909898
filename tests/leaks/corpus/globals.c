// SPDX-License-Identifier: Apache-2.0
// Held by globals: data, bss, a pointer in an array, one in a struct, and one that was overwritten.
#include "corpus.h"

static struct {
  long number;
  void* pointer;
} in_data = {7, &in_data};
void* in_bss;
static void* array[100];
void* overwritten;

SITE void* site_data(void) { return malloc(11); }
SITE void* site_bss(void) { return malloc(22); }
SITE void* site_array(void) { return malloc(33); }
SITE void* site_overwritten(void) { return malloc(44); }

static void body(void) {
  in_data.pointer = site_data();
  in_bss = site_bss();
  for (int i = 0; i < 100; i += 9) array[i] = site_array();
  overwritten = site_overwritten();
  overwritten = NULL;
}

int main(void) {
  run(body);
  return in_data.pointer == NULL || array[99] == NULL;
}
