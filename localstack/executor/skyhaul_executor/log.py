"""What one invocation writes. A handler that writes without end must not fill LocalStack's memory."""

LIMIT_BYTES = 4 * 1024 * 1024


class InvocationLog:
    def __init__(self) -> None:
        self._bytes = bytearray()
        self._is_cut = False

    def write(self, chunk: bytes) -> None:
        """What the function printed; cut at the limit."""
        room = max(0, LIMIT_BYTES - len(self._bytes))
        self._bytes += chunk[:room]
        self._is_cut = self._is_cut or len(chunk) > room

    def line(self, text: str) -> None:
        """A line of Lambda's own, never cut."""
        if self._bytes and not self._bytes.endswith(b"\n"):
            self._bytes += b"\n"
        if self._is_cut:
            self._bytes += b"(the function printed more, which is not kept)\n"
            self._is_cut = False
        self._bytes += text.encode() + b"\n"

    def text(self) -> str:
        return self._bytes.decode("utf-8", "replace")
