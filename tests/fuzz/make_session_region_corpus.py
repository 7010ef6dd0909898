#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the corpus of session_region_fuzzer: what a well-behaved agent does, in the fuzzer's own input language.

    tests/fuzz/make_session_region_corpus.py tests/fuzz/corpus/session_region
"""
import pathlib
import struct
import sys

DRAIN, RING, SLOT, LOG = b"\0", b"\6", b"\5", b"\7"
SAMPLE, THREAD_END, MODULE_ADDED, MODULE_REMOVED = 1, 2, 3, 4
LIVE, ENDING = 2, 3


def record(where, kind, words, flags=0, generation=1):
    """A record of the header and `words`; its length is put in by the fuzzer."""
    header = struct.pack("<Q", kind | flags << 8 | generation << 32)
    body = b"".join(b"\x08" + struct.pack("<Q", word & 2**64 - 1) for word in words)
    return where + header + bytes([len(words)]) + body


def module(path, start, identity):
    text = path.encode() + b"\0"
    text += b"\0" * (-len(text) % 8)
    path_words = [int.from_bytes(text[i:i + 8], "little") for i in range(0, len(text), 8)]
    return record(LOG, MODULE_ADDED, [start, start + 0x10000, start, identity, 1, 2, 3, 0] + path_words, flags=20)


def sample(slot, kept, frames, elided=0, missed=0, flags=0):
    return record(RING + bytes([slot]), SAMPLE, [10**9, kept | missed << 32, elided] + [f << 1 for f in frames], flags)


def slot(index, state):
    return SLOT + bytes([index, state])


CORPUS = {
    "one-thread": module("/usr/bin/program", 0x400000, 1) + slot(0, LIVE)
    + sample(0, 0, [0x400100, 0x400200, 0x400300]) + sample(0, 2, [0x400400]) + sample(0, 3, []) + DRAIN
    + sample(0, 1, [0x400500], missed=7),
    "two-threads": module("/usr/bin/program", 0x400000, 1) + slot(0, LIVE) + slot(1, LIVE)
    + sample(0, 0, [0x400100]) + sample(1, 0, [0x400100, 0x400200]) + DRAIN + sample(1, 1, [0x400300]) + slot(1, ENDING)
    + record(RING + b"\1", THREAD_END, [10**9, 3]) + DRAIN,
    "modules-change": module("/usr/lib/one.so", 0x400000, 1) + slot(0, LIVE) + sample(0, 0, [0x400100])
    + record(LOG, MODULE_REMOVED, [1], generation=2) + module("/opt/libflarestack_preload.so", 0x400000, 2)
    + sample(0, 0, [0x400100, 0x400200]) + DRAIN + sample(0, 2, [0x400300]),
    "deep": slot(0, LIVE) + b"".join(sample(0, min(i * 30, 4000), range(i * 4096, i * 4096 + 30), elided=i)
                                     for i in range(20)) + DRAIN,
    "heuristic-truncated": slot(2, LIVE) + sample(2, 0, [5, 6], flags=3) + DRAIN + sample(2, 9, [5], flags=1),
}

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in CORPUS.items():
        (folder / name).write_bytes(contents)
