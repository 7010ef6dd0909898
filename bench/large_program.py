# SPDX-License-Identifier: Apache-2.0
"""Builds a C++ program with hundreds of megabytes of debug information, in a few minutes and on one processor.

Compiling that much takes half an hour, most of it spent on the same templates again. So bench/large_unit.cc is compiled
once per payload type, and every further unit is the compiler's assembly with another namespace in all its names: code,
types, lines and inlined functions are a compiler's own, and differ from unit to unit in names and addresses as those of
a large program do.
"""
import pathlib
import shutil
import subprocess

from harness import SOURCE_DIR, BenchError

PAYLOADS = ["double", "float", "uint64_t", "int"]
FLAGS = ["-std=c++17", "-g", "-O2", "-fno-omit-frame-pointer"]  # perf record -g goes by frame pointers
DEBUG_SECTIONS = (".debug_",)


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False, timeout=900, **options)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


def debug_bytes(program):
    """How many bytes its .debug_* sections have in all."""
    lines = run(["readelf", "--section-headers", "--wide", program]).decode().splitlines()
    total = 0
    for words in (line.replace("[ ", "[").split() for line in lines):
        if len(words) > 5 and words[1].startswith(DEBUG_SECTIONS):
            total += int(words[5], 16)
    return total


def build(folder, units):
    """The program with so many units; built where it is missing or older than what it is made of."""
    bench = SOURCE_DIR / "bench"
    program = folder / "large_program"
    sources = [bench / name for name in ("large_unit.cc", "large_unit.h", "large_main.cc", "large_program.py")]
    if program.exists() and all(program.stat().st_mtime > source.stat().st_mtime for source in sources):
        return program
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    compiler = ["c++", *FLAGS, f"-I{bench}"]
    objects = []
    for i, payload in enumerate(PAYLOADS[:units]):
        assembly = run([*compiler, f"-DPAYLOAD={payload}", "-S", bench / "large_unit.cc", "-o", "-"])
        for unit in range(i, units, len(PAYLOADS)):
            objects.append(folder / f"unit{unit:03}.o")
            run(["as", "-o", objects[-1], "-"], input=assembly.replace(b"unit000", b"unit%03d" % unit))
    names = [f"unit{unit:03}_steps" for unit in range(units)]
    list_file = folder / "units.cc"
    list_file.write_text('#include "large_unit.h"\n' + "".join(f"extern const Walk::Step {name}[];\n" for name in names)
                         + "extern const Walk::Step* const large_program_units[];\n"
                         + "extern const uint64_t large_program_unit_count;\n"
                         + f"const Walk::Step* const large_program_units[] = {{{', '.join(names)}}};\n"
                         + f"const uint64_t large_program_unit_count = {units};\n")
    run([*compiler, list_file, bench / "large_main.cc", *objects, "-o", program, "-lpthread"])
    for each in objects:
        each.unlink()
    return program
