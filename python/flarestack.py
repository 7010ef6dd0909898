# SPDX-License-Identifier: Apache-2.0
"""What a Python program can say of itself to a recording that flarestack makes of it.

    import flarestack

    with flarestack.region("load", rows=1000):
        ...

    @flarestack.region("parse")
    def parse(text): ...

Regions nest by thread; tags are integers. Where nothing is recorded all of it does nothing. Without a build: put this
file's folder (share/flarestack/python) on PYTHONPATH, or copy the file. docs/regions.md says what is recorded.
"""

import ctypes
import functools

__all__ = ["counter", "is_recorded", "pause", "region", "resume", "tag"]

_TAG, _COUNTER, _PAUSE, _RESUME = 1, 2, 3, 4


def _agent():
    """The preloaded agent's two functions, or None twice."""
    try:
        program = ctypes.PyDLL(None)  # keeps the interpreter's lock: a call is shorter than giving it back
        begin_or_end, tell = program.flarestack_region, program.flarestack_tell
    except (AttributeError, OSError):
        return None, None
    begin_or_end.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
    begin_or_end.restype = ctypes.c_uint64
    tell.argtypes = [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_int64, ctypes.c_uint64]
    tell.restype = None
    return begin_or_end, tell


_region, _tell = _agent()


def is_recorded():
    """Whether the agent is there."""
    return _region is not None


class region:
    """A region: a context manager, and a decorator of functions. Tags are integers, told when it begins."""

    def __init__(self, name, **tags):
        self._name = name.encode()
        self._tags = tags
        self._tokens = []  # one object may be open several times, as a recursive function's

    def __enter__(self):
        if _region is not None:
            self._tokens.append(_region(self._name, 0))
            for name, value in self._tags.items():
                tag(name, value)
        return self

    def __exit__(self, *_):
        if self._tokens:
            _region(None, self._tokens.pop())
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def within(*arguments, **named):
            with region(self._name.decode(), **self._tags):
                return function(*arguments, **named)

        return within if _region is not None else function


def tag(name, value):
    """A number of the innermost open region."""
    if _tell is not None:
        _tell(_TAG, name.encode(), value, 0)


def counter(name, value):
    """A number of the process."""
    if _tell is not None:
        _tell(_COUNTER, name.encode(), value, 0)


def pause():
    """Neither samples nor allocations are recorded from here on."""
    if _tell is not None:
        _tell(_PAUSE, None, 0, 0)


def resume():
    """They are again."""
    if _tell is not None:
        _tell(_RESUME, None, 0, 0)
