"""Requests begin few at a time, all of them, and in their order."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from harbor.core.guard import GuardedProtocol
from harbor.core.starts import AT_ONCE, FEWEST, Starts
from tests.core.running import wait_until
from tests.core.sending import about, answer, head, serving, sized

pytestmark = pytest.mark.anyio


async def test_few_begin_in_one_turn_of_the_loop() -> None:
    starts, begun = Starts(asyncio.get_running_loop()), list[int]()
    for number in range(3 * AT_ONCE + 5):
        if starts.may_begin():
            begun.append(number)
        else:
            starts.begin_soon(partial(begun.append, number))
    for turn in range(1, 4):
        assert begun == list(range(turn * AT_ONCE))
        await asyncio.sleep(0)
    assert begun == list(range(3 * AT_ONCE + 5))
    assert starts.may_begin(), "nobody waits any more"


async def test_who_comes_later_does_not_begin_before_those_who_wait() -> None:
    starts, begun = Starts(asyncio.get_running_loop()), list[int]()
    while starts.may_begin():
        pass
    for number in range(AT_ONCE + 1):
        starts.begin_soon(partial(begun.append, number))
    await asyncio.sleep(0)
    assert len(begun) == AT_ONCE
    assert not starts.may_begin()


async def test_one_after_the_other_never_waits_for_long() -> None:
    starts = Starts(asyncio.get_running_loop())
    for _ in range(3 * AT_ONCE):
        assert starts.may_begin()
        await asyncio.sleep(0)


async def test_one_that_fails_keeps_no_other_from_beginning() -> None:
    loop = asyncio.get_running_loop()
    starts, begun, failed = Starts(loop), list[int](), list[Any]()
    loop.set_exception_handler(lambda _, told: failed.append(told["exception"]))
    while starts.may_begin():
        pass
    starts.begin_soon(partial([].pop, 0))
    starts.begin_soon(partial(begun.append, 1))
    for _ in range(3):
        await asyncio.sleep(0)
    assert (begun, [type(each) for each in failed]) == ([1], [IndexError])
    assert starts.may_begin()


async def test_fewer_begin_where_turns_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, begun = Starts(asyncio.get_running_loop()), list[int]()
    now, turn_s = 1.0, 0.2
    monkeypatch.setattr("harbor.core.starts.monotonic", lambda: now)
    for number in range(500):
        if not starts.may_begin():
            starts.begin_soon(partial(begun.append, number))
    counts = []
    for _ in range(14):
        before = len(begun)
        await asyncio.sleep(0)
        counts.append(len(begun) - before)
        now += turn_s
        if counts[-1] == FEWEST:
            turn_s = 0.001
    assert counts[:4] == [32, 16, 8, 4]
    assert set(counts[4:]) == {*range(8, 33, 4)} | {*counts[4:5]}
    assert counts[3:] == sorted(counts[3:])
    for _ in range(20):
        await asyncio.sleep(0)
    assert begun == list(range(AT_ONCE, 500))


async def test_who_has_waited_is_counted_once() -> None:
    starts, told = Starts(asyncio.get_running_loop()), list[tuple[bool, bool]]()
    for _ in range(AT_ONCE):
        assert not starts.are_enough
        starts.may_begin()
    assert starts.are_enough
    for _ in range(AT_ONCE):
        starts.begin_soon(lambda: told.append((starts.are_enough, starts.may_begin())))
    await asyncio.sleep(0)
    assert told == [(False, True)] * AT_ONCE
    assert starts.are_enough


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("reads", ["as the loop does", "with care"])
def test_what_comes_at_the_same_moment_is_parsed_in_turns(
    monkeypatch: pytest.MonkeyPatch, loop: str, reads: str
) -> None:
    parsed: list[int] = []  # requests, in each turn
    parse, go_on = GuardedProtocol.data_received, Starts._go_on

    def parsing(protocol: GuardedProtocol, data: bytes) -> None:
        parsed[-1] += 1
        parse(protocol, data)

    def going_on(starts: Starts) -> None:
        parsed.append(0)
        go_on(starts)

    monkeypatch.setattr(GuardedProtocol, "data_received", parsing)
    monkeypatch.setattr(Starts, "_go_on", going_on)
    with serving(loop) as here:
        clients = [here.connect() for _ in range(5 * AT_ONCE)]
        served: set[Any] = here.server.server_state.connections
        wait_until(lambda: len(served) == len(clients))
        if reads == "with care":
            for protocol in list(served):
                protocol.loop.call_soon_threadsafe(protocol.expect_much)
            time.sleep(0.1)
        parsed.append(0)
        next(iter(served)).loop.call_soon_threadsafe(time.sleep, 0.5)
        for number, client in enumerate(clients):
            client.sendall(sized(b"/", b"%d" % number))
        for number, client in enumerate(clients):
            with client, client.makefile("rb") as stream:
                assert answer(stream) == about(b"%d" % number)
        here.expect_nothing_held()
    assert sum(parsed) == len(clients)
    assert max(parsed) <= AT_ONCE


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_crowd_is_answered_and_those_who_left_cost_nothing(loop: str) -> None:
    with serving(loop) as here:
        clients = [here.connect() for _ in range(5 * AT_ONCE)]
        for number, client in enumerate(clients):
            client.sendall(sized(b"/", b"%d" % number))
        gone = [here.connect() for _ in range(AT_ONCE)]
        for client in gone:
            client.sendall(head(b"/", b"Content-Length: 9"))
            client.close()
        for number, client in enumerate(clients):
            with client, client.makefile("rb") as stream:
                assert answer(stream) == about(b"%d" % number)
        here.expect_nothing_held()
