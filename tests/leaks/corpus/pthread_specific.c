// SPDX-License-Identifier: Apache-2.0
// pthread_setspecific: key numbers below 32, above 32, with and without a destructor.
#include "ends.h"

pthread_key_t keys[60], with_destructor;

SITE void* site_low(void) { return malloc(20); }
SITE void* site_high(void) { return malloc(21); }
SITE void* site_running(void) { return malloc(22); }
SITE void* site_ended(void) { return malloc(23); }
SITE void* site_destroyed(void) { return malloc(24); }

static void set_ended(void) {
  pthread_setspecific(keys[7], site_ended());
  pthread_setspecific(keys[57], site_ended());
  pthread_setspecific(with_destructor, site_destroyed());
}
static void set_running(void) {
  pthread_setspecific(keys[8], site_running());
  pthread_setspecific(keys[58], site_running());
}
static void* ends(void* argument) {
  run(set_ended);
  return argument;
}
static void* runs(void* argument) {
  run(set_running);
  wait_for_ever();
  return argument;
}
static void body(void) {
  for (int i = 0; i < 60; ++i) pthread_key_create(&keys[i], NULL);
  pthread_key_create(&with_destructor, free);
  pthread_setspecific(keys[3], site_low());
  pthread_setspecific(keys[50], site_high());
  pthread_t id;
  pthread_create(&id, NULL, ends, NULL);
  pthread_join(id, NULL);
  pthread_create(&id, NULL, runs, NULL);
  await_waiting(1);
}

int main(void) {
  run(body);
  return 0;
}
