// SPDX-License-Identifier: Apache-2.0
// A program that is entered from outside, and checks that it notices nothing: registers, vector registers, red zone,
// results and times of system calls, signal mask, alternate stack, scheduling. Usage: remote_target MODE DESCRIPTOR.
// Compiled as C as well (musl).
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// NOLINTBEGIN: C
typedef struct {  // remote_target.h has the other side's
  volatile uint64_t progress;
  volatile uint64_t faults;
  volatile uint64_t interrupted;  // EINTR without a handler
  volatile uint64_t signals;
  volatile uint64_t function;
  volatile uint64_t spin;
  volatile uint64_t slow;
  char what[80];
} Shared;

static Shared* shared;
static stack_t alternate;

static void fault(const char* what) {
  if (shared->faults == 0) strcpy(shared->what, what);
  ++shared->faults;
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

__attribute__((noinline)) static uint64_t add_three(uint64_t a, uint64_t b, uint64_t c) {
  // Spoils what it may, and more.
  __asm__ volatile(
      "vpcmpeqd %%ymm0,%%ymm0,%%ymm0; vmovdqa %%ymm0,%%ymm1; vmovdqa %%ymm0,%%ymm7; vmovdqa %%ymm0,%%ymm15; fld1" ::
          : "memory", "xmm0", "xmm1", "xmm7", "xmm15");
  syscall(SYS_getpid);
  return a + 2 * b + 3 * c;
}

static void spin(void) {
  for (;;) {
    __asm__ volatile("");
  }
}

static uint64_t add_slowly(uint64_t a, uint64_t b, uint64_t c) {
  const uint64_t end_us = now_us() + 300000;
  while (now_us() < end_us) {
  }
  return add_three(a, b, c);
}

// Keeps values in all registers and in the red zone for a while; 0: they are as they were.
static uint64_t keep_registers(uint64_t rounds) {
  uint64_t bad = 0;
  __asm__ volatile(
      "push %%rbp; sub $256,%%rsp\n"
      "lea pattern_copy(%%rip),%%rax\n"
      "vmovdqu (%%rax),%%ymm0\n"
      "vmovdqa %%ymm0,%%ymm1; vmovdqa %%ymm0,%%ymm2; vmovdqa %%ymm0,%%ymm3; vmovdqa %%ymm0,%%ymm4\n"
      "vmovdqa %%ymm0,%%ymm5; vmovdqa %%ymm0,%%ymm6; vmovdqa %%ymm0,%%ymm7; vmovdqa %%ymm0,%%ymm8\n"
      "vmovdqa %%ymm0,%%ymm9; vmovdqa %%ymm0,%%ymm10; vmovdqa %%ymm0,%%ymm11; vmovdqa %%ymm0,%%ymm12\n"
      "vmovdqa %%ymm0,%%ymm13; vmovdqa %%ymm0,%%ymm14; vmovdqa %%ymm0,%%ymm15\n"
      "fldpi\n"
      "mov $0x1111,%%rbx; mov $0x2222,%%rdx; mov $0x3333,%%rsi; mov $0x4444,%%rdi; mov $0x5555,%%rbp\n"
      "mov $0x8888,%%r8; mov $0x9999,%%r9; mov $0xaaaa,%%r10; mov $0xbbbb,%%r11; mov $0xcccc,%%r12\n"
      "mov $0xdddd,%%r13; mov $0xeeee,%%r14; mov $0xffff,%%r15; mov $0x7777,%%eax\n"
      "mov %%rbx,-8(%%rsp); mov %%rdx,-64(%%rsp); mov %%rsi,-128(%%rsp)\n"
      "std\n"
      "1: dec %%rcx; jnz 1b\n"
      "pushf; andq $0x400,(%%rsp); xorq $0x400,(%%rsp); pop %%rcx; mov $0x1111,%%ebx; cld\n"
      // The pushf above took the first red zone word.
      "xor $0x7777,%%rax; or %%rax,%%rcx; xor $0x2222,%%rdx; or %%rdx,%%rcx; xor $0x3333,%%rsi; or %%rsi,%%rcx\n"
      "xor $0x4444,%%rdi; or %%rdi,%%rcx; xor $0x5555,%%rbp; or %%rbp,%%rcx; xor $0x8888,%%r8; or %%r8,%%rcx\n"
      "xor $0x9999,%%r9; or %%r9,%%rcx; xor $0xaaaa,%%r10; or %%r10,%%rcx; xor $0xbbbb,%%r11; or %%r11,%%rcx\n"
      "xor $0xcccc,%%r12; or %%r12,%%rcx; xor $0xdddd,%%r13; or %%r13,%%rcx; xor $0xeeee,%%r14; or %%r14,%%rcx\n"
      "xor $0xffff,%%r15; or %%r15,%%rcx\n"
      "mov -64(%%rsp),%%rax; xor $0x2222,%%rax; or %%rax,%%rcx\n"
      "mov -128(%%rsp),%%rax; xor $0x3333,%%rax; or %%rax,%%rcx\n"
      "vpand %%ymm1,%%ymm2,%%ymm1; vpand %%ymm3,%%ymm4,%%ymm3; vpand %%ymm5,%%ymm6,%%ymm5; vpand %%ymm7,%%ymm8,%%ymm7\n"
      "vpand %%ymm9,%%ymm10,%%ymm9; vpand %%ymm11,%%ymm12,%%ymm11; vpand %%ymm13,%%ymm14,%%ymm13\n"
      "vpand %%ymm1,%%ymm3,%%ymm1; vpand %%ymm5,%%ymm7,%%ymm5; vpand %%ymm9,%%ymm11,%%ymm9; vpand "
      "%%ymm13,%%ymm15,%%ymm13\n"
      "vpand %%ymm1,%%ymm5,%%ymm1; vpand %%ymm9,%%ymm13,%%ymm9; vpand %%ymm1,%%ymm9,%%ymm1; vpand "
      "%%ymm0,%%ymm1,%%ymm1\n"
      "lea pattern_copy(%%rip),%%rax; vpxor (%%rax),%%ymm0,%%ymm2; vpxor (%%rax),%%ymm1,%%ymm3; vpor "
      "%%ymm2,%%ymm3,%%ymm2\n"
      "xor %%eax,%%eax; vptest %%ymm2,%%ymm2; setnz %%al; or %%rax,%%rcx\n"
      "fldpi; fucomip %%st(1),%%st; setne %%al; movzbl %%al,%%eax; or %%rax,%%rcx; fstp %%st(0)\n"
      "vzeroupper; mov %%rcx,%%rax; add $256,%%rsp; pop %%rbp\n"
      : "=&a"(bad), "+c"(rounds)
      :
      : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
  return bad;
}
__asm__(
    ".data\n.balign 32\npattern_copy: .quad "
    "0x1122334455667788,0x99aabbccddeeff01,0x0f1e2d3c4b5a6978,0xfedcba9876543210\n.text\n");

static void on_signal(int signal) {
  (void)signal;
  ++shared->signals;
}

static void on_alternate_stack(int signal) {
  (void)signal;
  if (keep_registers(200000) != 0) fault("registers in a handler");
}

// Nothing that should stay has changed.
static void check_thread(void) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&mask, signal) != (signal == SIGWINCH)) fault("signal mask");
  }
  stack_t now;
  sigaltstack(NULL, &now);
  if (now.ss_sp != alternate.ss_sp || now.ss_size != alternate.ss_size || now.ss_flags != 0) fault("alternate stack");
  if (syscall(SYS_sched_getscheduler, 0) != SCHED_OTHER) fault("scheduling");
}

