#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# System calls that block and that a signal handler makes fail with EINTR, whatever SA_RESTART says: each waits many times, by
# a timeout or until another thread wakes it, in a thread that works until the moment it waits, while others burn. None is
# interrupted, by the CPU clock at 1 and 10 kHz nor by the wall clock at its highest rate.
source "$(dirname "$0")/lib.sh"

cc_program target -Wno-unused-result <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kWaitMs = 20 };
static int rounds = 15;
typedef struct Case {
  const char* name;
  long (*call)(struct Case*);   // blocks; its result, errno if negative
  void (*wake)(struct Case*);   // NULL: it has a timeout
  int fd, other;                // of the case's own
  pthread_t thread;
  atomic_int word;
  int interrupted, done;
} Case;
static const struct timespec kWait = {0, kWaitMs * 1000000L};
static struct timespec later(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += kWait.tv_nsec;
  return t.tv_nsec < 1000000000 ? t : (struct timespec){t.tv_sec + 1, t.tv_nsec - 1000000000};
}
static atomic_int over;
static void work(long us) {
  struct timespec from, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do {
    for (volatile int i = 0; i < 5000; ++i) {}
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}
static void* burner(void* argument) { while (!over) work(1000); return argument; }

static long call_poll(Case* c) { struct pollfd p = {c->fd, POLLIN, 0}; return poll(&p, 1, kWaitMs); }
static long call_ppoll(Case* c) { struct pollfd p = {c->fd, POLLIN, 0}; return ppoll(&p, 1, &kWait, NULL); }
static long call_select(Case* c) { struct timeval t = {0, kWaitMs * 1000}; fd_set s; FD_ZERO(&s); FD_SET(c->fd, &s); return select(c->fd + 1, &s, 0, 0, &t); }
static long call_pselect(Case* c) { fd_set s; FD_ZERO(&s); FD_SET(c->fd, &s); return pselect(c->fd + 1, &s, 0, 0, &kWait, NULL); }
static long call_epoll_wait(Case* c) { struct epoll_event e; return epoll_wait(c->fd, &e, 1, kWaitMs); }
static long call_epoll_pwait(Case* c) { struct epoll_event e; sigset_t s; sigemptyset(&s); return epoll_pwait(c->fd, &e, 1, kWaitMs, &s); }
static long call_epoll_pwait2(Case* c) { struct epoll_event e; return syscall(441, c->fd, &e, 1, &kWait, NULL, 8); }
static long call_nanosleep(Case* c) { (void)c; return nanosleep(&kWait, NULL); }
static long call_clock_nanosleep(Case* c) { (void)c; struct timespec t = later(CLOCK_MONOTONIC); errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL); return errno ? -1 : 0; }
static long call_read(Case* c) { char b[64]; return read(c->fd, b, sizeof b); }
static long call_recv(Case* c) { char b[64]; return recv(c->fd, b, sizeof b, 0); }
static long call_accept(Case* c) { int fd = accept(c->fd, NULL, NULL); if (fd >= 0) close(fd); return fd; }
static long call_semop(Case* c) { struct sembuf s = {0, -1, 0}; return semop(c->fd, &s, 1); }
static long call_semtimedop(Case* c) { struct sembuf s = {0, -1, 0}; return semtimedop(c->fd, &s, 1, &kWait); }
static long call_msgrcv(Case* c) { struct { long type; char b[8]; } m; return msgrcv(c->fd, &m, 8, 0, 0); }
static long call_sigtimedwait(Case* c) { (void)c; sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigtimedwait(&s, NULL, &kWait); }
static long call_sigwaitinfo(Case* c) { (void)c; sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigwaitinfo(&s, NULL); }
static __thread volatile sig_atomic_t handled;
static void on_signal(int number) { handled = number; }
static long call_sigsuspend(Case* c) {  // EINTR is its success, once there was a signal of ours
  (void)c; sigset_t s; pthread_sigmask(SIG_SETMASK, NULL, &s); sigdelset(&s, SIGUSR1); handled = 0; sigsuspend(&s);
  errno = EINTR;
  return handled == SIGUSR1 ? 0 : -1;
}
static long futex(Case* c, int op, const struct timespec* t) { return syscall(SYS_futex, &c->word, op | FUTEX_PRIVATE_FLAG, 0, t, NULL, ~0); }
static long call_futex(Case* c) { long r = futex(c, FUTEX_WAIT, NULL); c->word = 0; return r; }
static long call_futex_timeout(Case* c) { return futex(c, FUTEX_WAIT, &kWait); }
static long call_futex_bitset(Case* c) { struct timespec t = later(CLOCK_MONOTONIC); return futex(c, FUTEX_WAIT_BITSET, &t); }
static long call_wait4(Case* c) { (void)c; pid_t p = fork(); if (p == 0) { nanosleep(&kWait, NULL); _exit(0); } return wait4(p, NULL, 0, NULL) == p ? 0 : -1; }
static long call_waitid(Case* c) { (void)c; pid_t p = fork(); siginfo_t i; if (p == 0) { nanosleep(&kWait, NULL); _exit(0); } return waitid(P_PID, p, &i, WEXITED); }
static long call_flock(Case* c) { long r = flock(c->fd, LOCK_EX); if (r == 0) flock(c->fd, LOCK_UN); return r; }
static long call_setlk(Case* c) { struct flock l = {.l_type = F_WRLCK}; long r = fcntl(c->fd, F_OFD_SETLKW, &l); l.l_type = F_UNLCK; fcntl(c->fd, F_OFD_SETLK, &l); return r; }
static long call_mq(Case* c) { char b[64]; struct timespec t = later(CLOCK_REALTIME); return mq_timedreceive(c->fd, b, sizeof b, NULL, &t); }
static long call_uring(Case* c) {
  struct __kernel_timespec t = {0, kWait.tv_nsec};
  struct io_uring_getevents_arg a = {.ts = (unsigned long)&t};
  return syscall(SYS_io_uring_enter, c->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, sizeof a);
}
static void wake_write(Case* c) { write(c->other, "12345678", 8); }
static void wake_inotify(Case* c) { (void)c; close(open("watched", O_CREAT | O_WRONLY | O_TRUNC, 0600)); }
static void wake_connect(Case* c) {
  struct sockaddr_un a; socklen_t n = sizeof a; getsockname(c->fd, (struct sockaddr*)&a, &n);
  int s = socket(AF_UNIX, SOCK_STREAM, 0); connect(s, (struct sockaddr*)&a, n); close(s);
}
static void wake_semop(Case* c) { struct sembuf s = {0, 1, 0}; semop(c->fd, &s, 1); }
static void wake_msg(Case* c) { struct { long type; char b[8]; } m = {1, "x"}; msgsnd(c->fd, &m, 8, 0); }
static void wake_usr1(Case* c) { pthread_kill(c->thread, SIGUSR1); }
static void wake_usr2(Case* c) { pthread_kill(c->thread, SIGUSR2); }
static void wake_futex(Case* c) { c->word = 1; syscall(SYS_futex, &c->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
static void wake_unflock(Case* c) { flock(c->other, LOCK_UN); }
static void wake_unlock(Case* c) { struct flock l = {.l_type = F_UNLCK}; fcntl(c->other, F_OFD_SETLK, &l); }
static void* waker(void* argument) {
  Case* c = argument;
  struct timespec t = later(CLOCK_MONOTONIC);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  c->wake(c);
  return NULL;
}
static void* run(void* argument) {
  Case* c = argument;
  for (int i = 0; i < rounds; ++i) {
    if (c->call == call_flock) flock(c->other, LOCK_EX);
    struct flock lock = {.l_type = F_WRLCK};
    if (c->call == call_setlk) fcntl(c->other, F_OFD_SETLKW, &lock);
    struct itimerspec times = {{0, 0}, kWait};
    if (strcmp(c->name, "timerfd") == 0) timerfd_settime(c->fd, 0, &times, NULL);
    pthread_t other;
    if (c->wake != NULL) pthread_create(&other, NULL, waker, c);
    work(1500);
    errno = 0;
    long result = c->call(c);
    c->interrupted += result < 0 && errno == EINTR;
    c->done += result >= 0 || errno == ETIMEDOUT || errno == EAGAIN || errno == ETIME;
    if (c->wake != NULL) pthread_join(other, NULL);
  }
  return NULL;
}
static int pipe_end(int* other) { int p[2]; pipe(p); if (other) *other = p[1]; return p[0]; }
static int pair(int* other, int timeout) {
  int p[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  struct timeval t = {0, kWaitMs * 1000};
  if (timeout) setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  *other = p[1];
  return p[0];
}
static int listener(int timeout) {
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  bind(s, (struct sockaddr*)&a, sizeof a.sun_family);
  listen(s, 50);
  struct timeval t = {0, kWaitMs * 1000};
  if (timeout) setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  return s;
}
static int epoll(void) { int e = epoll_create1(0); struct epoll_event ev = {EPOLLIN, {0}}; epoll_ctl(e, EPOLL_CTL_ADD, pipe_end(NULL), &ev); return e; }
static int file(const char* path) { return open(path, O_CREAT | O_RDWR, 0600); }
int main(int count, char** arguments) {
  if (count > 1) rounds = atoi(arguments[1]);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR1);
  sigaddset(&mine, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &mine, NULL);
  close(file("watched"));
  struct io_uring_params params = {0};
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
  char queue[32];
  snprintf(queue, sizeof queue, "/flarestack-%d", getpid());
  int watch = inotify_init(), event = eventfd(0, 0), o = -1;
  inotify_add_watch(watch, "watched", IN_CLOSE_WRITE);
  static Case cases[] = {
      {"poll", call_poll}, {"ppoll", call_ppoll}, {"select", call_select}, {"pselect", call_pselect},
      {"epoll_wait", call_epoll_wait}, {"epoll_pwait", call_epoll_pwait}, {"epoll_pwait2", call_epoll_pwait2},
      {"nanosleep", call_nanosleep}, {"clock_nanosleep", call_clock_nanosleep},
      {"futex", call_futex, wake_futex}, {"futex with a timeout", call_futex_timeout}, {"futex bitset", call_futex_bitset},
      {"wait4", call_wait4}, {"waitid", call_waitid},
      {"sigtimedwait", call_sigtimedwait}, {"sigwaitinfo", call_sigwaitinfo, wake_usr2}, {"sigsuspend", call_sigsuspend, wake_usr1},
      {"read of a pipe", call_read, wake_write}, {"read of a socket with a timeout", call_read}, {"recv", call_recv, wake_write},
      {"recv with a timeout", call_recv}, {"accept", call_accept, wake_connect}, {"accept with a timeout", call_accept},
      {"eventfd", call_read, wake_write}, {"timerfd", call_read}, {"inotify", call_read, wake_inotify},
      {"semop", call_semop, wake_semop}, {"semtimedop", call_semtimedop}, {"msgrcv", call_msgrcv, wake_msg},
      {"flock", call_flock, wake_unflock}, {"fcntl lock", call_setlk, wake_unlock}, {"mq_timedreceive", call_mq}, {"io_uring_enter", call_uring},
  };
  enum { kCases = sizeof cases / sizeof cases[0] };
  for (Case* c = cases; c < cases + kCases; ++c) {
    int wakes = c->wake != NULL;
    c->fd = c->call == call_read || c->call == call_poll || c->call == call_ppoll || c->call == call_select || c->call == call_pselect ? pipe_end(&c->other)
          : strncmp(c->name, "epoll", 5) == 0 ? epoll()
          : c->call == call_recv ? pair(&c->other, !wakes) : c->call == call_accept ? listener(!wakes)
          : c->call == call_semop || c->call == call_semtimedop ? semget(IPC_PRIVATE, 1, 0600) : c->call == call_msgrcv ? msgget(IPC_PRIVATE, 0600)
          : c->call == call_flock || c->call == call_setlk ? file(c->name) : c->call == call_mq ? mq_open(queue, O_CREAT | O_RDWR, 0600, &attributes)
          : c->call == call_uring ? (int)syscall(SYS_io_uring_setup, 4, &params) : -1;
    if (c->call == call_flock || c->call == call_setlk) c->other = file(c->name);
    if (strstr(c->name, "read of a socket")) c->fd = pair(&o, 1);
    if (strcmp(c->name, "eventfd") == 0) c->fd = c->other = event;
    if (strcmp(c->name, "timerfd") == 0) c->fd = timerfd_create(CLOCK_MONOTONIC, 0);
    if (strcmp(c->name, "inotify") == 0) c->fd = watch;
  }
  mq_unlink(queue);
  pthread_t burn;
  pthread_create(&burn, NULL, burner, NULL);
  for (Case* c = cases; c < cases + kCases; ++c) pthread_create(&c->thread, NULL, run, c);
  for (Case* c = cases; c < cases + kCases; ++c) {
    pthread_join(c->thread, NULL);
    printf("%s: %d interrupted, %d done\n", c->name, c->interrupted, c->done);
    if (c->call == call_semop || c->call == call_semtimedop) semctl(c->fd, 0, IPC_RMID);
    if (c->call == call_msgrcv) msgctl(c->fd, IPC_RMID, NULL);
  }
  over = 1;
  pthread_join(burn, NULL);
  return 0;
}
C

for options in "--cpu 1000" "--cpu 10000" "--clock wall --cpu 10000"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  [ "$(grep -c ': 0 interrupted, 15 done$' bare.out)" -ge 32 ] || fail "$(cat bare.out)"  # io_uring may be forbidden
done

# Nor by a look for leaks, which stops all threads wherever they wait: again and again until the program has ended.
./target 100 >bare.out 2>bare.err </dev/null
timeout 100 "$FLARESTACK" record --quiet --no-cpu --no-children -o t.flare -- ./target 100 >recorded.out 2>recorded.err </dev/null &
recorder=$!
for _ in $(seq 1000); do
  target=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack || echo 1)" -x target) && break
  read -rt 0.01 <> <(:) || true
done
while kill -0 "$target" 2>kill.err; do timeout 60 "$FLARESTACK" leaks --now "$target" --top 1 >now.out 2>now.err || true; done
status=0
wait "$recorder" || status=$?
[ "$status" = 0 ] || fail "looked at: status $status: $(tail -3 recorded.err)"
cmp bare.out recorded.out || fail "looked at, stdout differs: $(diff bare.out recorded.out | head -5)"
cmp bare.err recorded.err || fail "looked at, stderr differs: $(diff bare.err recorded.err | head -5)"
"$FLARESTACK" info --records t.flare >records
[ "$(grep -c '^leak_check .* problem=""' records)" -ge 20 ] || fail "checks: $(grep leak_check records)"

# A signal that is ignored is queued while the thread that it is for is traced, and wakes another one of the process.
cc_program forks <<'C'
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile int stop;
static void* waits(void* argument) {
  long interrupted = 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  const struct timespec limit = {0, 3000000};
  while (!stop) if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EINTR) ++interrupted;
  printf("%ld interrupted\n", interrupted);
  return argument;
}
static void* forks(void* argument) {
  while (!stop) {
    const pid_t child = fork();
    if (child == 0) { usleep(200); _exit(0); }
    while (waitpid(child, NULL, 0) < 0) {}
  }
  return argument;
}
int main(int argc, char** argv) {
  pthread_t ids[6];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 6; ++i) pthread_create(&ids[i], NULL, i < 4 ? waits : forks, NULL);
  const time_t end = time(NULL) + atoi(argv[argc - 1]);
  while (time(NULL) < end) usleep(100000);
  stop = 1;
  for (int i = 0; i < 6; ++i) pthread_join(ids[i], NULL);
  return 0;
}
C
timeout 100 "$FLARESTACK" record --quiet --no-cpu --no-children -o forks.flare -- ./forks 8 >recorded.out 2>recorded.err </dev/null &
recorder=$!
for _ in $(seq 1000); do
  target=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack || echo 1)" -x forks) && break
  read -rt 0.01 <> <(:) || true
done
while kill -0 "$target" 2>kill.err; do timeout 60 "$FLARESTACK" leaks --now "$target" --top 1 >now.out 2>now.err || true; done
wait "$recorder" || fail "a program that forks, looked at: status $?: $(tail -3 recorded.err)"
[ "$(sort recorded.out | uniq -c | tr -s ' ')" = " 4 0 interrupted" ] || fail "ignored signals interrupt: $(cat recorded.out)"
