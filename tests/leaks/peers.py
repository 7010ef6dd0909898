# SPDX-License-Identifier: Apache-2.0
"""Builds the programs of the leak corpus, runs them under memcheck and LeakSanitizer, and reads what they found.

A Tally maps (site, verdict) to [blocks, bytes]. A site is the innermost function on a block's stack whose name begins with
site_, "" where there is none: blocks of the runtime. Verdicts are definite, indirect, possible, reachable; of
LeakSanitizer, which tells no more, lost.
"""
import collections
import glob
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus")
# No tail calls, no malloc that is optimised away: each block is allocated by the function that says so.
FLAGS = ["-O1", "-g", "-Wall", "-Werror", "-Wno-unused", "-Wno-unused-result", "-Wno-infinite-recursion", "-pthread", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls",
         "-fno-builtin", "-fno-allocation-dce", "-fno-tree-dse", "-fno-lifetime-dse", "-Wl,-z,now", f"-I{HERE}"]
MEMCHECK = ["valgrind", "--tool=memcheck", "-q", "--leak-check=full", "--show-leak-kinds=all", "--leak-check-heuristics=all",
            "--trace-children=yes", "--child-silent-after-fork=no", "--run-libc-freeres=no", "--run-cxx-freeres=no", "--keep-debuginfo=yes", "--num-callers=60", "--xml=yes"]
LSAN_OPTIONS = "exitcode=0:handle_segv=0:handle_abort=0:allocator_may_return_null=1:fast_unwind_on_malloc=0:malloc_context_size=40:log_path=lsan"
KINDS = {"Leak_DefinitelyLost": "definite", "Leak_IndirectlyLost": "indirect", "Leak_PossiblyLost": "possible",
         "Leak_StillReachable": "reachable"}
SITE = re.compile(r"(?:^|[\s:*&])(site_\w+)")


class Trouble(Exception):
    """A sentence about what could not be run."""


def require_valgrind():
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed: cmake/install_packages.sh test (or apt-get install valgrind)")


def tally():
    return collections.defaultdict(lambda: [0, 0])


def site_of(functions):
    for name in functions:
        match = SITE.search(name)
        if match:
            return match[1]
    return ""


def programs(only=()):
    """Names and sources of the corpus, sorted; only those with one of these words in the name."""
    found = {}
    for source in sorted(os.listdir(CORPUS)):
        name, extension = os.path.splitext(source)
        if extension in (".c", ".cc") and (not only or any(word in name for word in only)):
            found[name] = os.path.join(CORPUS, source)
    return found


def first_sentence(source):
    """What the program shows: the comment after the SPDX line."""
    with open(source) as file:
        return file.readlines()[1].removeprefix("//").strip()


def newer(target, sources):
    return os.path.exists(target) and all(os.path.getmtime(target) > os.path.getmtime(source) for source in sources)


def build(source, folder):
    """The program and the same with LeakSanitizer (NAME.lsan); a source with a part for LIBRARY is also NAME.so."""
    name, extension = os.path.splitext(os.path.basename(source))
    compiler = ["g++", "-std=c++20"] if extension == ".cc" else ["gcc", "-std=gnu11"]
    parts = [(name, []), (name + ".lsan", ["-fsanitize=leak"])]
    with open(source) as file:
        if "#ifdef LIBRARY" in file.read():
            parts.append((name + ".so", ["-DLIBRARY", "-shared", "-fPIC"]))
    for target, flags in parts:
        path = os.path.join(folder, target)
        if newer(path, [source, *glob.glob(os.path.join(HERE, "*.h")), __file__]):
            continue
        command = [*compiler, *FLAGS, *flags, source, "-o", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Trouble(f"{source} does not build: {done.stderr[:2000]}")
    return os.path.join(folder, name)


Run = collections.namedtuple("Run", "status out err")


def run(command, folder, timeout=60, env=None):
    """In a new, empty folder; a process that does not end is a Trouble."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Trouble(f"{' '.join(command)} does not end within {timeout} s") from None
    status = process.returncode
    return Run(128 - status if status < 0 else status, out.decode(errors="replace"), err.decode(errors="replace"))


def memcheck(command, folder, timeout=60, options=()):
    """The run, and what memcheck found in all its processes."""
    done = run([*MEMCHECK, *options, f"--xml-file={folder}/memcheck.%p.xml", *command], folder, timeout)
    files = glob.glob(f"{folder}/memcheck.*.xml")
    if not files:
        raise Trouble(f"memcheck wrote nothing: {done.err[-500:]}")
    found = tally()
    for path in files:
        with open(path, errors="replace") as file:
            read_memcheck(file.read(), found)
    return done, found


def read_memcheck(text, found):
    """Error by error: the document of a forked child has no head."""
    for error in re.findall(r"<error>.*?</error>", text, re.S):
        kind = KINDS.get(re.search(r"<kind>(\w+)", error)[1])
        if kind is None:
            continue
        direct = re.search(r"<text>[\d,]+ \(([\d,]+) direct,", error)
        size = int(direct[1].replace(",", "")) if direct else int(re.search(r"<leakedbytes>(\d+)", error)[1])
        entry = found[site_of(re.findall(r"<fn>([^<]*)", error)), kind]
        entry[0] += int(re.search(r"<leakedblocks>(\d+)", error)[1])
        entry[1] += size


def lsan(program, folder, timeout=60):
    done = run([program + ".lsan"], folder, timeout, {"LSAN_OPTIONS": LSAN_OPTIONS})
    found = tally()
    for path in glob.glob(f"{folder}/lsan.*"):
        with open(path, errors="replace") as file:
            text = file.read()
        if "LeakSanitizer has encountered a fatal error" in text:
            raise Trouble(f"LeakSanitizer: {text[:300]}")
        for size, blocks, stack in re.findall(r"^(?:Direct|Indirect) leak of (\d+) byte.* in (\d+) object.*\n((?: +#.*\n)*)", text, re.M):
            entry = found[site_of(re.findall(r" in (.*)", stack)), "lost"]
            entry[0] += int(blocks)
            entry[1] += int(size)
    return done, found
