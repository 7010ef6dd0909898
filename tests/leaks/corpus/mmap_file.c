// SPDX-License-Identifier: Apache-2.0
// Held by mapped files, private and shared.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "corpus.h"

SITE void* site_private(void) { return malloc(100); }
SITE void* site_shared(void) { return malloc(200); }

static void body(void) {
  const int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  ftruncate(fd, 8192);
  void** one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  void** other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
  close(fd);
  unlink("file");
  one[1] = site_private();
  other[2] = site_shared();
}

int main(void) {
  run(body);
  return 0;
}
