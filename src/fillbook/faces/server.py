"""Serving: a socket on loopback, and an end within seconds of being asked to stop."""

import asyncio
import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from fillbook.errors import UsageError

LOOPBACK = "127.0.0.1"
PORT_MAX = 65_535
BACKLOG = 256
KEEP_ALIVE_SECONDS = 30
FINISH_SECONDS_MAX = 3
START_POLL_SECONDS = 0.01
SIGNALS = (signal.SIGTERM, signal.SIGINT)
UNHANDLED = (signal.SIG_DFL, signal.default_int_handler)
HEADER_BYTES_MAX = 32 * 1024

Ready = Callable[[str], None]


def bind(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """A listening socket. Only loopback, unless the caller says that others may come in."""
    if not 0 <= port <= PORT_MAX:
        raise UsageError(f"A port is a number from 0 to {PORT_MAX}, not {port}.")
    if not allow_remote and not _is_loopback(host):
        raise UsageError(
            f"{host} is not this machine alone: put a proxy with TLS before 127.0.0.1,"
            " or say that remote access is wanted."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(_why_not(host, port, error)) from error
    return listener


async def serve(
    app: ASGIApp,
    *,
    port: int,
    on_ready: Ready,
    host: str = LOOPBACK,
    allow_remote: bool = False,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`. `on_ready` gets the address once it answers."""
    listener = bind(host, port, allow_remote=allow_remote)
    server = uvicorn.Server(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    watching = asyncio.create_task(_watch(server, on_ready, _address(listener), stop))
    try:
        with _signals(server):
            await serving
    finally:
        server.should_exit = True
        watching.cancel()
        await asyncio.gather(serving, watching, return_exceptions=True)
        listener.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,  # it would print queries; the gate logs without them
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS_MAX,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ws="none",
        http="h11",
        loop="none",
    )


@contextmanager
def _signals(server: uvicorn.Server) -> Iterator[None]:
    """End on a signal, and end well.

    The library takes signals while it serves, and raises them once more when it has ended: without
    a handler of ours that would kill the process. A handler that the caller has set stays.
    """

    def leave() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    on_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS if on_main}
    ours = {number: handler for number, handler in before.items() if _is_standard(handler)}
    for number in ours:
        loop.add_signal_handler(number, leave)
    try:
        yield
    finally:
        for number, handler in ours.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _is_standard(handler: object) -> bool:
    """Whether nobody but Python itself set it; `asyncio.run` sets a partial for SIGINT."""
    return handler in UNHANDLED or isinstance(handler, partial)


async def _watch(
    server: uvicorn.Server, on_ready: Ready, address: str, stop: asyncio.Event | None
) -> None:
    while not server.started:  # noqa: ASYNC110 - the library has no event to wait for
        await asyncio.sleep(START_POLL_SECONDS)
    on_ready(address)
    if stop is not None:
        await stop.wait()
        server.should_exit = True


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken: choose another with --port, or --port 0 for any free one."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for the system: choose one above 1023 with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."
