// SPDX-License-Identifier: Apache-2.0
// getaddrinfo and the user database: what is asked for is freed, what libc keeps for itself is not the program's.
#include <netdb.h>
#include <pwd.h>

#include "corpus.h"

SITE void site_freed(void) {
  struct addrinfo* found = NULL;
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
  if (getaddrinfo("127.0.0.1", "80", &hints, &found) == 0) freeaddrinfo(found);
}
SITE void* site_block(void) { return malloc(8); }

static void body(void) {
  site_freed();
  if (getpwuid(0) == NULL) abort();
  site_block();
}

int main(void) {
  run(body);
  return 0;
}
