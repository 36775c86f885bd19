"""How the kernel cuts what is sent into packets, and when they leave."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harbor.core.watch import KIB

PACKET = 64 * KIB  # as large as they get within a machine
CORK = getattr(socket, "TCP_CORK", -1)  # Linux
CONGESTION = getattr(socket, "TCP_CONGESTION", -1)
PACED = (b"bbr",)  # ways to avoid congestion that spread packets over time, each with a timer
PLAIN = b"reno"  # that every kernel has
NAME_BYTES = 16  # of such a way


@contextmanager
def whole(transport: asyncio.Transport) -> Iterator[None]:
    """Have only full packets sent meanwhile, and the rest at the end.

    The kernel takes a file in pieces of 64 KiB, and a packet within a machine has 53 bytes less:
    whenever the client acknowledged something, those 53 would leave in a packet of their own, which
    costs as much as a full one.
    """
    sock = transport.get_extra_info("socket")
    with suppress(OSError):  # who has gone, or a system that does not know it
        sock.setsockopt(socket.IPPROTO_TCP, CORK, 1)
    try:
        yield
    finally:
        if not transport.is_closing():  # else the descriptor may be another's by now
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, CORK, 0)


def unpaced(transport: asyncio.Transport) -> None:
    """Send to a client on this machine as fast as it reads: a proxy, or a runner of builds.

    There is no network to spare between the two, and the timers of pacing can double what it costs.
    """
    sock = transport.get_extra_info("socket")
    with suppress(OSError):
        if sock.getpeername()[:1] == sock.getsockname()[:1] and way(sock) in PACED:
            sock.setsockopt(socket.IPPROTO_TCP, CONGESTION, PLAIN)


def way(sock: socket.socket) -> bytes:
    """The name of how congestion is avoided."""
    return sock.getsockopt(socket.IPPROTO_TCP, CONGESTION, NAME_BYTES).rstrip(b"\0")
