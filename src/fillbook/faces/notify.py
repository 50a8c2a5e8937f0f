"""Telling the service manager how things are: systemd's notification protocol, where it is wanted.

One datagram on the socket that NOTIFY_SOCKET names. Without it, or when nobody reads there, nothing
happens: a manager that does not listen must not keep anything from working.
"""

import os
import socket
from contextlib import suppress

READY = "READY=1"
TURNING = "WATCHDOG=1"
STOPPING = "STOPPING=1"


class Notifier:
    """Tells the manager that started this process, if it wants to be told."""

    def __init__(self, address: str | None = None) -> None:
        given = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        # A leading @ stands for the abstract namespace.
        self._address = "\0" + given[1:] if given.startswith("@") else given
        self._said_ready = False

    def turning(self) -> None:
        """All is well; the first time it means that the start is over."""
        if not self._said_ready:
            self._said_ready = True
            self._tell(READY)
        self._tell(TURNING)

    def stopping(self) -> None:
        """The end has begun."""
        self._tell(STOPPING)

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line_out:
            line_out.settimeout(0)
            line_out.sendto(line.encode(), self._address)
