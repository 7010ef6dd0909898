# SPDX-License-Identifier: Apache-2.0
"""The files of a source tree, for the checks: what git tracks or would, else (no git) everything but build folders."""
import os
import subprocess


def list_files(root):
    """Paths relative to root, sorted; only files that exist."""
    command = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if os.path.exists(os.path.join(root, ".git")):
        out = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        paths = set(out.decode().split("\0")) - {""}
    else:
        paths = set()
        for folder, names, files in os.walk(root):
            names[:] = [n for n in names if not n.startswith(("build", ".git", "node_modules", "__pycache__"))]
            paths |= {os.path.relpath(os.path.join(folder, name), root) for name in files}
    return sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))


def read_lines(root, path):
    """The lines of a text file; [] for a binary one."""
    with open(os.path.join(root, path), "rb") as file:
        content = file.read()
    if b"\0" in content:
        return []
    return content.decode("utf-8", errors="replace").splitlines()
