#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of CONTRIBUTING.md that a machine can check and clang-format and clang-tidy do not.

    tests/style.py [ROOT]

Prints one line for each violation and exits with 1 if there is one.
"""
import os
import re
import sys

import source_tree

LONGEST_FILE = 400
SPDX = "SPDX-License-Identifier: Apache-2.0"

# Roots of absolute paths that mean the same on every machine, and of the examples in tests and documents.
COMMON_ROOTS = set("""
    bin dev etc home lib lib32 lib64 libx32 media mnt nonexistent nowhere opt path proc root run sbin srv sys tmp usr var
    memfd a b c x no some app src data
""".split())
ABSOLUTE_PATH = re.compile(r"""(?:^|[\s`(=:]|(?<![\w}])["'])/([A-Za-z_][\w.-]*)/[\w.-]""")
DOCUMENT = re.compile(r"(?<![\w/<*.$}])((?:[a-z_]+/)*[\w-]+\.md)\b")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!X)")
# "#12" in prose is an issue of this project's tracker; another project's is written project#12.
ISSUE_NUMBER = re.compile(r"(?:^|[\s(\[])#\d+\b|\bissues? (?:no\. ?)?#?\d+\b")


def is_code(path):
    return path.endswith((".cc", ".h"))


def needs_spdx(path, lines):
    named = os.path.basename(path) in ("CMakeLists.txt", ".clang-format", ".clang-tidy")
    script = bool(lines) and lines[0].startswith("#!")
    data = path.startswith(("tests/fuzz/corpus/", "tests/golden/")) or "/golden/" in path
    return not data and (named or script or path.endswith((".cc", ".h", ".py", ".sh", ".cmake", ".js", ".css")))


def opening_comment(lines):
    comment = []
    for line in lines:
        if not line.startswith("//"):
            break
        comment.append(line)
    return comment


def comment_of(path, line):
    """The part of a line that is prose."""
    if path.endswith(".md"):
        return line
    marker = "//" if path.endswith((".cc", ".h", ".js")) else "#"
    position = line.find(marker)
    return line[position + len(marker):] if position >= 0 else ""


def check_code_file(path, lines):
    if len(lines) > LONGEST_FILE and not any(
            line.startswith("// One file because") for line in opening_comment(lines)):
        yield 1, (f"{len(lines)} lines; past {LONGEST_FILE}, split it or say `// One file because ...` "
                  "in the opening comment")
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "a header without #pragma once"
    for number, line in enumerate(lines, start=1):
        if re.match(r"\s*using namespace\b(?!.*\bliterals;)", line) and ("// NOLINT: " not in line or path.endswith(".h")):
            yield number, "using namespace without a reason (`// NOLINT: ...`)"
        if re.match(r'\s*#\s*include\s*"\.', line):
            yield number, "an include that is not relative to the root"


def check_prose(path, lines, documents):
    for number, line in enumerate(lines, start=1):
        prose = comment_of(path, line)
        if LEFT_OVER.search(prose):
            yield number, "a left-over: do it or leave it"
        if ISSUE_NUMBER.search(prose):
            yield number, "an issue number: say what it was about; another project's is written project#12"
        for root in ABSOLUTE_PATH.findall(line):
            if root not in COMMON_ROOTS:
                yield number, f"/{root}/... is a path of one machine"
        for document in DOCUMENT.findall(prose):
            if document not in documents and os.path.normpath(os.path.join(os.path.dirname(path), document)) not in documents:
                yield number, f"there is no {document}"


def violations(root):
    """Sentences, each with the place."""
    files = source_tree.list_files(root)
    documents = {path for path in files if path.endswith(".md")}
    found = []
    for path in files:
        lines = source_tree.read_lines(root, path)
        if path == "LICENSE" or path.startswith("tests/fuzz/corpus/"):
            continue
        problems = []
        if needs_spdx(path, lines) and not any(SPDX in line for line in lines[:2]):
            problems.append((1, "no SPDX line at the top"))
        if is_code(path):
            problems.extend(check_code_file(path, lines))
        if is_code(path) or path.endswith((".md", ".py", ".sh", ".cmake", ".txt", ".js")) or lines[:1] and lines[0].startswith("#!"):
            problems.extend(check_prose(path, lines, documents))
        found.extend(f"{path}:{number}: {problem}" for number, problem in problems)
    return found


def main():
    found = violations(sys.argv[1] if len(sys.argv) > 1 else ".")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
