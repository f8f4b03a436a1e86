"""
LocalStack's view of one sandbox: its environment, its temporary directory, and the process in it, which the first
invocation starts, the next ones find warm, and which is replaced after it died. Every end of an invocation is an answer in
Lambda's words.

Where it differs from Lambda: any `node` on PATH runs it, whatever the runtime's name says; the temporary directory is
TMPDIR (what os.tmpdir() returns), not /tmp, and has no limit; an idle process is not frozen; there are no layers,
extensions, callbacks or response streams.
"""

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from localstack import config
from localstack.runtime import events
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from skyhaul_executor.invocation import INIT_SECONDS, Answer, Invocation
from skyhaul_executor.memory import MemoryWatch
from skyhaul_executor.sandbox import Sandbox, SandboxExited, SandboxTimedOut

HOST = "127.0.0.1"
#: Begins the marker of all our processes, so that whoever started LocalStack can end what it left behind.
MARKER_PREFIX = os.environ.get("SKYHAUL_SANDBOXES") or f"localstack-{os.getpid()}"
#: So many load their code at once; the others wait for their turn, but never longer than a hung one may take.
TURN_TO_LOAD = threading.Semaphore(2 * (os.cpu_count() or 1))
MEMORY = MemoryWatch()


class FailedToLoad(Exception):
    def __init__(self, reply: dict) -> None:
        super().__init__()
        self.reply = reply


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._sandbox: Sandbox | None = None
        self._tmp: Path | None = None
        self._is_working = False
        self._is_retired = False
        self._state = threading.Lock()

    def start(self, env_vars: dict[str, str]) -> None:
        """Prepares only: so a handler that does not load fails an invocation, as on Lambda, and that has a log."""
        function = self.function_version.config
        self._tmp = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._code = Path(function.code.get_unzipped_code_location())
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            **{name: str(value) for name, value in env_vars.items()},
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "LAMBDA_TASK_ROOT": str(self._code),
            "TMPDIR": str(self._tmp),
        }

    def stop(self) -> None:
        """As on Lambda, an update or a deletion lets the invocation under way finish; the end of LocalStack does not."""
        with self._state:
            self._is_retired = True
            if self._is_working:
                if events.infra_stopping.is_set() and self._sandbox is not None:
                    self._sandbox.end()
                return
        self._clean_up()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        with self._state:
            self._is_working = True
        try:
            return self._invoke(payload)
        finally:
            with self._state:
                self._is_working = False
                is_retired = self._is_retired
            if is_retired:
                self._clean_up()

    def _invoke(self, payload: dict[str, str]) -> InvocationResult:
        function = self.function_version.config
        invocation = Invocation(
            payload["invoke-id"], self.function_version.id.qualifier, function.timeout, function.memory_size
        )
        answer = self._answer(invocation, payload)
        invocation.finish(answer, self._sandbox.peak_bytes)
        if not self._sandbox.is_alive:
            self._discard()
        return InvocationResult(invocation.request_id, answer.payload, answer.is_error, invocation.log.text())

    def _answer(self, invocation: Invocation, payload: dict[str, str]) -> Answer:
        try:
            if self._sandbox is None or not self._sandbox.is_alive:
                # One that ended while idle is replaced without a word.
                self._discard()
                self._load(invocation)
            invocation.begin()
            reply = self._sandbox.exchange(_request(payload, invocation), invocation.deadline, invocation.log)
            if reply.get("isLast"):
                self._sandbox.end()
            return invocation.answered(reply)
        except FailedToLoad as failure:
            invocation.begin()
            self._sandbox.end()
            return invocation.answered(failure.reply)
        except SandboxTimedOut:
            invocation.begin()
            self._sandbox.end()
            return invocation.timed_out()
        except SandboxExited:
            invocation.begin()
            return invocation.exited(self._sandbox.exit_code(), self._sandbox.ran_out_of_memory)

    def _load(self, invocation: Invocation) -> None:
        is_our_turn = TURN_TO_LOAD.acquire(timeout=INIT_SECONDS)
        try:
            began = time.monotonic()
            sandbox = Sandbox(self._code, self._environment, invocation.memory_mib, f"{MARKER_PREFIX}/{self.id}")
            self._sandbox = sandbox
            MEMORY.add(sandbox)
            reply = sandbox.exchange(None, began + INIT_SECONDS + invocation.timeout_seconds, invocation.log)
            invocation.init_seconds = time.monotonic() - began
        finally:
            if is_our_turn:
                TURN_TO_LOAD.release()
        if "error" in reply:
            raise FailedToLoad(reply)

    def _discard(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            MEMORY.remove(sandbox)
            sandbox.end()
            sandbox.close()

    def _clean_up(self) -> None:
        self._discard()
        if self._tmp is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        """Each invocation hands over its own."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack removes the code itself."""


def _request(payload: dict[str, str], invocation: Invocation) -> dict:
    left = invocation.deadline - time.monotonic()
    return {
        "id": invocation.request_id,
        "arn": payload["invoked-function-arn"],
        "trace": payload.get("trace-id"),
        "deadlineMs": int((time.time() + left) * 1000),
        "event": payload["payload"] or "{}",
    }
