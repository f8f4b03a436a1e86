"""
One invocation as Lambda tells it: the clock, the log in the shape of CloudWatch (START, the function's own lines, END,
REPORT), and the answers that are Lambda's, not the handler's.
"""

import json
import math
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from skyhaul_executor.log import InvocationLog

MIB = 1024 * 1024
#: Lambda gives initialisation this long for nothing; what goes past it is taken from the first invocation's timeout.
INIT_SECONDS = 10
#: 6 MB and a little for the envelope: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESPONSE_BYTES = 6_291_556


@dataclass
class Answer:
    payload: bytes
    is_error: bool = False
    #: `timeout`, or the error's type, where Lambda itself says what went wrong.
    failure: str | None = None


@dataclass
class Invocation:
    request_id: str
    version: str
    timeout_seconds: float
    memory_mib: int
    log: InvocationLog = field(default_factory=InvocationLog)
    init_seconds: float | None = None
    _began: float | None = None

    def begin(self) -> None:
        if self._began is None:
            self.log.line(f"START RequestId: {self.request_id} Version: {self.version}")
            self._began = time.monotonic()

    @property
    def deadline(self) -> float:
        """Of time.monotonic(), once it has begun."""
        late = max(0.0, (self.init_seconds or 0.0) - INIT_SECONDS)
        return (self._began or time.monotonic()) + self.timeout_seconds - late

    def finish(self, answer: Answer, peak_bytes: int) -> None:
        ms = (time.monotonic() - (self._began or time.monotonic())) * 1000
        report = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {ms:.2f} ms",
            f"Billed Duration: {math.ceil(ms)} ms",
            f"Memory Size: {self.memory_mib} MB",
            f"Max Memory Used: {min(self.memory_mib, math.ceil(peak_bytes / MIB))} MB",
        ]
        if self.init_seconds is not None:
            report.append(f"Init Duration: {self.init_seconds * 1000:.2f} ms")
        if answer.failure == "timeout":
            report.append("Status: timeout")
        elif answer.failure is not None:
            report += ["Status: error", f"Error Type: {answer.failure}"]
        self.log.line(f"END RequestId: {self.request_id}")
        self.log.line("\t".join(report))

    def answered(self, reply: dict) -> Answer:
        """The handler's own answer: its result, or what it threw."""
        if "error" in reply:
            return Answer(json.dumps(reply["error"]).encode(), is_error=True)
        body = reply["result"].encode()
        if len(body) <= MAX_RESPONSE_BYTES:
            return Answer(body)
        return self._failed(
            "Function.ResponseSizeTooLarge",
            f"Response payload size ({len(body)} bytes) exceeded maximum allowed payload size "
            f"({MAX_RESPONSE_BYTES} bytes).",
        )

    def timed_out(self) -> Answer:
        message = f"Task timed out after {self.timeout_seconds:.2f} seconds"
        self.log.line(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {self.request_id} {message}\n")
        answer = self._failed("Sandbox.Timedout", f"RequestId: {self.request_id} Error: {message}")
        answer.failure = "timeout"
        return answer

    def exited(self, code: int, ran_out_of_memory: bool) -> Answer:
        """The process ended without an answer: `code` is its exit status, or minus the signal's number."""
        kind = "Runtime.OutOfMemory" if ran_out_of_memory else "Runtime.ExitError"
        message = f"RequestId: {self.request_id} Error: Runtime exited {_describe(code)}"
        self.log.line(f"{message}\n{kind}")
        return self._failed(kind, message)

    def _failed(self, kind: str, message: str) -> Answer:
        return Answer(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True, failure=kind)


def _describe(code: int) -> str:
    if code == 0:
        return "without providing a reason"
    if code > 0:
        return f"with error: exit status {code}"
    return f"with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
