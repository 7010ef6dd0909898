// SPDX-License-Identifier: Apache-2.0
// atexit and on_exit handlers that free, and one that leaks.
#define _DEFAULT_SOURCE
#include "corpus.h"

void *by_atexit, *by_on_exit;

SITE void* site_atexit(void) { return malloc(15); }
SITE void* site_on_exit(void) { return malloc(16); }
SITE void site_in_handler(void) { malloc(17); }

static void release(void) {
  free(by_atexit);
  by_atexit = NULL;
  run(site_in_handler);
}
static void release_argument(int status, void* argument) {
  (void)status;
  free(argument);
  by_on_exit = NULL;
}
static void body(void) {
  atexit(release);
  by_atexit = site_atexit();
  by_on_exit = site_on_exit();
  on_exit(release_argument, by_on_exit);
}

int main(void) {
  run(body);
  return 0;
}
