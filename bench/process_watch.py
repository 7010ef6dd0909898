# SPDX-License-Identifier: Apache-2.0
"""Looks at the processes of a run from outside: the memory each came to, and binding one to a processor."""
import os
import threading


class ProcessWatch:
    """Of a process and its descendants, every two milliseconds. What a process gains in its last ones is not seen.

    With cpu: binds the first process whose program is `program` to it, and then looks no more unless for_memory.
    """

    def __init__(self, program, cpu=None, for_memory=False):
        self.program = os.path.realpath(program)
        self.cpu = cpu
        self.for_memory = for_memory
        self.peaks = {}  # (pid, program) -> VmHWM in bytes
        self.root = None
        self.done = threading.Event()
        self.thread = None

    def start(self, pid):
        self.root = pid
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def stop(self):
        self.done.set()
        self.thread.join()

    def peak_of_program(self):
        return max((peak for (_, program), peak in list(self.peaks.items()) if program == self.program), default=0)

    def peak_of_others(self):
        """Of all others together: what records, interprets and compresses."""
        others = {}
        for (pid, program), peak in self.peaks.items():
            if program != self.program:
                others[pid] = max(peak, others.get(pid, 0))
        # A process that became the program was another one only until then.
        became = {pid for pid, program in self.peaks if program == self.program}
        return sum(peak for pid, peak in others.items() if pid not in became)

    def peak_of_root(self):
        return max((peak for (pid, _), peak in self.peaks.items() if pid == self.root), default=0)

    def _watch(self):
        wait_s = 0.002
        while not self.done.wait(wait_s):
            for pid in self._family():
                try:
                    self._look_at(pid)
                except OSError:
                    continue  # it has ended
            if not self.for_memory and self.cpu is None:
                return

    def _look_at(self, pid):
        program = os.readlink(f"/proc/{pid}/exe")
        if program == self.program and self.cpu is not None:
            os.sched_setaffinity(pid, {self.cpu})
            self.cpu = None
        if self.for_memory:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        key = (pid, program)
                        self.peaks[key] = max(1024 * int(line.split()[1]), self.peaks.get(key, 0))
                        break

    def _family(self):
        found = [self.root]
        for pid in found:
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                    found += [int(word) for word in children.read().split()]
            except OSError:
                continue
        return found
