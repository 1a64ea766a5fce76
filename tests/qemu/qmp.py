"""A small QMP client: one request, one answer, every failure a typed error."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 60.0


class QmpError(Exception):
    """QEMU answered a command with an error."""

    def __init__(self, command: str, answer: dict[str, Any]) -> None:
        """Keep the command and QEMU's own words."""
        self.command = command
        self.error_class = str(answer.get("class", ""))
        self.description = str(answer.get("desc", answer))
        super().__init__(f"{command}: {self.description}")


class QmpClosed(Exception):
    """QEMU went away, or did not answer in time."""


class Qmp:
    """A connection to one QEMU. Events are read and dropped: callers poll state instead."""

    def __init__(self, connection: socket.socket) -> None:
        """Greet QEMU over a connected socket and leave capability negotiation."""
        connection.settimeout(ANSWER_SECONDS)
        self._connection = connection
        self._stream = connection.makefile("rwb")
        self._read_message()  # the greeting
        self.command("qmp_capabilities")

    @classmethod
    def connect(cls, path: Path, seconds: float = CONNECT_SECONDS) -> Self:
        """Connect to the socket at `path`, waiting for QEMU to create it."""
        deadline = time.monotonic() + seconds
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
            except OSError as error:
                connection.close()
                if time.monotonic() > deadline:
                    message = f"no QMP socket at {path} after {seconds:.0f} s"
                    raise QmpClosed(message) from error
                time.sleep(0.02)
            else:
                return cls(connection)

    def command(self, name: str, /, **arguments: Any) -> Any:
        """Run one command and return its answer, whatever JSON it is."""
        request = {"execute": name, "arguments": arguments}
        try:
            self._stream.write(json.dumps(request).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise QmpClosed(str(error)) from error
        while True:
            answer = self._read_message()
            if "error" in answer:
                raise QmpError(name, answer["error"])
            if "return" in answer:
                return answer["return"]

    def human(self, command: str) -> str:
        """Run a command of the human monitor, for what QMP does not offer."""
        return str(self.command("human-monitor-command", **{"command-line": command}))

    def close(self) -> None:
        """Close the socket; QEMU itself goes on."""
        with contextlib.suppress(OSError):  # what could not be sent cannot be flushed either
            self._stream.close()
        self._connection.close()

    def _read_message(self) -> dict[str, Any]:
        try:
            line = self._stream.readline()
        except OSError as error:
            message = f"QEMU did not answer within {ANSWER_SECONDS:.0f} s"
            raise QmpClosed(message) from error
        if not line:
            message = "QEMU closed the monitor"
            raise QmpClosed(message)
        message_read: dict[str, Any] = json.loads(line)
        return message_read
