#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attaching to and detaching from real programs under load, again and again: none of them ends, stands still, or says
# anything else than without us. ATTACH_CYCLES: how often (3; ./check --attach: 100). A program that is not installed is
# left out. Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-3}"

# cycles_on PID NAME: each of them records for a tenth of a second.
cycles_on() {
  local cycle
  for cycle in $(seq "$cycles"); do
    timeout 60 "$FLARESTACK" attach "$1" --duration 100ms --quiet -o "$2.flare" 2>err || fail "$2, cycle $cycle: $(cat err)"
    [ ! -s err ] || fail "$2, cycle $cycle, is not entered: $(cat err)"
    kill -0 "$1" 2>/dev/null || fail "$2 is gone after cycle $cycle"
  done
  "$FLARESTACK" info --format json "$2.flare" >info.json
  json_true info.json 'd["quality"]["complete"] and d["quality"]["heap_events_lost"] == 0 and d["processes"][0]["sampling"] == "agent"' "$2"
}
# ends PID NAME STATUS: within half a minute.
ends() {
  local status=0
  timeout 30 tail --pid="$1" -f /dev/null || fail "$2 does not end"
  wait "$1" || status=$?
  [ "$status" = "$3" ] || fail "$2: status $status, not $3: $(tail -5 "$2.out")"
}
has() { command -v "$1" >/dev/null; }
listening() { for _ in $(seq 500); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; read -rt 0.02 <> <(:) || true; done; fail "nobody listens at port $1"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Eight threads that do nothing but allocate.
cc_program storm <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile int stop;
static volatile long rounds[8];
static void on_signal(int number) { stop = number; }
static void* works(void* argument) {
  while (!stop) { free(realloc(malloc(100), 300)); ++rounds[(long)argument]; }
  return argument;
}
int main(void) {
  pthread_t ids[8];
  int stands = 0;
  long before[8] = {0};
  signal(SIGUSR1, on_signal);
  for (long i = 0; i < 8; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  while (!stop) {
    sleep(2);
    for (int i = 0; i < 8 && !stop; ++i) { stands += rounds[i] == before[i]; before[i] = rounds[i]; }
  }
  for (int i = 0; i < 8; ++i) pthread_join(ids[i], NULL);
  printf("%d stood still\n", stands);
  return 7;
}
C
./storm >storm.out 2>&1 &
pid=$!
cycles_on "$pid" storm
kill -USR1 "$pid"
ends "$pid" storm 7
[ "$(cat storm.out)" = "0 stood still" ] || fail "storm: $(cat storm.out)"

# Libraries, exceptions and threads that come and go.
cxx_program churn -ldl <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
static volatile int stop;
static volatile long rounds[6];
static void* loads(void* argument) {
  while (!stop) {
    for (const char* name : {"libm.so.6", "libz.so.1"}) if (void* library = dlopen(name, RTLD_NOW)) dlclose(library);
    rounds[(long)argument] = rounds[(long)argument] + 1;
  }
  return argument;
}
static void* throws(void* argument) {
  while (!stop) {
    try { throw std::runtime_error("x"); } catch (const std::exception&) { rounds[(long)argument] = rounds[(long)argument] + 1; }
  }
  return argument;
}
static void* passes(void* argument) { free(malloc(10)); return argument; }
static void* starts(void* argument) {
  while (!stop) {
    pthread_t id;
    if (pthread_create(&id, nullptr, passes, nullptr) == 0) pthread_join(id, nullptr);
    rounds[(long)argument] = rounds[(long)argument] + 1;
  }
  return argument;
}
int main() {
  signal(SIGUSR1, [](int number) { stop = number; });
  pthread_t ids[6];
  void* (*const work[3])(void*) = {loads, throws, starts};
  for (long i = 0; i < 6; ++i) pthread_create(&ids[i], nullptr, work[i % 3], (void*)i);
  int stands = 0;
  long before[6] = {};
  while (!stop) {
    sleep(2);
    for (int i = 0; i < 6 && !stop; ++i) { stands += rounds[i] == before[i]; before[i] = rounds[i]; }
  }
  for (const pthread_t id : ids) pthread_join(id, nullptr);
  std::printf("%d stood still\n", stands);
  return 8;
}
C
./churn >churn.out 2>&1 &
pid=$!
cycles_on "$pid" churn
kill -USR1 "$pid"
ends "$pid" churn 8
[ "$(cat churn.out)" = "0 stood still" ] || fail "churn: $(cat churn.out)"

cat >work.py <<'PY'
import json, signal, threading, time
stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
rounds = [0, 0]
def work(number):
    while not stop:
        assert json.loads(json.dumps({str(i): [i] * 5 for i in range(50)}))["7"] == [7] * 5
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        rounds[number] += 1
threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
[thread.start() for thread in threads]
print("works", flush=True)
while not stop: time.sleep(0.05)
[thread.join() for thread in threads]
print("done", all(count > 3 for count in rounds))
PY
python3=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
"$python3" work.py >python3.out 2>&1 &
pid=$!
for _ in $(seq 500); do grep -q works python3.out && break; read -rt 0.02 <> <(:) || true; done
cycles_on "$pid" python3
kill -USR1 "$pid"
ends "$pid" python3 0
grep -qx "done True" python3.out || fail "python3: $(cat python3.out)"

if has redis-server && has redis-benchmark; then
  port=$(free_port)
  redis-server --port "$port" --bind 127.0.0.1 --save "" --daemonize no >redis.out 2>&1 &
  pid=$!
  listening "$port"
  touch load
  while [ -e load ]; do timeout 60 redis-benchmark -p "$port" -n 2000 -c 20 -q -t set,get,lpush -P 4 >>benchmark.out 2>&1 || { echo "load failed" >>failures; break; }; done &
  load=$!
  cycles_on "$pid" redis
  rm load
  wait "$load"
  [ ! -e failures ] && ! grep -qi error benchmark.out || fail "redis under load: $(tail -3 benchmark.out)"
  [ "$(redis-cli -p "$port" ping)" = PONG ] || fail "redis does not answer"
  kill "$pid"
  ends "$pid" redis 0
fi

if has node; then
  node -e '
    let stop = false, rounds = 0;
    process.on("SIGUSR2", () => { stop = true; });
    const timer = setInterval(() => {
      for (let k = 0; k < 50; ++k) JSON.parse(JSON.stringify({ a: [1, 2, 3], b: "x".repeat(100) }));
      ++rounds;
      if (stop) { clearInterval(timer); console.log("done", rounds > 10); }
    }, 5);
    console.log("works");' >node.out 2>&1 &
  pid=$!
  for _ in $(seq 500); do grep -q works node.out && break; read -rt 0.02 <> <(:) || true; done
  cycles_on "$pid" node
  kill -USR2 "$pid"
  ends "$pid" node 0
  grep -qx "done true" node.out || fail "node: $(cat node.out)"
fi

if has musl-gcc; then
  cat >alone.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
static volatile int stop;
static void on_signal(int number) { stop = number; }
int main(void) {
  long rounds = 0;
  signal(SIGUSR1, on_signal);
  for (; !stop; ++rounds) { void* block = malloc(100); for (volatile int i = 0; i < 3000; ++i) {} free(block); }
  printf("done %d\n", rounds > 100);
  return 9;
}
C
  musl-gcc -O1 -o alone alone.c
  ./alone >musl.out 2>&1 &
  pid=$!
  cycles_on "$pid" musl
  kill -USR1 "$pid"
  ends "$pid" musl 9
  [ "$(cat musl.out)" = "done 1" ] || fail "musl: $(cat musl.out)"
fi

if has nginx && has curl; then
  port=$(free_port)
  printf 'daemon off; master_process off; pid %s/nginx.pid; error_log %s/nginx.err; events {} http { access_log off; server { listen 127.0.0.1:%s; location / { return 200 "hello\\n"; } } }\n' "$scratch" "$scratch" "$port" >nginx.conf
  nginx -c "$scratch/nginx.conf" >nginx.out 2>&1 &
  pid=$!
  listening "$port"
  touch load
  while [ -e load ]; do curl -s "http://127.0.0.1:$port/" || echo failed; done >answers &
  load=$!
  cycles_on "$pid" nginx
  rm load
  wait "$load"
  [ "$(sort -u answers)" = hello ] || fail "nginx: $(sort answers | uniq -c | head -3)"
  kill "$pid"
  ends "$pid" nginx 0
fi
