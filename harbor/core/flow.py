"""Which clients are read, and what the kernel keeps of the others."""

import asyncio
import socket
import time
from contextlib import suppress

from uvicorn.protocols.http.flow_control import FlowControl

from harbor.core.guard import check_uvicorn
from harbor.core.settings import MIB
from harbor.core.starts import Starts
from harbor.core.watch import KIB

READ = 256 * KIB  # in one go; more would leave the processor's cache before it is used
# The kernel lets the receive buffer of each connection grow to megabytes, and throws away what
# comes once all of them exceed its limit: clients then wait longer and longer before they send
# again. So of a crowd that has to wait, each gets its share; the kernel counts twice as much.
CROWD = 32  # connections
CROWD_BYTES = 64 * MIB
MIN_BYTES = 64 * KIB
# It acknowledges one packet after 40 ms only, unless another comes. Within a machine a packet has
# 64 KiB, and a client may not send another before, until some bytes have widened its window.
YOUNG = 8 * MIB
QUICKACK = getattr(socket, "TCP_QUICKACK", -1)  # Linux

check_uvicorn(__name__, ((FlowControl, "pause_reading read_paused resume_reading"),))


class Shared:
    """What the connections of one server have in common."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.starts = Starts(loop)
        self.held = 0  # bytes of bodies that no application has taken
        self.waiting = 0  # connections that are not read
        self.buffer = memoryview(bytearray(READ))

    @property
    def is_crowded(self) -> bool:
        return self.waiting > CROWD


class Flow(FlowControl):
    """uvicorn's, with the connections counted that are not read."""

    def __init__(self, transport: asyncio.Transport, shared: Shared) -> None:
        super().__init__(transport)
        self.is_narrow = False  # the kernel keeps little, for good
        self.paused_s = 0.0  # the last time
        self._since = 0.0
        self._shared = shared

    def pause_reading(self) -> None:
        if not self.read_paused:
            super().pause_reading()
            self._since = time.monotonic()
            self._shared.waiting += 1

    def resume_reading(self) -> None:
        if self.read_paused:
            # Not sooner: what the client was allowed to send, and has no room, is thrown away. By
            # now it has come, and is about to be read.
            if self._shared.is_crowded and not self._transport.is_closing():
                self._shrink(max(MIN_BYTES, CROWD_BYTES // self._shared.waiting))
            self._shared.waiting -= 1
            self.paused_s = time.monotonic() - self._since
            super().resume_reading()

    def acknowledge(self, come: int) -> None:
        """Have the client told at once that what was read has come, *come* bytes of a body.

        It is not, if it may send more anyhow.
        """
        if come >= YOUNG and not self.is_narrow:
            return
        with suppress(OSError):  # who has gone meanwhile, or a system that does not know it
            kept = self._transport.get_extra_info("socket")
            kept.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)

    def _shrink(self, nbytes: int) -> None:
        self.is_narrow = True
        kept = self._transport.get_extra_info("socket")
        if kept.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 2 * nbytes:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, nbytes)
