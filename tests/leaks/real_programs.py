#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that people run have no definite leak that memcheck does not show: each is run bare, recorded and under memcheck.

    tests/leaks/real_programs.py --flarestack PROGRAM [--only WORD]... [--details]

A leak is known by its process's program and the innermost functions of its path that do not allocate; of a key there are
at most as many definitely lost blocks as memcheck has. What is not installed is left out, and said. LONG_TESTS=1: larger
workloads, and a C++ compiler.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import peers

# Redis on Debian has jemalloc, which memcheck takes for an allocator only when told.
MEMCHECK_OPTIONS = ["--soname-synonyms=somalloc=*jemalloc*"]
ALLOCATORS = re.compile(r"^(.*\b)?(malloc|calloc|realloc|reallocarray|memalign|posix_memalign|aligned_alloc|valloc|strdup|strndup|"
                        r"__strdup|operator new.*|je_\w+|xmalloc|xcalloc|xrealloc|xstrdup|[PR]erl_safesys\w+)$")
FRAMES = 2
LONG = os.environ.get("LONG_TESTS") == "1"


def key_of(frames):
    """The innermost frames, (module, function), without those that allocate for others; "?" where it has no symbol."""
    key = []
    for module, function in frames:
        name = re.sub(r"@.*|\(.*", "", function or "")
        if not name or "+0x" in name or name.startswith("0x"):
            name = "?"
        if not key and (ALLOCATORS.match(name) or "vgpreload" in module):
            continue
        key.append(f"{module}:{name}")
        if len(key) == FRAMES:
            break
    return " < ".join(key)


def memcheck_leaks(folder):
    found = collections.Counter()
    for path in glob.glob(f"{folder}/memcheck.*.xml"):
        with open(path, errors="replace") as file:
            text = file.read()
        for error in re.findall(r"<error>.*?</error>", text, re.S):
            if "<kind>Leak_DefinitelyLost" not in error:
                continue
            frames = []
            for frame in re.findall(r"<frame>(.*?)</frame>", error, re.S):
                module, function = re.search(r"<obj>(.*)</obj>", frame), re.search(r"<fn>(.*)</fn>", frame)
                frames.append((os.path.basename(module[1]) if module else "", function[1] if function else ""))
            found[key_of(frames)] += int(re.search(r"<leakedblocks>(\d+)", error)[1])
    return found


def our_leaks(report):
    found = collections.Counter()
    for site in report["sites"]:
        if site["verdict"] == "definitely_lost":
            found[key_of([(frame["module"], frame["function"]) for frame in site["stack"]])] += site["blocks"]
    return found


