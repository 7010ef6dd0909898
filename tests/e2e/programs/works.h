// SPDX-License-Identifier: Apache-2.0
// For programs that are attached to: threads that wait in system calls, which nothing may interrupt, and a look at
// whether all the others go on.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int stop;

__attribute__((unused)) static void* waits(void* argument) {
  const int limit_ms = 10;
  struct epoll_event event;
  struct timeval limit = {0, limit_ms * 1000};
  char byte;
  int pair[2];
  const int descriptor = epoll_create1(0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  while (!stop) {
    if (epoll_wait(descriptor, &event, 1, limit_ms) < 0) printf("epoll_wait: %d\n", errno);
    if (recv(pair[0], &byte, 1, 0) >= 0 || errno != EAGAIN) printf("recv: %d\n", errno);
  }
  return argument;
}

// How many of the threads count on within seconds.
__attribute__((unused)) static int go_on(const volatile long* rounds, int threads) {
  long then[16];
  int moved = 0;
  for (int i = 0; i < threads; ++i) then[i] = rounds[i];
  for (int tries = 0; tries < 5000 && moved != threads; ++tries) {
    usleep(1000);
    moved = 0;
    for (int i = 0; i < threads; ++i) moved += rounds[i] > then[i];
  }
  return moved;
}
