"""Requests begin few at a time, all of them, and in their order."""

import asyncio
from functools import partial

import pytest

from harbor.core.starts import AT_ONCE, Starts
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
