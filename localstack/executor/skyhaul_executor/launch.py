"""Starts LocalStack so that it dies with the process that started it, where the kernel offers that (Linux)."""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started LocalStack has ended")


if __name__ == "__main__":
    die_with_parent()
    runpy.run_module("localstack.runtime.main", run_name="__main__")
