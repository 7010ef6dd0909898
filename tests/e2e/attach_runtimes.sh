#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attaching to and detaching from a Java virtual machine, interpreting and compiling, and from PostgreSQL under pgbench, its
# first process and one that serves a client in turn: results are right, nothing fails, and all of their threads and
# clients make progress meanwhile. ATTACH_CYCLES: how often (3; ./check --attach: 100). What is not installed is left out. Needs
# ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-3}"
attach_cycles() { python3 "$SOURCE_DIR/tests/e2e/programs/attach_cycles.py" "$@"; }

cat >Main.java <<'J'
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.zip.*;

public class Main {
  static volatile Object nothing;
  static int wrong = 0;
  static synchronized void isWrong(String what) { ++wrong; System.out.println(what + " is wrong"); }
  static void sort(Random random) {  // garbage
    List<String> list = new ArrayList<>();
    for (int i = 0; i < 300; ++i) list.add("n" + random.nextInt(1000));
    Collections.sort(list);
    for (int i = 1; i < list.size(); ++i) if (list.get(i - 1).compareTo(list.get(i)) > 0) isWrong("the order");
  }
  static void zip(Random random) throws Exception {  // native memory
    byte[] text = new byte[3000], small = new byte[8000], back = new byte[3000];
    random.nextBytes(text);
    Deflater deflater = new Deflater();
    deflater.setInput(text);
    deflater.finish();
    int size = deflater.deflate(small);
    deflater.end();
    Inflater inflater = new Inflater();
    inflater.setInput(small, 0, size);
    if (inflater.inflate(back) != text.length || !Arrays.equals(text, back)) isWrong("zip");
    inflater.end();
  }
  static void fault() {  // by SIGSEGV, once it is compiled
    try {
      nothing.hashCode();
      isWrong("null");
    } catch (NullPointerException expected) {
    }
  }
  static void digest() throws Exception {
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(new byte[1000]);
    if ((sum[0] & 255) != 0x54 || (sum[31] & 255) != 0x53) isWrong("sha-256");
  }
  static void start() throws Exception {
    int[] result = new int[1];
    Thread thread = new Thread(() -> result[0] = 7);
    thread.start();
    thread.join();
    if (result[0] != 7) isWrong("the thread");
  }
  public static void main(String[] arguments) throws Exception {
    MappedByteBuffer progress = FileChannel.open(Path.of("java.progress"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)
        .map(FileChannel.MapMode.READ_WRITE, 0, 16);
    progress.order(ByteOrder.nativeOrder());
    Thread[] threads = new Thread[4];
    for (int number = 0; number < 4; ++number) {
      final int me = number;
      threads[me] = new Thread(() -> {
        try {
          Random random = new Random(me);
          for (int round = 1; !Files.exists(Path.of("end")); ++round) {
            sort(random);
            zip(random);
            for (int i = 0; i < 50; ++i) fault();
            digest();
            start();
            if (round % 50 == 0) Thread.sleep(1);
            progress.putInt(me * 4, round);
          }
        } catch (Throwable problem) {
          isWrong(problem.toString());
        }
      });
      threads[me].start();
    }
    for (Thread thread : threads) thread.join();
    System.out.println(wrong + " wrong");
    System.exit(6);
  }
}
J
if command -v javac >/dev/null; then
  javac Main.java
  for mode in -Xint -Xmixed; do
    rm -f end java.progress
    java "$mode" -Xmx64m -cp . Main >java.out 2>&1 &
    pid=$!
    for _ in $(seq 1000); do [ -s java.progress ] && break; read -rt 0.02 <> <(:) || true; done
    attach_cycles "java $mode" "$cycles" --counters java.progress "$pid" || fail "java $mode: $(tail -5 java.out)"
    touch end
    status=0
    timeout 30 tail --pid="$pid" -f /dev/null || fail "java $mode does not end"
    wait "$pid" || status=$?
    [ "$status" = 6 ] && [ "$(cat java.out)" = "0 wrong" ] || fail "java $mode: status $status: $(tail -5 java.out)"
  done
fi

postgres="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)"
[ -n "$postgres" ] || exit 0
mkdir -m 777 pg
as=()
[ "$(id -u)" != 0 ] || { as=(runuser -u nobody -- env HOME="$scratch/pg"); chmod 755 "$scratch"; }  # it refuses to run as root
timeout 120 "${as[@]}" "$postgres/initdb" -D "$scratch/pg/data" -A trust -N >initdb.out 2>&1 || fail "initdb: $(tail -5 initdb.out)"
"${as[@]}" "$postgres/postgres" -D "$scratch/pg/data" -k "$scratch/pg" -h '' -F >postgres.out 2>&1 &
server=$!
trap 'kill -QUIT "$(head -1 pg/data/postmaster.pid)" || true; timeout 10 tail --pid="$server" -f /dev/null || true; end_test' EXIT
export PGHOST="$scratch/pg" PGDATABASE=postgres
[ "$(id -u)" != 0 ] || export PGUSER=nobody
for _ in $(seq 500); do ! "$postgres/pg_isready" -q || break; read -rt 0.02 <> <(:) || true; done
ask() { "$postgres/psql" -XAtc "$1"; }
ask "create table progress(pid int primary key, n int)" >/dev/null
"$postgres/pgbench" -i -q >bench.out 2>&1 || fail "pgbench -i: $(cat bench.out)"
echo "update progress set n = n + 1 where pid = pg_backend_pid()" >progress.sql
"$postgres/pgbench" -n -c 3 -T 3000 -f progress.sql@1 -b tpcb-like@4 >bench.out 2>&1 &
bench=$!
for _ in $(seq 500); do [ "$(ask "select count(*) from pg_stat_activity where application_name = 'pgbench'")" = 3 ] && break; read -rt 0.02 <> <(:) || true; done
ask "insert into progress select pid, 0 from pg_stat_activity where application_name = 'pgbench'" >/dev/null
postmaster=$(head -1 pg/data/postmaster.pid)
backend=$(ask "select min(pid) from progress")
# Each look is a connection, which the first process makes; it has no transactions itself.
attach_cycles postgres "$cycles" --numbers "$postgres/psql -XAtc 'select n from progress where pid = PID or (PID = $postmaster and pid <> $backend)'" \
  "$postmaster" "$backend" || fail "postgres: $(tail -5 postgres.out bench.out)"
kill -ALRM "$bench"  # as at the end of its time
timeout 30 tail --pid="$bench" -f /dev/null || fail "pgbench does not end"
wait "$bench" || fail "pgbench: status $?: $(cat bench.out)"
grep -q '^number of failed transactions: 0 ' bench.out || fail "pgbench: $(cat bench.out)"
ask "select (select sum(abalance) from pgbench_accounts) = all (array[(select sum(bbalance) from pgbench_branches), (select sum(tbalance) from pgbench_tellers), (select sum(delta) from pgbench_history)])" >balance
[ "$(cat balance)" = t ] || fail "the balances differ"
kill -INT "$postmaster"
timeout 30 tail --pid="$server" -f /dev/null || fail "postgres does not end"
wait "$server" || fail "postgres: status $?: $(tail -5 postgres.out)"
trap end_test EXIT
! grep -v 'is starting up' postgres.out | grep -E 'PANIC|FATAL|terminated by signal|crash' || fail "postgres: $(cat postgres.out)"
