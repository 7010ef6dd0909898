# SPDX-License-Identifier: Apache-2.0
"""make_elf_symbols_corpus.py FOLDER: modules whose debug information lies in other files, for elf_symbols_fuzzer.cc: split
units alone and in packages, a dwz supplementary file, compressed sections. Needs gcc, dwp, llvm-dwp, dwz, objcopy."""
import os
import subprocess
import sys
import tempfile

SOURCE = """
struct pair { int first; long second; struct pair* next; };
struct table { struct pair pairs[4]; const char* name; union { int number; double real; } value; };
static inline int twice(int v) { return v * 2 + 1; }
int g(struct pair* p, struct table* t);
int FUNCTION(struct pair* p, struct table* t) {
  int s = twice(p->first);
  { int i; for (i = 0; i < t->value.number; ++i) s += twice(s) * g(p, t); }
  return s;
}
"""
FLAGS = ["-O1", "-g", "-fPIC", "-shared", "-nostdlib", "-fno-stack-protector", "-Wl,-z,noseparate-code,-z,norelro,-z,max-page-size=4096"]
KINDS = {"debug": b"1", "supplementary": b"2", "package": b"3", "unit": b"4"}


def run(*command):
    subprocess.check_call(command)


def module(name, *flags):
    with open(name + ".c", "w") as file:
        file.write(SOURCE.replace("FUNCTION", name))
    run("gcc", *FLAGS, *flags, name + ".c", "-o", name)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def part(kind, name):
    return b"\n==PART" + KINDS[kind] + b"\0" + read(name)


folder = os.path.abspath(sys.argv[1])
with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    made = {}
    for version in "45":
        name = "split" + version
        module(name, "-gsplit-dwarf", "-gdwarf-" + version, "-Wl,--build-id=none")
        unit, = [each for each in os.listdir() if each.endswith(".dwo") and name in each]
        made[name + ".parts"] = read(name) + part("unit", unit)
        run(*(["dwp", "-o", "made.dwp", unit] if version == "4" else ["llvm-dwp", unit, "-o", "made.dwp"]))
        made["package" + version + ".parts"] = read(name) + part("package", "made.dwp")
    for name in ("one", "two"):
        module(name, "-gdwarf-4", "-Wl,--build-id")
    run("dwz", "-m", "made.sup", "-M", "made.sup", "one", "two")
    made["dwz.parts"] = read("one") + part("supplementary", "made.sup")
    module("whole", "-gdwarf-5", "-Wl,--build-id=none")
    run("objcopy", "--only-keep-debug", "whole", "whole.debug")
    run("objcopy", "--strip-all", "whole", "stripped")
    made["debug_file.parts"] = read("stripped") + part("debug", "whole.debug")
    run("objcopy", "--compress-debug-sections=zlib-gabi", "whole", "zlib.so")
    made["zlib.so"] = read("zlib.so")
    run("objcopy", "--compress-debug-sections=zstd", "whole", "zstd.so")
    made["zstd.so"] = read("zstd.so")
    for name, contents in made.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(contents)
