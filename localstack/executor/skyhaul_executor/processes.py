"""
Ends every process of a sandbox. They are told by a marker in their environment, which children inherit: also one that
was detached, or whose parent is gone, is found. As a command, `python -m skyhaul_executor.processes MARKER` ends all
that a LocalStack has left behind.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

MARKER = "SKYHAUL_SANDBOX"
GIVE_UP_AFTER_SECONDS = 5


def end_processes(marker: str) -> None:
    """SIGKILL to all processes whose marker begins with the given one, and to the groups they lead, until none is left."""
    give_up_at = time.monotonic() + GIVE_UP_AFTER_SECONDS
    while found := list(_marked(marker)):
        for process in found:
            _kill(process.pid)
        if time.monotonic() > give_up_at:
            return
        time.sleep(0.01)


def end_group(leader: subprocess.Popen, marker: str) -> int:
    """The same for a child of ours and all below it; returns how the child ended, as `Popen.returncode` says it."""
    if leader.poll() is None:
        _kill(leader.pid)
    code = leader.wait()
    end_processes(marker)
    return code


def _marked(marker: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            # A zombie's environment reads as empty.
            if process.environ().get(MARKER, "").startswith(marker):
                yield process
        except psutil.Error:
            continue


def _kill(pid: int) -> None:
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    end_processes(sys.argv[1])
