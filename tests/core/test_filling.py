"""Memory that an application lends is filled by the kernel, or at once with what was parsed."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import pytest

from harbor.core import flow
from harbor.core.bodies import BITE
from harbor.core.cycle import DWELL_S, BodyCycle
from harbor.core.flow import Flow
from harbor.core.guard import GuardedProtocol
from harbor.core.settings import MIB
from harbor.core.watch import KIB
from harbor.core.zerocopy import ServingProtocol
from tests.core.running import PATIENCE_S, wait_until
from tests.core.sending import DATA, Running, about, answer, chunked, head, serving, sized


@pytest.fixture(params=["uvloop", "asyncio"])
def filling(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(request.param, MIB) as filling:
        yield filling
        filling.expect_nothing_held()


def told_to(monkeypatch: pytest.MonkeyPatch, kind: type[GuardedProtocol], name: str) -> list[int]:
    """Of how many bytes that method was told, each time."""
    told: list[int] = []
    method = getattr(kind, name)

    def telling(protocol: GuardedProtocol, data: bytes) -> None:
        told.append(len(data))
        method(protocol, data)

    monkeypatch.setattr(kind, name, telling)
    return told


def test_the_kernel_fills_the_memory_that_was_lent(
    monkeypatch: pytest.MonkeyPatch, filling: Running
) -> None:
    parsed = told_to(monkeypatch, ServingProtocol, "on_body")
    with filling.connect() as client, client.makefile("rb") as stream:
        for _ in range(3):
            client.sendall(sized(b"/", DATA))
            assert answer(stream) == about(DATA)
            client.sendall(chunked(b"/", DATA[:9], 3) + sized(b"/", b""))
            assert answer(stream) == about(DATA[:9])
            assert answer(stream) == about(b"")
    assert sum(parsed) < 3 * len(DATA) // 2, "much of it went through the parser"


def test_a_young_connection_is_told_at_once_what_has_come(
    monkeypatch: pytest.MonkeyPatch, filling: Running
) -> None:
    """Linux would tell it up to 40 ms later, as it does wherever answers are sent (tcp(7))."""
    at_once: dict[bool, set[bool]] = {True: set(), False: set()}
    there = ServingProtocol.there
    option = socket.IPPROTO_TCP, socket.TCP_QUICKACK

    def noting(protocol: ServingProtocol, nbytes: int) -> None:
        kept = protocol.transport.get_extra_info("socket")
        kept.setsockopt(*option, 0)
        there(protocol, nbytes)
        if not protocol._in_head:
            is_young = protocol.cycle.come < MIB  # type: ignore[attr-defined]
            at_once[is_young].add(bool(kept.getsockopt(*option)))

    monkeypatch.setattr(flow, "YOUNG", MIB)
    monkeypatch.setattr(ServingProtocol, "there", noting)
    with filling.connect() as client, client.makefile("rb") as stream:
        for body in (sized(b"/", DATA), chunked(b"/", DATA, 64 * KIB)):
            client.sendall(body)
            assert answer(stream) == about(DATA)
    assert at_once == {True: {True}, False: {False}}


def test_of_a_crowd_little_is_read_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, filling: Running
) -> None:
    monkeypatch.setattr(flow, "CROWD", 0)
    with filling.connect() as first, filling.connect() as second:
        senders = []
        for many, client in enumerate((first, second), 1):
            protocol = served(filling, client)
            protocol.loop.call_soon_threadsafe(protocol.expect_much)
            wait_until(partial(is_reading, protocol))
            senders.append(threading.Thread(target=client.sendall, args=(sized(b"/held", DATA),)))
            senders[-1].start()
            wait_until(partial(are_waiting, filling, many))
        assert 0 < protocol._held <= BITE < filling.shared.held
        filling.app.may_go_on.set()
        for client, sender in zip((first, second), senders, strict=True):
            with client.makefile("rb") as stream:
                assert answer(stream) == about(DATA)
            sender.join()


def served(server: Running, client: socket.socket) -> ServingProtocol:
    """The server's end of the connection."""
    found: list[Any] = []

    def find() -> bool:
        ends: set[Any] = server.server.server_state.connections.copy()
        found.extend(end for end in ends if end.client == client.getsockname())
        return bool(found)

    wait_until(find)
    return cast(ServingProtocol, found[0])


