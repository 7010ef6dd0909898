#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# At a terminal: the program's standard streams, process group and window size, Ctrl-C, Ctrl-\ and a resize reach it, and job
# control works: when it stops, by Ctrl-Z, by itself or as it reads from the background, the shell has its prompt back, and
# continues it; bare and recorded alike.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
static volatile sig_atomic_t continued, winched, stops;
static void say(const char* text) { if (write(1, text, strlen(text)) < 0) _exit(99); }
static void on_int(int number) { say(number == SIGINT ? "caught SIGINT\n" : "caught another\n"); _exit(3); }
static void on_cont(int number) { (void)number; ++continued; }
static void on_winch(int number) { (void)number; winched = 1; }
static void on_tstp(int number) { (void)number; ++stops; say("leaving the terminal\n"); raise(SIGSTOP); }
static void window(void) {
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  printf("%d rows, %d columns\n", size.ws_row, size.ws_col);
}
int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* how = argc > 1 ? argv[1] : "";
  signal(SIGCONT, on_cont);
  signal(SIGWINCH, on_winch);
  if (strcmp(how, "handles") == 0) { signal(SIGINT, on_int); signal(SIGTSTP, on_tstp); }
  if (strcmp(how, "ignores") == 0) signal(SIGTSTP, SIG_IGN);
  if (strcmp(how, "about") == 0) {
    printf("%d %d %d, foreground %d\n", isatty(0), isatty(1), isatty(2), tcgetpgrp(0) == getpgrp());
    window();
  }
  char line[100] = "";
  if (strcmp(how, "reads") == 0) printf("read %s", fgets(line, sizeof line, stdin));
  puts("working");
  if (strcmp(how, "stops") == 0) kill(getpid(), SIGSTOP);
  if (strcmp(how, "ignores") == 0) { for (volatile long i = 0; i < 300000000; ++i) {} return 6; }
  if (strcmp(how, "reads") != 0) while (!continued && !winched) {}
  if (winched) window();
  printf("continued %d, stopped %d\n", continued, stops);
  return 7;
}
C

cat >terminal.py <<'PYTHON'
import fcntl, os, pty, re, select, struct, subprocess, sys, termios, time
class Terminal:
    def __init__(self, command):
        self.master, slave = pty.openpty()
        self.resize(33, 77)
        def own():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own, close_fds=True)
        os.close(slave)
        self.text = self.all = ""
    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    def type(self, text):
        os.write(self.master, text.encode())
    def read(self, until):
        if not select.select([self.master], [], [], max(0, until - time.time()))[0]:
            return False
        try:
            data = os.read(self.master, 65536).decode(errors="replace").replace("\r", "")
        except OSError:
            data = ""
        self.text += data
        self.all += data
        return data != ""
    def expect(self, pattern):
        until = time.time() + 40
        while not (match := re.search(pattern, self.text, re.S)):
            if not self.read(until):
                sys.exit("no '%s' in: %s" % (pattern, self.all))
        self.text = self.text[match.end():]
        return match.group(0)
    def end(self):
        while self.read(time.time() + 40): pass
        status = self.process.wait(40)
        return self.all, status if status >= 0 else 128 - status
prefix = sys.argv[1:]
for how, keys in (("about", None), ("handles", "\x03"), ("dies", "\x03"), ("dies", "\x1c")):
    terminal = Terminal(prefix + ["./target", how])
    terminal.expect("working")
    if keys: terminal.type(keys)
    else: terminal.resize(44, 55)
    print(how, *terminal.end())
for how in ("plain", "handles", "stops", "ignores", "reads"):
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"])
    shell.type("PS1='ready''> '; bind 'set enable-bracketed-paste off'\n")
    shell.expect("ready> ")
    shell.type(" ".join(prefix + ["./target", how]) + (" &\n" if how == "reads" else "\n"))
    if how == "reads":
        # The shell tells at its next prompts that the job has stopped.
        shell.expect("ready> ")
        shell.type("while [ -z \"$(jobs -s)\" ]; do sleep 0.1; done; echo no''ticed\n")
        print(how, shell.expect("noticed\n")[-8:])
    else:
        shell.expect("working\n")
        if how != "stops": shell.type("\x1a")
        if how != "ignores": shell.expect(r"\[1\]\+ +Stopped.*ready> ")
    if how != "ignores":
        shell.type("jobs -s | grep -c target\n")
        shell.expect("\n1\n.*ready> ")
        shell.type("fg\n")
        if how == "reads": shell.type("a line\n")
        print(how, re.search(r"read a line|$", shell.text).group(0), shell.expect(r"continued \d+, stopped \d+"))
    shell.expect("ready> ")
    shell.type("echo status=$?\n")
    print(how, shell.expect(r"status=\d+"))
    shell.type("exit\n")
    shell.end()
PYTHON
timeout 100 python3 terminal.py >bare.out || fail "bare: $(cat bare.out)"
timeout 100 python3 terminal.py "$FLARESTACK" record --quiet -o t.flare -- >recorded.out || fail "recorded: $(cat recorded.out)"
cmp bare.out recorded.out || fail "differ: $(diff bare.out recorded.out)"
grep -q "^1 1 1, foreground 1" <(sed 's/^about //' bare.out) && grep -q "44 rows, 55 columns" bare.out || fail "$(cat bare.out)"
[ "$(grep -c 'status=7' bare.out)" = 4 ] && grep -q "^ignores status=6" bare.out || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["processes"][0]["exit"] == 7' "the last of the traces"
