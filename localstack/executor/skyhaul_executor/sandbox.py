"""
One Node.js process that handles one invocation at a time. It leads a session and a process group of its own. Requests and
answers are lines of JSON on a socket pair; what the handler prints goes through a pipe. Nothing here waits without a
deadline, whatever the process does: reads and writes never block.
"""

import json
import os
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from skyhaul_executor.log import InvocationLog
from skyhaul_executor.processes import MARKER, end_group

BOOTSTRAP = Path(__file__).with_name("bootstrap.mjs")
MIB = 1024 * 1024
CHUNK_BYTES = 256 * 1024
#: Lambda starts Node.js with this share of the function's memory as its heap.
HEAP_SHARE = 0.9
#: Between the closing of its files and its end.
EXIT_SECONDS = 1


class SandboxTimedOut(Exception):
    """The deadline passed without an answer; the sandbox still lives."""


class SandboxExited(Exception):
    """The process ended without an answer."""


class Sandbox:
    def __init__(self, code: Path, environment: Mapping[str, str], memory_mib: int, marker: str) -> None:
        """Starts the process; it loads the handler and then answers the first `exchange`."""
        node = shutil.which("node")
        if node is None:
            raise FileNotFoundError("no `node` on PATH, which Lambda functions run with")
        self._marker = marker
        self._wire, theirs = socket.socketpair()
        self._wire.setblocking(False)
        self._received = bytearray()
        with theirs:
            self._process = subprocess.Popen(
                [node, f"--max-old-space-size={int(memory_mib * HEAP_SHARE)}", str(BOOTSTRAP), str(theirs.fileno())],
                cwd=code,
                env={**environment, MARKER: marker},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self.pid = self._process.pid
        self.limit_bytes = memory_mib * MIB
        self.peak_bytes = 0
        self.ran_out_of_memory = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, request: dict | None, deadline: float, log: InvocationLog) -> dict:
        """Sends a request, if any, and returns the next answer. The deadline is of time.monotonic()."""
        unsent = memoryview(json.dumps(request).encode() + b"\n" if request else b"")
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._wire, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._drain_output(log)
                    raise SandboxTimedOut
                for key, events in selector.select(left):
                    if key.fileobj is self._output:
                        if not self._drain_output(log):
                            selector.unregister(self._output)
                        continue
                    if events & selectors.EVENT_WRITE:
                        unsent = unsent[self._send(unsent) :]
                        if not unsent:
                            selector.modify(self._wire, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ:
                        is_open = self._receive()
                        # All that was printed before an answer, or the end, is in the pipe by now.
                        self._drain_output(log)
                        if (answer := self._take_answer(request)) is not None:
                            return answer
                        if not is_open:
                            raise SandboxExited

    def end(self) -> int:
        """SIGKILL to the process and all that it started; returns how it had ended, as `Popen.returncode` says it."""
        return end_group(self._process, self._marker)

    def end_for_memory(self) -> None:
        self.ran_out_of_memory = True
        self.end()

    def exit_code(self) -> int:
        """After SandboxExited. What let go of its socket and lives on is ended like the rest."""
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        return self.end()

    def close(self) -> None:
        """After the end, when nobody is in `exchange` any more."""
        self._wire.close()
        self._output.close()

    def _send(self, data: memoryview) -> int:
        try:
            return self._wire.send(data[:CHUNK_BYTES])
        except BlockingIOError:
            return 0
        except OSError:
            # The other end is gone, which reading will tell.
            return len(data)

    def _receive(self) -> bool:
        """False at the end."""
        try:
            chunk = self._wire.recv(CHUNK_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._received += chunk
        return len(chunk) > 0

    def _take_answer(self, request: dict | None) -> dict | None:
        """The answer to this request. A process that crashed while idle has answered nobody."""
        while (end := self._received.find(b"\n")) >= 0:
            answer = json.loads(self._received[:end])
            del self._received[: end + 1]
            self.peak_bytes = max(self.peak_bytes, answer["peakBytes"])
            if answer["id"] == (request["id"] if request else None):
                return answer
        return None

    def _drain_output(self, log: InvocationLog) -> bool:
        """False when nobody holds the other end any more."""
        while True:
            try:
                chunk = os.read(self._output.fileno(), CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            log.write(chunk)