def is_reading(protocol: ServingProtocol) -> bool:
    return protocol._reader is not None


def are_waiting(server: Running, many: int) -> bool:
    return server.shared.waiting == many


@pytest.mark.parametrize("how", ["sized", "chunked"])
def test_what_came_is_not_kept_waiting_for_more(filling: Running, how: str) -> None:
    """Memory that is not full is handed over after a while, and after the end at once."""
    data = DATA[: 200 * KIB]
    whole = sized(b"/", data) if how == "sized" else chunked(b"/", data, 64 * KIB)
    with filling.connect() as client, client.makefile("rb") as stream:
        client.sendall(whole[: 150 * KIB])
        wait_until(lambda: filling.app.largest > 0)
        assert filling.app.largest < 151 * KIB
        for at in range(150 * KIB, len(whole), 10_000):
            time.sleep(0.001)
            client.sendall(whole[at : at + 10_000])
        assert answer(stream) == about(data)


def test_memory_is_lent_only_when_there_is_something(filling: Running) -> None:
    with filling.connect() as client, client.makefile("rb") as stream:
        client.sendall(head(b"/", b"Content-Length: %d" % len(DATA)))
        assert filling.app.begun.get(timeout=PATIENCE_S) == "/"
        time.sleep(2 * DWELL_S)
        assert filling.app.lent == 0
        client.sendall(DATA)
        assert answer(stream) == about(DATA)
        assert filling.app.lent > 0


@pytest.mark.parametrize("chunk", [4_000, 32 * KIB, 3 * MIB])
def test_chunks_are_read_past_the_parser(
    monkeypatch: pytest.MonkeyPatch, filling: Running, chunk: int
) -> None:
    parsed = told_to(monkeypatch, GuardedProtocol, "data_received")
    ends = b"0\r\n\r\n", b"0\r\nA-Trailer: of no use\r\n\r\n", b"000;an=extension\r\n\r\n"
    with filling.connect() as client, client.makefile("rb") as stream:
        for end in ends:
            whole = chunked(b"/", DATA, chunk, end) + sized(b"/", b"next")
            sender = threading.Thread(target=client.sendall, args=(whole,))
            sender.start()
            assert [answer(stream), answer(stream)] == [about(DATA), about(b"next")]
            sender.join()
    assert sum(parsed) < len(DATA), "much of it went through the parser"


def test_a_chunk_of_another_kind_is_left_to_the_parser(filling: Running) -> None:
    plain = [b"%x\r\n%b\r\n" % (99_999, DATA[at : at + 99_999]) for at in range(0, 999_990, 99_999)]
    odd = b"5;an=extension\r\n01234\r\n"
    data = DATA[:499_995] + b"01234" + DATA[499_995:999_990]
    for wrong, start in ((b"", b"HTTP/1.1 200"), (b"0x5\r\n", b"HTTP/1.1 400")):
        with filling.connect() as client:
            body = b"".join([*plain[:5], odd, *plain[5:], wrong, b"0\r\n\r\n"])
            client.sendall(head(b"/", b"Transfer-Encoding: chunked") + body)
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(4096), b""))
            assert received.startswith(start)
            assert received.endswith(about(data)) or wrong


def test_nothing_of_a_connection_is_left_to_be_collected(filling: Running) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with filling.connect() as client, client.makefile("rb") as stream:
                for body in (sized(b"/", DATA), chunked(b"/", DATA, 64 * KIB), sized(b"/", b"")):
                    client.sendall(body)
                    assert answer(stream)
        wait_until(lambda: not filling.server.server_state.connections)
        wait_until(lambda: not kept_of(BodyCycle, Flow, GuardedProtocol))
    finally:
        gc.enable()


def kept_of(*kinds: type) -> list[Any]:
    return [each for each in gc.get_objects() if isinstance(each, kinds)]