static void check_call(long value, int error, long wanted, int wanted_error, uint64_t start_us, uint64_t least_us) {
  if (value == -1 && error == EINTR) {
    ++shared->interrupted;
  } else if (value != wanted || (wanted == -1 && error != wanted_error)) {
    fault("result of a system call");
  } else if (now_us() - start_us < least_us) {
    fault("a wait ended early");
  }
}

// A pipe into which another process writes a byte now and then.
static int fed_pipe(void) {
  int ends[2];
  if (pipe(ends) != 0) exit(1);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    for (;;) {
      usleep(7000);
      if (write(ends[1], "x", 1) != 1) _exit(0);
    }
  }
  close(ends[1]);
  return ends[0];
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const char* mode = argv[1];
  shared = (Shared*)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[2]), 0);
  if (shared == MAP_FAILED) return 1;
  close(atoi(argv[2]));
  shared->function = (uint64_t)&add_three;
  shared->spin = (uint64_t)&spin;
  shared->slow = (uint64_t)&add_slowly;
  alternate.ss_size = 65536;
  alternate.ss_sp = malloc(alternate.ss_size);
  sigaltstack(&alternate, NULL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGRTMIN, &action, NULL);
  action.sa_handler = on_alternate_stack;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR2, &action, NULL);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGWINCH);
  sigprocmask(SIG_SETMASK, &mask, NULL);

  const struct timespec wait = {0, 20000000};
  const int is_fed = !strcmp(mode, "read") || !strcmp(mode, "epoll") || !strcmp(mode, "recv");
  const int source = is_fed && strcmp(mode, "recv") != 0 ? fed_pipe() : -1;
  int idle[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, idle) != 0) return 1;
  const struct timeval limit = {0, 20000};
  setsockopt(idle[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const int epoll = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {NULL}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, source >= 0 ? source : idle[0], &event);
  struct pollfd polled = {idle[0], POLLIN, 0};
  char byte = 0;
  uint32_t word = 0;
  for (;; ++shared->progress) {
    const uint64_t start_us = now_us();
    errno = 0;
    if (!strcmp(mode, "busy")) {
      if (keep_registers(200000) != 0) fault("registers");
    } else if (!strcmp(mode, "handler")) {
      raise(SIGUSR2);
    } else if (!strcmp(mode, "read")) {
      const long value = read(source, &byte, 1);
      check_call(value, errno, 1, 0, start_us, 0);
    } else if (!strcmp(mode, "nanosleep")) {
      const long value = nanosleep(&wait, NULL);
      check_call(value, errno, 0, 0, start_us, 20000);
    } else if (!strcmp(mode, "epoll")) {
      const long value = epoll_wait(epoll, &event, 1, -1);
      check_call(value, errno, 1, 0, start_us, 0);
      if (value == 1 && read(source, &byte, 1) != 1) ++shared->interrupted;
    } else if (!strcmp(mode, "epoll_timeout")) {
      const long value = epoll_wait(epoll, &event, 1, 20);
      check_call(value, errno, 0, 0, start_us, 19000);
    } else if (!strcmp(mode, "poll")) {
      const long value = poll(&polled, 1, 20);
      check_call(value, errno, 0, 0, start_us, 19000);
    } else if (!strcmp(mode, "futex")) {
      const long value = syscall(SYS_futex, &word, 128 /* FUTEX_WAIT_PRIVATE */, 0, &wait, NULL, 0);
      check_call(value, errno, -1, ETIMEDOUT, start_us, 20000);
    } else if (!strcmp(mode, "recv")) {
      const long value = recv(idle[0], &byte, 1, 0);
      check_call(value, errno, -1, EAGAIN, start_us, 19000);
    } else {
      return 2;
    }
    check_thread();
  }
}
// NOLINTEND
