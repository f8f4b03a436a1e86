"""
The memory limit of sandboxes. A heap flag does not see Buffers, and a limit on address space stops Node.js before it has
started, so resident memory is looked at, twenty times a second: a burst can go past the limit for that long. What a
sandbox started counts with it, unless it left the session.
"""

import os
import threading
import time
from typing import Protocol

import psutil

INTERVAL_SECONDS = 0.05


class Watched(Protocol):
    """A process that leads a session of its own."""

    pid: int
    limit_bytes: int
    peak_bytes: int

    def end_for_memory(self) -> None: ...


class MemoryWatch:
    """One thread for all sandboxes, since one look at the process table serves them all."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="skyhaul-memory-watch", daemon=True).start()

    def add(self, sandbox: Watched) -> None:
        with self._changed:
            self._watched[sandbox.pid] = sandbox
            self._changed.notify()

    def remove(self, sandbox: Watched) -> None:
        with self._changed:
            self._watched.pop(sandbox.pid, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watched)
                watched = dict(self._watched)
            for pid, resident in _resident_bytes(set(watched)).items():
                sandbox = watched[pid]
                sandbox.peak_bytes = max(sandbox.peak_bytes, resident)
                if resident > sandbox.limit_bytes:
                    self.remove(sandbox)
                    sandbox.end_for_memory()
            time.sleep(INTERVAL_SECONDS)


def _resident_bytes(leaders: set[int]) -> dict[int, int]:
    """Of each session: all of its leader's, and of the others what they do not share (Node.js' own code, mostly)."""
    total: dict[int, int] = {}
    for pid in psutil.pids():
        try:
            session = os.getsid(pid)
            if session not in leaders:
                continue
            memory = psutil.Process(pid).memory_info()
        except (OSError, psutil.Error):
            continue
        own = memory.rss if pid == session else memory.rss - getattr(memory, "shared", 0)
        total[session] = total.get(session, 0) + own
    return total
