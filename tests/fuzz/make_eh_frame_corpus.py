#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the corpus of eh_frame_fuzzer from real libraries: some FDEs with their CIEs, moved into a small image with a search
table of their own, and a stack whose words are return addresses into them. Usage: make_eh_frame_corpus.py OUT_DIR ELF..."""
import pathlib
import random
import struct
import sys

IMAGE, CODE, STACK = 0x10000000, 0x100000, 0x7F0000000000
WANTED = {"signal frame": 1, "expression": 3, "remember": 2, "odd register": 2, "personality": 1, "plain": 2}


def sections(data):
    offset, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
    base = headers[names][4]
    return {data[base + h[0]:data.index(b"\0", base + h[0])].decode(): h for h in headers}


def records(data):
    """Yields (cie_bytes, fde_bytes, augmentation); both without their length words."""
    header = sections(data)[".eh_frame"]
    begin, end = header[4], header[4] + header[5]
    cies, position = {}, begin
    while position + 4 <= end:
        length, = struct.unpack_from("<I", data, position)
        if length == 0:
            break
        body = data[position + 4:position + 4 + length]
        back, = struct.unpack_from("<I", body)
        if back == 0:
            cies[position] = body
        else:
            cie = cies.get(position + 4 - back)
            if cie is not None:
                yield cie, body, cie[5:cie.index(b"\0", 5)].decode()
        position += 4 + length


def kind_of(cie, fde, augmentation):
    program = fde[13:]
    if "S" in augmentation:
        return "signal frame"
    if b"\x0f" in program[:40] and (b"\x06" in program or b"\x22" in program) and len(program) < 60:
        return "expression"
    if b"\x0a" in program and b"\x0b" in program:
        return "remember"
    if program[:3] == b"\x0c\x03\x10" or b"\x0c\x03" in program or b"\x0d\x03" in program:
        return "odd register"
    return "personality" if "P" in augmentation else "plain"


def image_of(chosen):
    """.eh_frame_hdr, then .eh_frame, as they would lie at IMAGE."""
    table_at = 12
    frames_at = table_at + 8 * len(chosen)
    frames, entries = b"", []
    for i, (cie, fde, _) in enumerate(chosen):
        cie_at = frames_at + len(frames)
        frames += struct.pack("<I", len(cie)) + cie
        fde_at = frames_at + len(frames)
        start = CODE + 0x1000 * i
        body = struct.pack("<I", fde_at + 4 - cie_at) + struct.pack("<i", start - (fde_at + 8)) + fde[8:]
        frames += struct.pack("<I", len(body)) + body
        entries.append(struct.pack("<ii", start, fde_at))
    hdr = struct.pack("<BBBBiI", 1, 0x1B, 0x03, 0x3B, frames_at - 4, len(chosen)) + b"".join(entries)
    return hdr, hdr + frames


def main():
    out = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:]:
        data = pathlib.Path(name).read_bytes()
        left = dict(WANTED)
        chosen = []
        for cie, fde, augmentation in records(data):
            kind = kind_of(cie, fde, augmentation)
            if left.get(kind) and len(fde) < 200:
                left[kind] -= 1
                chosen.append((cie, fde, augmentation))
        if not chosen:
            continue
        hdr, image = image_of(chosen)
        for i, (_, fde, _) in enumerate(chosen):
            size, = struct.unpack_from("<I", fde, 8)
            source = random.Random(i)
            words = [IMAGE + CODE + 0x1000 * source.randrange(len(chosen)) + source.randrange(1, 40)
                     if source.random() < 0.6 else STACK + 8 * source.randrange(32) for _ in range(32)]
            stack = struct.pack("<32Q", *words)
            pc = CODE + 0x1000 * i + min(size - 1, source.choice([0, 1, 4, 11, 30, size // 2]))
            head = struct.pack("<HHHHQQ", 0, len(hdr), len(stack), 8 | 16 * (i % 2), pc, 0x123456789ABCDEF ^ (i << 40))
            (out / f"{pathlib.Path(name).name.split('.')[0]}-{i}").write_bytes(head + image + stack)


main()
