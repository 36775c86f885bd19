"""The connections of one server: how many there may be, and a look at each of them now and then."""

import asyncio
import logging
from typing import Protocol

from msgspec import Struct

log = logging.getLogger(__name__)
KIB = 1024


class Watched(Protocol):
    def look(self) -> None:
        """Called once a tick."""


class Limits(Struct, frozen=True):
    """How long a client may take, and how much it may take up."""

    header_s: float = 30.0  # from connecting, or from a next request's first byte
    max_header_bytes: int = 64 * KIB
    max_header_lines: int = 200  # a line of four bytes costs 170 once it is parsed
    max_pipelined: int = 50  # requests that wait behind the one being answered
    body_window_s: float = 30.0
    min_body_bytes: int = KIB  # in each window in which the application waits for them
    stall_s: float = 60.0  # an answer of which the client takes nothing
    linger_s: float = 2.0  # for a refused client to read why: closing at once would reset
    max_connections: int = 10_000
    max_idle_per_address: int = 2_000  # and as many again that have only just connected

    @property
    def tick_s(self) -> float:
        """How often connections are looked at."""
        return min(1.0, self.header_s / 10, self.body_window_s / 10, self.stall_s / 10)

    def ticks(self, seconds: float) -> int:
        # Less than a full count, because closing must not come late, not even by a timer's delay.
        return max(1, int(seconds / self.tick_s - 1e-6))


class Peer(Struct):
    address: str
    connections: int = 0
    idle: int = 0
    fresh: int = 0  # connections made since the last tick: nothing of theirs may be read yet
    young: int = 0  # and those of the tick before it, or a tick in between would count them as idle


class Watch:
    """The connections of one server, all looked at once a tick by one timer."""

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.limits = limits
        self.loop = loop
        self.live: set[Watched] = set()
        self.peers: dict[str, Peer] = {}
        self.refused = 0
        self.header_ticks = limits.ticks(limits.header_s)
        self.body_ticks = limits.ticks(limits.body_window_s)
        self.stall_ticks = limits.ticks(limits.stall_s)
        self.linger_ticks = limits.ticks(limits.linger_s)
        self._due = 0.0  # of the next tick; 0 when there is nothing to look at

    def admit(self, protocol: Watched, address: str) -> Peer | None:
        """Count a new, idle connection in, or give None if there are too many."""
        peer = self.peers.get(address) or Peer(address)
        limits = self.limits
        recent = min(peer.fresh + peer.young, limits.max_idle_per_address)
        most_idle = limits.max_idle_per_address + recent
        if len(self.live) >= limits.max_connections or peer.idle >= most_idle:
            self.refused += 1
            return None
        self.peers[address] = peer
        peer.connections += 1
        peer.idle += 1
        peer.fresh += 1
        self.live.add(protocol)
        if not self._due:
            self._due = self.loop.time() + limits.tick_s
            self.loop.call_at(self._due, self._tick)
        return peer

    def dismiss(self, protocol: Watched, peer: Peer, *, idle: bool) -> None:
        self.live.remove(protocol)
        peer.connections -= 1
        peer.idle -= idle
        if not peer.connections:
            del self.peers[peer.address]

    def _tick(self) -> None:
        if not self.live:
            self._due = 0.0
            return
        # A loop that stood still does not catch up: nobody could send or read meanwhile.
        self._due = max(self._due, self.loop.time()) + self.limits.tick_s
        self.loop.call_at(self._due, self._tick)
        if self.refused:
            log.warning("connections refused", extra={"connections": self.refused})
            self.refused = 0
        for peer in self.peers.values():
            peer.fresh, peer.young = 0, peer.fresh
        for protocol in tuple(self.live):
            protocol.look()
