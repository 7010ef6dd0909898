#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that has read the session variable asks for inline hooks as an agent does: the plan is of its own memory as
# it is, a silent or senseless peer holds nobody up, and there is an end to asking.
source "$(dirname "$0")/lib.sh"

cat >ask.py <<'END'
import ctypes, mmap, os, socket, struct

version, rest = os.environ["FLARESTACK_SESSION"].split(":")
name, secret = rest[:16], rest[16:].encode()
magic = 0x314b434154534c46

def connect():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(60)
    peer.connect("\0" + name)
    return peer

def ask(key=secret):
    peer = connect()
    peer.send(struct.pack("<QIIQ19Q1536s16s", magic, int(version), 0, 0, *range(0x1000, 0x1013), b"", key))
    reply, descriptors, _, _ = socket.recv_fds(peer, 100, 1)
    if len(reply) != 16:
        return None
    size = struct.unpack("<QII", reply)[2]
    return mmap.mmap(descriptors[0], size, mmap.MAP_PRIVATE, mmap.PROT_READ) if size else b""

silent = connect()
connect().send(b"nonsense")
plan = ask()
_, _, size, areas, patches = struct.unpack_from("<QIIII", plan)
same = 0
for i in range(patches):
    entry, function, trampoline, area, count, written, expected = struct.unpack_from("<QQQIHH24s", plan, 24 + 24 * areas + 64 * i)
    assert entry == function and written == 5, (entry, function, written)  # a jump
    present = ctypes.string_at(entry, count)
    hooked = present[0] == 0xe9  # by the agent, when it came
    same += present[5:] == expected[5:count] and (hooked or present == expected[:count])
print("areas", areas > 0, "patches", patches >= 9, "as in memory", same == patches, "whole", size == len(plan))
print("without the secret", ask(b"x" * 16))
print("at last", [ask() for _ in range(100)][-1])
END

timeout 100 "$FLARESTACK" record -o t.flare -- python3 ask.py >out 2>err ||
  fail "status $?: $(cat out err)"
diff - out <<'END' || fail "the answers differ"
areas True patches True as in memory True whole True
without the secret None
at last b''
END
