// SPDX-License-Identifier: Apache-2.0
// Calls that block, each of which waits 20 ms, by a timeout or until it is woken, in a thread that works until the moment
// it waits; it says how often one was interrupted or ended early, and whether what it was woken with arrived.
//   blocking_calls ROUNDS         each in a thread of its own; ROUNDS 0: until there is a file named `end`
//   blocking_calls ROUNDS NUMBER  one of them, in a process of one thread, which another process wakes
// progress.PID: an int32 for each call, how often it has come back.
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
#include <sys/mman.h>
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
  pid_t process, tid;
  atomic_int word;
  atomic_long woken;            // how often
  int rounds, interrupted, early, lost, done;
  int* progress;
} Case;
static int alone;               // in a process of one thread
static const struct timespec kWait = {0, kWaitMs * 1000000L};
static struct timespec later(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += kWait.tv_nsec;
  return t.tv_nsec < 1000000000 ? t : (struct timespec){t.tv_sec + 1, t.tv_nsec - 1000000000};
}
static atomic_int over;
static char watched[32];        // a file
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
// What it was woken with is the number of the wake.
static long got(Case* c, long size, const char* bytes) {
  long number = 0;
  memcpy(&number, bytes, sizeof number);
  c->lost += size >= 0 && (size != sizeof number || number != c->woken);
  return size;
}
static void wake_write(Case* c);
static long call_read(Case* c) { char b[64]; long r = read(c->fd, b, sizeof b); return c->wake == wake_write ? got(c, r, b) : r; }
static long call_recv(Case* c) { char b[64]; return got(c, recv(c->fd, b, sizeof b, 0), b); }
static long call_accept(Case* c) { int fd = accept(c->fd, NULL, NULL); if (fd >= 0) close(fd); return fd; }
static long call_semop(Case* c) { struct sembuf s = {0, -1, 0}; return semop(c->fd, &s, 1); }
static long call_semtimedop(Case* c) { struct sembuf s = {0, -1, 0}; return semtimedop(c->fd, &s, 1, &kWait); }
static long call_msgrcv(Case* c) { struct { long type; char b[8]; } m; return got(c, msgrcv(c->fd, &m, 8, 0, 0), m.b); }
static long call_sigtimedwait(Case* c) { (void)c; sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigtimedwait(&s, NULL, &kWait); }
static long call_sigwaitinfo(Case* c) { (void)c; sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigwaitinfo(&s, NULL); }
static __thread volatile sig_atomic_t handled;
static void on_signal(int number) { handled = number; }
static long call_sigsuspend(Case* c) {  // EINTR is its success, once there was a signal of ours
  (void)c; sigset_t s; pthread_sigmask(SIG_SETMASK, NULL, &s); sigdelset(&s, SIGUSR1); handled = 0; sigsuspend(&s);
  errno = EINTR;
  return handled == SIGUSR1 ? 0 : -1;
}
static long futex(Case* c, int op, const struct timespec* t) { return syscall(SYS_futex, &c->word, op | (alone ? 0 : FUTEX_PRIVATE_FLAG), 0, t, NULL, ~0); }
static long call_futex(Case* c) { long r = futex(c, FUTEX_WAIT, NULL); c->lost += c->word != 1; c->word = 0; return r; }
static long call_futex_timeout(Case* c) { return futex(c, FUTEX_WAIT, &kWait); }
static long call_futex_bitset(Case* c) { struct timespec t = later(CLOCK_MONOTONIC); return futex(c, FUTEX_WAIT_BITSET, &t); }
static pid_t child(void) { pid_t p = fork(); if (p == 0) { nanosleep(&kWait, NULL); _exit(7); } return p; }
static long call_wait4(Case* c) { int s = 0; pid_t p = child(); long r = wait4(p, &s, 0, NULL); c->lost += r == p && s != 7 << 8; return r == p ? 0 : -1; }
static long call_waitid(Case* c) { siginfo_t i = {0}; long r = waitid(P_PID, child(), &i, WEXITED); c->lost += r == 0 && i.si_status != 7; return r; }
static long call_flock(Case* c) { long r = flock(c->fd, LOCK_EX); if (r == 0) flock(c->fd, LOCK_UN); return r; }
static long call_setlk(Case* c) { struct flock l = {.l_type = F_WRLCK}; long r = fcntl(c->fd, F_OFD_SETLKW, &l); l.l_type = F_UNLCK; fcntl(c->fd, F_OFD_SETLK, &l); return r; }
static long call_mq(Case* c) { char b[64]; struct timespec t = later(CLOCK_REALTIME); return mq_timedreceive(c->fd, b, sizeof b, NULL, &t); }
static long call_uring(Case* c) {
  struct __kernel_timespec t = {0, kWait.tv_nsec};
  struct io_uring_getevents_arg a = {.ts = (unsigned long)&t};
  return syscall(SYS_io_uring_enter, c->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, sizeof a);
}
static void wake_write(Case* c) { long number = c->woken; write(c->other, &number, sizeof number); }
static void wake_inotify(Case* c) { (void)c; close(open(watched, O_CREAT | O_WRONLY | O_TRUNC, 0600)); }
static void wake_connect(Case* c) {
  struct sockaddr_un a; socklen_t n = sizeof a; getsockname(c->fd, (struct sockaddr*)&a, &n);
  int s = socket(AF_UNIX, SOCK_STREAM, 0); connect(s, (struct sockaddr*)&a, n); close(s);
}
static void wake_semop(Case* c) { struct sembuf s = {0, 1, 0}; semop(c->fd, &s, 1); }
static void wake_msg(Case* c) { struct { long type, number; } m = {1, c->woken}; msgsnd(c->fd, &m, 8, 0); }
static void wake_usr1(Case* c) { syscall(SYS_tgkill, c->process, c->tid, SIGUSR1); }
static void wake_usr2(Case* c) { syscall(SYS_tgkill, c->process, c->tid, SIGUSR2); }
static void wake_futex(Case* c) { c->word = 1; syscall(SYS_futex, &c->word, FUTEX_WAKE | (alone ? 0 : FUTEX_PRIVATE_FLAG), 1, NULL, NULL, 0); }
static void wake_unflock(Case* c) { flock(c->other, LOCK_UN); }
static void wake_unlock(Case* c) { struct flock l = {.l_type = F_UNLCK}; fcntl(c->other, F_OFD_SETLK, &l); }
static void* waker(void* argument) {
  Case* c = argument;
  struct timespec t = later(CLOCK_MONOTONIC);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  ++c->woken;
  c->wake(c);
  return NULL;
}
// The process that wakes another one's only thread 20 ms after each byte of a pipe, whose end to write to is returned.
static int start_waker(Case* c) {
  int p[2];
  char byte;
  pipe(p);
  if (fork() != 0) { close(p[0]); return p[1]; }
  close(p[1]);
  while (read(p[0], &byte, 1) == 1) waker(c);
  _exit(0);
}
static long ns_since(const struct timespec* from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - from->tv_sec) * 1000000000L + now.tv_nsec - from->tv_nsec;
}
// A wakeup for nothing in the last tick of SO_RCVTIMEO's time, which the kernel counts in ticks, is its end.
enum { kTickNs = 10000000 };
static void* run(void* argument) {
  Case* c = argument;
  c->process = getpid();
  c->tid = (pid_t)syscall(SYS_gettid);
  const int bell = alone && c->wake != NULL ? start_waker(c) : -1;
  const int is_timed = c->wake == NULL && c->call != call_wait4 && c->call != call_waitid;
  for (; rounds != 0 ? c->rounds < rounds : access("end", F_OK) != 0; ++c->rounds) {
    if (c->call == call_flock) flock(c->other, LOCK_EX);
    struct flock lock = {.l_type = F_WRLCK};
    if (c->call == call_setlk) fcntl(c->other, F_OFD_SETLKW, &lock);
    struct itimerspec times = {{0, 0}, kWait};
    struct timespec from;
    pthread_t other;
    if (bell >= 0) write(bell, "", 1);
    else if (c->wake != NULL) pthread_create(&other, NULL, waker, c);
    work(1500);
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (strcmp(c->name, "timerfd") == 0) timerfd_settime(c->fd, 0, &times, NULL);
    errno = 0;
    long result = c->call(c);
    int error = errno;
    c->early += is_timed ? ns_since(&from) < kWait.tv_nsec - kTickNs * (strstr(c->name, " with a timeout") != NULL) : c->wake != NULL && c->woken != c->rounds + 1;
    c->interrupted += result < 0 && error == EINTR;
    const int may_be_late = is_timed || c->call == call_futex;  // for what it was to wait for
    c->done += result >= 0 || (may_be_late && (error == ETIMEDOUT || error == EAGAIN || error == ETIME));
    if (bell < 0 && c->wake != NULL) pthread_join(other, NULL);
    ++*c->progress;
  }
  close(bell);
  return NULL;
}
static void say(const Case* c) {
  printf("%s: %d interrupted, %d early, %d lost, %d failed, ", c->name, c->interrupted, c->early, c->lost, c->rounds - c->done);
  printf(rounds != 0 ? "%d done\n" : c->done > 0 ? "some done\n" : "none done\n", c->done);
  if (c->call == call_semop || c->call == call_semtimedop) semctl(c->fd, 0, IPC_RMID);
  if (c->call == call_msgrcv) msgctl(c->fd, IPC_RMID, NULL);
}
static void* shared(size_t size, int fd) { return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0); }
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
  alone = count > 2;
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR1);
  sigaddset(&mine, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &mine, NULL);
  snprintf(watched, sizeof watched, "watched.%d", getpid());
  close(file(watched));
  struct io_uring_params params = {0};
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
  char queue[32];
  snprintf(queue, sizeof queue, "/flarestack-%d", getpid());
  int watch = inotify_init(), event = eventfd(0, 0), o = -1;
  inotify_add_watch(watch, watched, IN_CLOSE_WRITE);
  const Case table[] = {
      {"poll", call_poll}, {"ppoll", call_ppoll}, {"select", call_select}, {"pselect", call_pselect},
      {"epoll_wait", call_epoll_wait}, {"epoll_pwait", call_epoll_pwait}, {"epoll_pwait2", call_epoll_pwait2},
      {"nanosleep", call_nanosleep}, {"clock_nanosleep", call_clock_nanosleep},
      {"futex", call_futex, wake_futex}, {"timed futex", call_futex_timeout}, {"futex bitset", call_futex_bitset},
      {"wait4", call_wait4}, {"waitid", call_waitid},
      {"sigtimedwait", call_sigtimedwait}, {"sigwaitinfo", call_sigwaitinfo, wake_usr2}, {"sigsuspend", call_sigsuspend, wake_usr1},
      {"read of a pipe", call_read, wake_write}, {"read of a socket with a timeout", call_read}, {"recv", call_recv, wake_write},
      {"recv with a timeout", call_recv}, {"accept", call_accept, wake_connect}, {"accept with a timeout", call_accept},
      {"eventfd", call_read, wake_write}, {"timerfd", call_read}, {"inotify", call_read, wake_inotify},
      {"semop", call_semop, wake_semop}, {"semtimedop", call_semtimedop}, {"msgrcv", call_msgrcv, wake_msg},
      {"flock", call_flock, wake_unflock}, {"fcntl lock", call_setlk, wake_unlock}, {"mq_timedreceive", call_mq}, {"io_uring_enter", call_uring},
  };
  enum { kCases = sizeof table / sizeof table[0] };
  Case* cases = memcpy(shared(sizeof table, -1), table, sizeof table);
  char name[32];
  snprintf(name, sizeof name, "progress.%d", getpid());
  const int progress = file(name);
  Case *first = cases + (alone ? atoi(arguments[2]) : 0), *end = alone ? first + 1 : cases + kCases;
  ftruncate(progress, (end - first) * (long)sizeof(int));
  int* counts = shared(kCases * sizeof(int), progress);
  close(progress);
  for (Case* c = first; c < end; ++c) {
    int wakes = c->wake != NULL;
    c->progress = counts + (c - first);
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
  if (alone) {
    run(first);
    say(first);
    return 0;
  }
  pthread_t burn;
  pthread_create(&burn, NULL, burner, NULL);
  for (Case* c = cases; c < cases + kCases; ++c) pthread_create(&c->thread, NULL, run, c);
  for (Case* c = cases; c < cases + kCases; ++c) {
    pthread_join(c->thread, NULL);
    say(c);
  }
  over = 1;
  pthread_join(burn, NULL);
  return 0;
}
