"""The connection to a syslog server: what a line looks like, and what becomes of it."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from harbor.audit.service.syslog import MAX_WAITING, Syslog, worded
from harbor.audit.service.trail import columns
from harbor.core.api import AuditLine
from harbor.core.security import NOBODY, Principal

AT = datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)
ANN = Principal("ann", user_id=3)


def line(who: Principal = ANN, resource: str = "team/app:1.0", *, succeeded: bool = True) -> bytes:
    told = AuditLine(who, "create", "artifact", resource, succeeded, 1)
    return worded(columns(told), AT)


def test_a_line_is_what_harbor_sends() -> None:
    assert re.fullmatch(
        r"<14>2024-05-01T10:20:30Z \S+ audit\[\d+\]: 2024-05-01T10:20:30Z \[INFO\] "
        r'\[operator="ann" resourceType="artifact" time="2024-05-01T10:20:30Z"\]: '
        r"action:create, resource:team/app:1\.0, "
        r"operation_description:create artifact: team/app:1\.0\n",
        line().decode(),
    )


def test_a_line_says_if_it_failed() -> None:
    assert b'time="2024-05-01T10:20:30Z" result="failed"]: action:' in line(succeeded=False)
    assert b"failed" not in line()


def test_nobody_has_a_name_too() -> None:
    assert b'[operator="anonymous" resourceType' in line(NOBODY)


@pytest.mark.parametrize("break_", ["\n", "\r", "\0", "\x1b[2J", "\x7f", "\x85", "\u2028"])
def test_nobody_begins_a_line_of_their_own(break_: str) -> None:
    told = line(Principal(f"ann{break_}<14>forged", user_id=3), f"a{break_}<14>forged").decode()
    assert told.endswith("\n")
    assert break_ not in told[:-1]
    assert told.count("forged") == 3


def test_a_name_cannot_end_its_field() -> None:
    assert b'operator="ann\\" time=\\"never" resourceType' in line(Principal('ann" time="never'))


@asynccontextmanager
async def receiver(port: int = 0) -> AsyncIterator[tuple[str, "asyncio.Queue[bytes]"]]:
    """A server's endpoint, and the lines that come."""
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        async for told in reader:
            lines.put_nowait(told)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", port)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", lines
    server.close()
    for writer in writers:
        writer.close()
    await server.wait_closed()


def running(work: Callable[[Syslog], Awaitable[None]]) -> None:
    """Do *work* while a connection is at work as well."""

    async def run() -> None:
        syslog, stopping = Syslog(), asyncio.Event()
        task = asyncio.create_task(syslog.run(stopping))
        async with asyncio.timeout(20):
            await work(syslog)
            stopping.set()
            await task
            await syslog.close()

    asyncio.run(run())


def test_lines_come_in_their_order_and_as_often_as_they_are_told() -> None:
    async def work(syslog: Syslog) -> None:
        async with receiver() as (endpoint, lines):
            for number in range(1_200):
                syslog.send(endpoint, b"%d\n" % number, times=2)
            found = [await lines.get() for _ in range(2_400)]
            assert found == [b"%d\n" % number for number in range(1_200) for _ in range(2)]

    running(work)


def test_lines_wait_for_a_server_that_comes_back() -> None:
    async def work(syslog: Syslog) -> None:
        async with receiver() as (endpoint, lines):
            syslog.send(endpoint, b"before\n")
            assert await lines.get() == b"before\n"
        syslog.send(endpoint, b"meanwhile\n")
        await asyncio.sleep(0)
        async with receiver(int(endpoint.rpartition(":")[2])) as (_, lines):
            assert await lines.get() == b"meanwhile\n"

    running(work)


def test_another_endpoint_gets_what_follows() -> None:
    async def work(syslog: Syslog) -> None:
        async with receiver() as (one, lines), receiver() as (other, more):
            syslog.send(one, b"first\n")
            assert await lines.get() == b"first\n"
            syslog.send(other, b"second\n")
            assert await more.get() == b"second\n"
            assert lines.empty()

    running(work)


def test_an_address_of_ipv6_has_brackets() -> None:
    async def work(syslog: Syslog) -> None:
        lines: asyncio.Queue[bytes] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lines.put_nowait(await reader.readline())
            writer.close()

        server = await asyncio.start_server(take, "::1", 0)
        syslog.send(f"[::1]:{server.sockets[0].getsockname()[1]}", b"told\n")
        assert await lines.get() == b"told\n"
        server.close()

    running(work)


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:1", "nowhere", "host:port", "127.0.0.1:99999", "..:514", ":"]
)
def test_who_is_away_is_told_of_once(endpoint: str, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        syslog = Syslog()
        for _ in range(3):
            syslog.send(endpoint, b"lost\n")
            await syslog.close()

    asyncio.run(run())
    assert [record.message for record in caplog.records] == ["the audit log's receiver is away"]


def test_what_waits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    async def work(syslog: Syslog) -> None:
        async with receiver() as (endpoint, lines):
            syslog.send(endpoint, b"first\n")
            syslog.send(endpoint, b"x\n", times=MAX_WAITING + 4)
            syslog.send(endpoint, b"too much\n")
            assert await lines.get() == b"first\n"
            for _ in range(MAX_WAITING - 1):
                assert await lines.get() == b"x\n"
            assert lines.empty()

    with caplog.at_level(logging.WARNING):
        running(work)
    assert [vars(record)["lost"] for record in caplog.records] == [6]


def test_a_server_that_takes_nothing_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        listening = asyncio.Event()

        async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await listening.wait()
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0, limit=1)
        syslog = Syslog()
        endpoint = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        syslog.send(endpoint, 100_000 * b"x" + b"\n", times=1_000)
        await syslog.close()
        listening.set()
        server.close()

    asyncio.run(run())
    assert [record.message for record in caplog.records] == ["the audit log's receiver is slow"]
