#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the includes, and the DEPS lines, to the architecture.

    tests/layering.py [ROOT]

FOLDERS is the table of docs/design.md. Includes between folders go strictly downward, only to the folders named here;
a third-party library is used only where it is named here; what is compiled into the agent uses only headers that do
not tempt to allocate, lock or print. Prints one line for each violation and exits with 1 if there is one.
"""
import dataclasses
import re
import sys

import source_tree

# Headers of base/ that code inside the target may use: no allocation, no libc call.
SIGNAL_SAFE_BASE = {"base/address.h", "base/ids.h", "base/raw_syscall.h"}
# What preload/CMakeLists.txt compiles into the agent; it keeps to AGENT_STANDARD_HEADERS and SIGNAL_SAFE_BASE.
# unwind/remote_*: the recorder's side of unwinding.
AGENT_FILES = re.compile(r"^(preload|wire|unwind(?!/remote_))/")


@dataclasses.dataclass
class Folder:
    level: int
    folders: set  # that it may include
    libraries: set = dataclasses.field(default_factory=set)


FOLDERS = {
    "base": Folder(0, set(), {"fmt"}),
    "wire": Folder(1, {"base"}),
    "unwind": Folder(1, {"base"}),
    "symbolizer": Folder(1, {"base"}, {"fmt", "elfutils", "libiberty", "capstone", "zstd", "xxhash"}),
    "trace": Folder(2, {"base", "wire"}, {"fmt", "protozero", "zstd", "xxhash"}),
    "preload": Folder(2, {"base", "wire", "unwind"}),
    "profiler": Folder(3, {"base", "wire", "unwind", "trace"}, {"fmt", "elfutils", "libunwind", "capstone", "xxhash", "absl"}),
    "importer": Folder(3, {"base", "trace"}, {"fmt", "protozero", "zlib", "absl"}),
    "model": Folder(3, {"base", "trace", "symbolizer"}, {"fmt"}),
    "report": Folder(4, {"base", "model", "symbolizer"}, {"fmt", "protozero", "rapidjson", "zlib"}),
    "history": Folder(5, {"base", "model", "report"}, {"fmt", "rapidjson", "sqlite", "curl", "xxhash"}),
    "tools": Folder(6, {"base", "wire", "unwind", "trace", "symbolizer", "profiler", "importer", "model", "report", "history"},
                    {"fmt", "cli11", "rapidjson", "tomlplusplus"}),
}

LIBRARIES = [
    ("absl", r"absl/"),
    ("fmt", r"fmt/"),
    ("elfutils", r"(elfutils/|libelf\.h$|gelf\.h$|dwarf\.h$|libdwfl\.h$)"),
    ("libiberty", r"libiberty/"),
    ("capstone", r"capstone/"),
    ("libunwind", r"libunwind"),
    ("lzma", r"lzma\.h$"),
    ("zlib", r"zlib\.h$"),
    ("zstd", r"(zstd|zstd_errors|zdict)\.h$"),
    ("xxhash", r"xxhash\.h$"),
    ("cli11", r"CLI/"),
    ("protozero", r"protozero/"),
    ("rapidjson", r"rapidjson/"),
    ("sqlite", r"sqlite3\.h$"),
    ("curl", r"curl/"),
    ("tomlplusplus", r"toml\+\+/"),
    ("catch2", r"catch2/"),
]

STANDARD_HEADERS = set("""
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
    clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
    cstdio cstdlib cstring ctime cuchar cwchar deque exception execution filesystem forward_list fstream functional
    future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
    memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
    semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view
    syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
    variant vector version cxxabi.h
""".split())
AGENT_STANDARD_HEADERS = set("""
    algorithm array atomic bit cerrno climits compare concepts csetjmp csignal cstdarg cstddef cstdint cstring ctime
    initializer_list limits new optional span string_view tuple type_traits utility
""".split())
# Headers of the C library and of Linux.
SYSTEM_HEADERS = re.compile(r"^(sys|linux|asm|net|netinet|arpa|bits)/|^[a-z_]+\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
DEPS = re.compile(r"flarestack_folder\s*\(\s*(\w+)([^)]*)\)")


def library_of(header):
    for name, pattern in LIBRARIES:
        if re.match(pattern, header):
            return name
    return None


def is_in_agent(path):
    return path in SIGNAL_SAFE_BASE or AGENT_FILES.match(path) is not None


def check_own_include(folder, path, header, files):
    name = path.split("/")[0]
    if header not in files:
        return f"there is no {header}; includes are relative to the root, as in \"wire/ring.h\""
    target = header.split("/")[0]
    if is_in_agent(path) and not is_in_agent(header):
        return f"{path} is compiled into the agent and {header} is not"
    if target == name:
        return None
    if target not in FOLDERS:
        return f"{header} is in no folder of the product"
    if target not in folder.folders or FOLDERS[target].level >= folder.level:
        return f"{name}/ may not include {target}/"
    return None


def check_system_include(folder, path, header):
    library = library_of(header)
    if library is not None:
        return None if library in folder.libraries else f"{path.split('/')[0]}/ may not use {library}"
    if header in STANDARD_HEADERS:
        if AGENT_FILES.match(path) and header not in AGENT_STANDARD_HEADERS:
            return f"{path} is compiled into the agent and may not use <{header}>"
        return None
    if SYSTEM_HEADERS.match(header):
        return None
    return f"<{header}> is of no library that tests/layering.py knows"


def violations(root):
    """Sentences, each with the place."""
    files = source_tree.list_files(root)
    known = set(files)
    found = []
    for path in files:
        name = path.split("/")[0]
        folder = FOLDERS.get(name)
        if folder is None:
            continue
        if path == f"{name}/CMakeLists.txt":
            for _, rest in DEPS.findall("\n".join(source_tree.read_lines(root, path))):
                words = re.split(r"\bLIBS\b", rest)[0].split()
                for dependency in words[1:] if words[:1] == ["DEPS"] else []:
                    if dependency not in folder.folders:
                        found.append(f"{path}: {name}/ may not depend on {dependency}/")
        if not path.endswith((".cc", ".h")):
            continue
        for number, line in enumerate(source_tree.read_lines(root, path), start=1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match.group(2)
            if match.group(1) == '"':
                problem = check_own_include(folder, path, header, known)
            else:
                problem = check_system_include(folder, path, header)
            if problem:
                found.append(f"{path}:{number}: {problem}")
    return found


def main():
    found = violations(sys.argv[1] if len(sys.argv) > 1 else ".")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
