"""What is done: tell lines to a syslog server over TCP, in Harbor's form.

Nobody ever waits for that server. Lines wait here for it, up to a limit, also while it is away;
those that the network had taken when a connection broke may be lost, for syslog confirms nothing.
"""

import asyncio
import json
import logging
import os
import re
import socket
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from harbor.core import clock

log = logging.getLogger(__name__)
USER_INFO = 1 * 8 + 6  # RFC 5424 section 6.2.1: facility user, severity informational
INTERVAL_S = 0.5
PATIENCE_S = 10.0  # for a connection, and for a server to take a batch
LONGEST_PAUSE_S = 30.0  # between two attempts
LAST_S = 2.0  # that the server gets when this process stops
MAX_WAITING = 50_000  # lines, some 300 bytes each
BATCH = 500
HOST = socket.gethostname()
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # would begin a line of somebody's own


class Syslog:
    """The connection of this process, and what waits for it."""

    def __init__(self) -> None:
        self._endpoint = ""
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._is_away = False

    def send(self, endpoint: str, message: bytes, times: int = 1) -> None:
        """Have *message* told to *endpoint*, ``host:port``, soon.

        What still waits for another endpoint goes to this one.
        """
        if endpoint != self._endpoint:
            self._endpoint = endpoint
            self._hang_up()
        room = max(MAX_WAITING - len(self._waiting), 0)
        self._waiting.extend([message] * min(times, room))
        self._dropped += max(times - room, 0)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell what waits until told to stop; ``close`` tells the rest."""
        pause_s = INTERVAL_S
        while await clock.pause(pause_s, stopping):
            told = await self._tell()
            pause_s = INTERVAL_S if told else min(pause_s * 2, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Tell what still waits, unless that takes long."""
        try:
            async with asyncio.timeout(LAST_S):
                await self._tell()
        except TimeoutError:
            log.warning("the audit log's receiver is slow", extra={"lost": len(self._waiting)})
        self._hang_up()

    async def _tell(self) -> bool:
        """Send all that waits; return whether that worked."""
        try:
            while self._waiting:
                await self._send_batch()
        except (OSError, ValueError, OverflowError) as error:  # away; no such name or port
            self._hang_up()
            if not self._is_away:
                log.warning("the audit log's receiver is away", extra={"error": str(error)})
            self._is_away = True
            return False
        if self._dropped:
            log.warning("audit lines were not forwarded", extra={"lost": self._dropped})
        self._is_away, self._dropped = False, 0
        return True

    async def _send_batch(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            streams = self._streams
            if streams is None or streams[0].at_eof():
                self._hang_up()
                endpoint = self._endpoint
                host, _, port = endpoint.rpartition(":")
                streams = await asyncio.open_connection(host.strip("[]"), int(port))
                if endpoint != self._endpoint:  # changed meanwhile
                    streams[1].close()
                    return
                self._streams = streams
            batch = list(islice(self._waiting, BATCH))
            streams[1].write(b"".join(batch))
            await streams[1].drain()
        for _ in batch:
            self._waiting.popleft()

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def worded(line: Mapping[str, Any], at: datetime) -> bytes:
    """A line as Harbor words it, in the frame of Go's log/syslog, which ends with a line feed.

    That it failed is said in one more field, which Harbor does not have.
    Source: Harbor src/pkg/auditext/manager.go and src/lib/log/logger.go.
    """
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = [
        f"operator={quoted(line['username'])}",
        f"resourceType={quoted(line['resource_type'])}",
        f"time={quoted(moment)}",
    ]
    if not line["operation_result"]:
        fields.append('result="failed"')
    text = (
        f"<{USER_INFO}>{moment} {HOST} audit[{os.getpid()}]: {moment} [INFO] [{' '.join(fields)}]: "
        f"action:{line['operation']}, resource:{line['resource']}, "
        f"operation_description:{line['operation_description']}"
    )
    return CONTROLS.sub("?", text).encode(errors="replace") + b"\n"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
