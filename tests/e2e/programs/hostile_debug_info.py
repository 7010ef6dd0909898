# SPDX-License-Identifier: Apache-2.0
"""hostile_debug_info.py KIND PROGRAM: replaces the debug information of PROGRAM, whose build id stays, by a hostile one.

slow: 60 000 functions that share one list of 60 000 ranges: small, and takes a minute to look at.
bomb: a .debug_info of 1 GiB in 1 MiB of zlib.
"""
import os
import struct
import subprocess
import sys
import zlib

SHF_COMPRESSED = 0x800


def code_range(program):
    for line in subprocess.check_output(["nm", "-S", program], text=True).splitlines():
        fields = line.split()
        if fields[-1] == "spin":
            return int(fields[0], 16), int(fields[1], 16)
    sys.exit("no function spin")


def slow(program):
    start, size = code_range(program)
    count = 60000
    # 1: DW_TAG_compile_unit with low_pc (addr) and high_pc (data8); 2: DW_TAG_subprogram with ranges (sec_offset).
    abbreviations = bytes([1, 0x11, 1, 0x11, 1, 0x12, 7, 0, 0, 2, 0x2E, 0, 0x55, 0x17, 0, 0, 0])
    entries = struct.pack("<BQQ", 1, start, size) + struct.pack("<BI", 2, 0) * count + b"\0"
    unit = struct.pack("<HIB", 4, 0, 8) + entries
    ranges = struct.pack("<QQ", 1, 2) * count + struct.pack("<QQ", 0, 0)
    return {".debug_info": struct.pack("<I", len(unit)) + unit, ".debug_abbrev": abbreviations, ".debug_ranges": ranges}


def bomb(program):
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = struct.pack("<IIQQ", 1, 0, 1 << 30, 1)
    return {".debug_info": header + head + block * 1024, ".debug_abbrev": b"\0"}


def set_compressed(program, name):
    with open(program, "r+b") as file:
        data = bytearray(file.read())
        table, = struct.unpack_from("<Q", data, 0x28)
        size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
        names, = struct.unpack_from("<Q", data, table + names_index * size + 24)
        for header in range(table, table + count * size, size):
            at = names + struct.unpack_from("<I", data, header)[0]
            if data[at : data.index(0, at)] == name.encode():
                flags, = struct.unpack_from("<Q", data, header + 8)
                struct.pack_into("<Q", data, header + 8, flags | SHF_COMPRESSED)
        file.seek(0)
        file.write(data)


kind, program = sys.argv[1:]
command = ["objcopy", "--remove-section=.debug_*"]
for name, contents in {"slow": slow, "bomb": bomb}[kind](program).items():
    path = program + name
    with open(path, "wb") as file:
        file.write(contents)
    command += ["--add-section", name + "=" + path]
subprocess.check_call(command + [program, program + ".made"])
os.replace(program + ".made", program)
if kind == "bomb":
    set_compressed(program, ".debug_info")