class Trial:
    """One program. `drive`, if any, is called beside it, with its folder, and ends it."""

    def __init__(self, name, command, drive=None, prepare=None, env=None):
        self.name, self.command, self.drive, self.prepare = name, command, drive, prepare
        self.env = {**os.environ, **(env or {})}
        self.lines, self.failed = [], False

    def execute(self, before, folder, timeout=170):
        """Exit status and output, from a new folder."""
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.chmod(folder, 0o777)
        if self.prepare:
            self.prepare(folder)
        command = [word.replace("{folder}", folder) for word in self.command]
        with open(f"{folder}/out", "wb") as out, open(f"{folder}/err", "wb") as err:
            process = subprocess.Popen([*before, *command], cwd=folder, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                if self.drive:
                    self.drive(folder)
                status = process.wait(timeout)
            except BaseException:
                process.kill()
                process.wait()
                raise
        with open(f"{folder}/out", "rb") as out:
            return status, out.read()

    def compare(self, flarestack, work, details):
        begun = time.monotonic()
        folder = os.path.join(work, self.name)
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        bare = self.execute([], f"{folder}/run")
        trace = f"{folder}/t.flare"
        recorded = self.execute([flarestack, "record", "--quiet", "--no-cpu", "-o", trace, "--"], f"{folder}/run")
        told = subprocess.run([flarestack, "leaks", "--format", "json", "--top", "0", trace], capture_output=True, timeout=100, check=True)
        report = json.loads(told.stdout)
        options = [*peers.MEMCHECK, *MEMCHECK_OPTIONS, f"--xml-file={folder}/memcheck.%p.xml"]
        checked = self.execute(options, f"{folder}/run")
        if not bare[0] == recorded[0] == checked[0] or (not self.drive and bare[1] != recorded[1]):
            self.fail(f"exit status {bare[0]} bare, {recorded[0]} recorded, {checked[0]} under memcheck, or another output")
        for process in report["no_verdict"]:
            if "exec" not in process["reason"]:
                self.fail(f"no verdict: {process['program']}: {process['reason']}")
        ours, theirs = our_leaks(report), memcheck_leaks(folder)
        for key, blocks in sorted(ours.items()):
            if blocks > theirs[key]:
                self.fail(f"{blocks} blocks definitely lost, {theirs[key]} by memcheck: {key}")
            elif details:
                self.lines.append(f"{blocks} blocks definitely lost, {theirs[key]} by memcheck: {key}")
        missing = {key: blocks for key, blocks in theirs.items() if blocks > ours[key]}
        if details:
            self.lines += [f"only memcheck: {blocks} blocks, {ours[key]} here: {key}" for key, blocks in sorted(missing.items())]
        summary = report["summary"]
        blocks = "/".join(str(summary[verdict]["blocks"]) for verdict in
                          ("definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "suppressed"))
        pause = max((check["pause_ns"] for check in report["checks"]), default=0) / 1e6
        print(f"{self.name:10} {sum(ours.values()):5} definite, {sum(theirs.values()):5} by memcheck; blocks {blocks}; "
              f"{pause:.0f} ms of pause; {time.monotonic() - begun:.0f} s  {'FAILED' if self.failed else 'ok'}",
              *("    " + line for line in self.lines), sep="\n", flush=True)
        return not self.failed

    def fail(self, line):
        self.failed = True
        self.lines.append(line)


def wait_for(path, seconds=60):
    end = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise peers.Trouble(f"{path} does not come")
        time.sleep(0.05)


def quietly(*command):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=100, check=True)


def drive_redis(folder):
    socket = f"{folder}/redis.sock"
    wait_for(socket)
    quietly("redis-benchmark", "-s", socket, "-q", "-n", "5000" if LONG else "500", "-c", "5", "-t", "set,lpush,lrange_100")
    subprocess.run(["redis-cli", "-s", socket, "shutdown", "nosave"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)


def prepare_nginx(folder):
    os.makedirs(f"{folder}/html")
    with open(f"{folder}/html/index.html", "w") as page:
        page.write("\n".join(map(str, range(5000))))
    with open(f"{folder}/nginx.conf", "w") as config:
        config.write(f"""worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
gzip on; gzip_min_length 10; server {{ listen unix:{folder}/nginx.sock; root {folder}/html; }} }}
""")


def drive_nginx(folder):
    wait_for(f"{folder}/nginx.sock")
    wait_for(f"{folder}/nginx.pid")
    urls = ["http://localhost/index.html"] * (200 if LONG else 20)
    quietly("curl", "-sS", "--compressed", "--unix-socket", f"{folder}/nginx.sock", *urls)
    with open(f"{folder}/nginx.pid") as file:
        os.kill(int(file.read()), 3)  # SIGQUIT: it finishes what it does


def prepare_git(folder):
    def git(*words):
        # The same history each time, whatever the second.
        quietly("env", "GIT_AUTHOR_DATE=2001-01-01T00:00:00", "GIT_COMMITTER_DATE=2001-01-01T00:00:00", "git", "-C", folder, "-c", "user.email=a@example.org", "-c", "user.name=a", *words)
    git("init", "-q", ".")
    for i in range(1, 4):
        with open(f"{folder}/file", "w") as file:
            file.write("\n".join(map(str, range(i * 50, i * 1000))))
        git("add", "file")
        git("commit", "-q", "-m", f"change {i}")


def write_unit(folder):
    with open(f"{folder}/unit.c", "w") as unit:
        unit.write("int next(int a) { return a + 1; }\n")
    with open(f"{folder}/unit.cc", "w") as unit:
        unit.write("#include <map>\nint size(const std::map<int, int>& map) { return map.size(); }\n")


SQL = ("CREATE TABLE t(a, b); INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) "
       "SELECT x, hex(x) FROM c; CREATE INDEX i ON t(b); SELECT count(*), max(b) FROM t;")
WORK = "import json, re; print(len(json.loads(json.dumps([{'id': i, 'tags': [str(i)]} for i in range(500)]))))"
SHELL = 'x=0; for ((i = 0; i < 300; i++)); do x=$((x + i)); done; a=(1 2 3); echo $x ${a[@]}; echo "$(echo sub | tr a-z A-Z)"; exit 7'
PERL = r'my %h; $h{$_ % 1000} .= "x" for 1..20000; my $n = 0; $n += length for values %h; print "$n\n"; print join(",", map { s/\d/x/r } 1..9)'
FIXED = {"PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0", "MALLOC_ARENA_MAX": "2"}


def trials():
    yield Trial("python", [sys.executable, "-S", "-c", WORK], env=FIXED)
    yield Trial("python-c", [sys.executable, "-S", "-c", WORK], env={**FIXED, "PYTHONMALLOC": "malloc"})
    yield Trial("git", ["git", "--no-pager", "log", "-p", "--stat"], prepare=prepare_git)
    yield Trial("bash", ["bash", "-c", SHELL])
    yield Trial("sqlite3", ["sqlite3", ":memory:", SQL])
    yield Trial("perl", ["perl", "-e", PERL], env=FIXED)
    yield Trial("openssl", ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a",
                            "-keyout", "key.pem", "-out", "certificate.pem"])
    yield Trial("gcc", ["gcc", "-O1", "-c", "unit.c", "-o", "unit.o"], prepare=write_unit)
    if LONG:
        yield Trial("g++", ["g++", "-O1", "-c", "unit.cc", "-o", "unit.o"], prepare=write_unit)
    yield Trial("redis", ["redis-server", "--unixsocket", "{folder}/redis.sock", "--port", "0", "--save", ""], drive=drive_redis)
    yield Trial("nginx", ["nginx", "-p", "{folder}", "-c", "{folder}/nginx.conf"], drive=drive_nginx, prepare=prepare_nginx)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flarestack", required=True, type=os.path.abspath)
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    parser.add_argument("--details", action="store_true")
    options = parser.parse_args()
    peers.require_valgrind()
    good = True
    with tempfile.TemporaryDirectory(prefix="flarestack-leaks.") as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        os.chmod(work, 0o755)  # nginx's workers are somebody else
        running = []
        for trial in trials():
            if options.only and not any(word in trial.name for word in options.only):
                continue
            if shutil.which(trial.command[0]) is None:
                print(f"{trial.name:10} {trial.command[0]} is not installed: left out")
                continue
            running.append((trial, pool.submit(trial.compare, options.flarestack, work, options.details)))
        for trial, future in running:
            try:
                good = future.result() and good
            except (peers.Trouble, subprocess.SubprocessError, OSError) as trouble:
                print(f"{trial.name:10} {trouble} {getattr(trouble, 'stderr', b'') or b''}  FAILED")
                good = False
    return 0 if good and running else 1


if __name__ == "__main__":
    sys.exit(main())
