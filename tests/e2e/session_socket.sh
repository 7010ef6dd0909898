# SPDX-License-Identifier: Apache-2.0
# The session's socket and the trace belong to one user: another one, who sees the socket's name in /proc/net/unix, gets no
# session, not even from a recorder that runs as root.
source "$(dirname "$0")/lib.sh"

# Says Hello as an agent does, with the secret given; prints what comes back.
cat >intruder.py <<'EOS'
import socket, struct, sys
name, secret = sys.argv[1:3]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(20)
try:
    s.connect(b"\0" + name.encode())
    s.send(struct.pack("<QIIII16s", MAGIC, VERSION, 0, 0, 0, secret.encode()))
    data, descriptors, _, _ = socket.recv_fds(s, 100, 4)
    print("session" if descriptors else "nothing")
except OSError as error:
    print("nothing", error)
EOS
magic="$(sed -n "s/.*kSessionMagic = \(0x[0-9a-f']*\);.*/\1/p" "$SOURCE_DIR/wire/session.h" | tr -d "'")"
version="$(sed -n "s/.*kWireVersion = \([0-9]*\);.*/\1/p" "$SOURCE_DIR/wire/session.h")"
sed -i "s/MAGIC/$magic/; s/VERSION/$version/" intruder.py
python="$(python3 -c 'import sys; print(sys.executable)')"

# attempt RECORDER-PREFIX FOLDER INTRUDER-PREFIX: the recorded program waits meanwhile; sets `with_secret` and `without`.
attempt() {
  rm -f value go
  mkfifo go
  $1 "$FLARESTACK" record --quiet -o "$2/t.flare" -- sh -c 'echo "$FLARESTACK_SESSION" >value.new; mv value.new value; read -r line <go' &
  local recorder=$! value
  for _ in $(seq 200); do [ -e value ] && break; sleep 0.05; done
  value="$(cut -d: -f2 value)"
  grep -q "@${value:0:16}$" /proc/net/unix || fail "the socket has another name"
  grep -q "${value:16}" /proc/net/unix && fail "the secret is public"
  with_secret="$($3 "$python" intruder.py "${value:0:16}" "${value:16}")"
  without="$($3 "$python" intruder.py "${value:0:16}" "0123456789abcdef")"
  echo >go
  wait "$recorder"
  [ "$(stat -c %a "$2/t.flare")" = 600 ] || fail "the trace can be read by others"
  # Whoever was answered is a process of the trace; nobody else is.
  "$FLARESTACK" info --format json "$2/t.flare" >i.json
}

attempt "" . ""
[ "$with_secret" = session ] || fail "an agent of the same user gets no session: $with_secret; is this test's Hello out of date?"
[[ "$without" = nothing* ]] || fail "a session without the secret"
json_true i.json '[p["program"][:6] for p in d["processes"]].count("python") == 1' "processes"

if [ "$(id -u)" = 0 ]; then
  chmod 755 "$scratch" && chmod 644 intruder.py
  one="setpriv --reuid=65533 --regid=65533 --clear-groups" other="setpriv --reuid=65534 --regid=65534 --clear-groups"
  if $other "$python" -c 0; then
    # Root records programs that change their user: those know the secret.
    attempt "" . "$other"
    [ "$with_secret" = session ] || fail "a program that changed its user gets no session: $with_secret"
    [[ "$without" = nothing* ]] || fail "root's recorder answered another user who has no secret"
    json_true i.json '[p["program"][:6] for p in d["processes"]].count("python") == 1' "processes"
    mkdir -m 777 open && chmod 777 .
    attempt "$one" open "$other"
    [[ "$with_secret" = nothing* ]] || fail "a user's recorder answered another user"
    json_true i.json '[p["program"][:6] for p in d["processes"]].count("python") == 0' "processes"
  fi
fi
