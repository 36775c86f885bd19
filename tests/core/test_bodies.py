"""Bodies reach the application byte for byte, whatever the client does, and never pile up."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

import pytest

from harbor.core.bodies import ALL_HIGH, HIGH, Reader
from harbor.core.flow import MIN_BYTES, READ, Flow, Shared
from harbor.core.settings import MIB
from harbor.core.watch import KIB
from harbor.core.zerocopy import ServingProtocol
from tests.core.running import PATIENCE_S, make_certificate, wait_until
from tests.core.sending import DATA, Running, about, answer, chunked, head, serving, sized

SIZES = [0, 1, 65_535, 65_536, MIB - 1, MIB, MIB + 1, 5 * MIB]


@pytest.fixture(params=product(["uvloop", "asyncio"], [0, 333_333, MIB]), ids=str)
def here(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(*request.param) as here:
        yield here
        here.app.may_go_on.set()
        here.expect_nothing_held()


def test_bodies_of_all_sizes_arrive_in_one_connection(here: Running) -> None:
    with here.connect() as client, client.makefile("rb") as stream:
        for size in SIZES:
            data = DATA[:size]
            for request in (
                sized(b"/", data),
                chunked(b"/", data, 32 * KIB),
                chunked(b"/slow", data, 700_001),
            ):
                client.sendall(request)
                assert answer(stream) == about(data)
    assert here.app.largest <= (here.app.memory or READ)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 8, 9, 40_000, 65_541, 65_542, 65_543, 131_000])
def test_a_body_may_be_cut_anywhere(here: Running, cut: int) -> None:
    data = DATA[:300_000]
    trailer = b"0\r\nA-Trailer: of no use\r\n\r\n"
    whole = chunked(b"/", data, 65_536), chunked(b"/", data, 65_536, trailer), sized(b"/", data)
    for request in whole:
        body = request.index(b"\r\n\r\n") + 4
        with here.connect() as client, client.makefile("rb") as stream:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(request[:body])
            for start, stop in ((body, body + cut), (body + cut, -cut), (-cut, None)):
                time.sleep(0.01)
                client.sendall(request[start:stop])
            assert answer(stream) == about(data)


def test_chunks_of_one_byte_are_joined(here: Running) -> None:
    data = DATA[:300_000]
    with here.connect() as client, client.makefile("rb") as stream:
        client.sendall(chunked(b"/", data, 1))
        assert answer(stream) == about(data)
    assert here.app.largest > 1


def test_requests_right_behind_bodies_are_answered_in_their_order(here: Running) -> None:
    sent = [DATA[: 3 * MIB], b"", DATA[7 : 2 * MIB], b"abc"]
    with here.connect() as client, client.makefile("rb") as stream:
        requests = [sized(b"/", sent[0]), sized(b"/", sent[1]), chunked(b"/slow", sent[2], MIB)]
        whole = b"".join([*requests, sized(b"/", sent[3])])
        sender = threading.Thread(target=client.sendall, args=(whole,))
        sender.start()
        assert [answer(stream) for _ in sent] == [about(data) for data in sent]
        sender.join()


@pytest.mark.parametrize("nbytes", [3, HIGH // 2, HIGH])
def test_what_came_is_told_before_the_client_is_gone(here: Running, nbytes: int) -> None:
    with here.connect() as client:
        client.sendall(head(b"/held", b"Content-Length: 9999999") + DATA[:nbytes])
        wait_until(lambda: not here.app.begun.empty() and here.shared.held == nbytes)
    time.sleep(0.05)
    here.app.may_go_on.set()
    assert here.app.told.get(timeout=PATIENCE_S) == (nbytes, "http.disconnect")


def test_a_client_that_resets_the_connection_leaves_nothing(here: Running) -> None:
    for _ in range(5):
        with here.connect() as client:
            client.sendall(head(b"/slow", b"Content-Length: 99999999") + DATA)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert here.app.told.get(timeout=PATIENCE_S)[1] == "http.disconnect"


def test_the_client_is_told_to_go_on_only_when_the_body_is_wanted(here: Running) -> None:
    lines = b"Expect: 100-continue", b"Content-Length: %d" % len(DATA)
    with here.connect() as client, client.makefile("rb") as stream:
        client.sendall(head(b"/held", *lines))
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1, socket.MSG_PEEK)
        client.settimeout(PATIENCE_S)
        here.app.may_go_on.set()
        assert stream.readline() + stream.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(DATA)
        assert answer(stream) == about(DATA)
        client.sendall(head(b"/unread", b"Expect: 100-continue", b"Content-Length: 3"))
        assert answer(stream) == about(b"")


def test_a_body_that_nobody_reads_is_skipped(here: Running) -> None:
    with here.connect() as client, client.makefile("rb") as stream:
        for _ in range(2):
            client.sendall(sized(b"/unread", DATA))
            assert answer(stream) == about(b"")
            client.sendall(sized(b"/", b"next"))
            assert answer(stream) == about(b"next")


def test_a_body_that_is_read_in_part_is_skipped(here: Running) -> None:
    with here.connect() as client, client.makefile("rb") as stream:
        for _ in range(2):
            client.sendall(sized(b"/some", DATA))
            nbytes = int(answer(stream).split()[0])
            assert 0 < nbytes <= (here.app.memory or READ)
            client.sendall(chunked(b"/", b"next", 3))
            assert answer(stream) == about(b"next")


def test_an_old_client_is_answered_and_let_go(here: Running) -> None:
    with here.connect() as client:
        lines = b"Content-Length: %d" % len(DATA), b"Connection: keep-alive"
        client.sendall(head(b"/", *lines, version=b"1.0") + DATA)
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.endswith(b"\r\n\r\n" + about(DATA))


def test_a_broken_body_is_cut_and_leaves_nothing(here: Running) -> None:
    with here.connect() as client:
        client.sendall(chunked(b"/slow", DATA, 100_000, b"zz\r\n"))
        assert b"".join(iter(lambda: client.recv(4096), b"")).startswith(b"HTTP/1.1 400 ")
    assert here.app.told.get(timeout=PATIENCE_S) == (len(DATA), "http.disconnect")


def test_a_broken_body_behind_another_request_leaves_nothing(here: Running) -> None:
    with here.connect() as client:
        client.sendall(sized(b"/held", b"") + chunked(b"/", DATA[:9_999], 999, b"zz\r\n"))
        wait_until(lambda: not here.app.begun.empty())
        time.sleep(0.05)
        here.app.may_go_on.set()
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(about(b""))


def test_the_sender_is_held_up_while_the_application_is_busy(here: Running) -> None:
    with here.connect() as client:
        client.sendall(head(b"/held", b"Content-Length: %d" % (64 * MIB)))
        client.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64 * MIB:
                sent += client.send(DATA[:MIB])
        assert sent < 64 * MIB
        assert HIGH <= here.shared.held <= HIGH + READ
        client.settimeout(PATIENCE_S)
        here.app.may_go_on.set()
        while sent < 64 * MIB:
            sent += client.send(DATA[: min(MIB, 64 * MIB - sent)])
        with client.makefile("rb") as stream:
            assert answer(stream).startswith(b"%d " % sent)


def test_a_sender_that_was_held_up_for_long_has_as_long_to_notice(here: Running) -> None:
    with here.connect() as client:
        client.sendall(head(b"/held", b"Content-Length: %d" % MIB) + DATA[: HIGH + READ])
        wait_until(lambda: not here.app.begun.empty() and here.shared.waiting == 1)
        (connection,) = here.server.server_state.connections
        assert isinstance(connection, ServingProtocol)
        connection.flow._since -= 60
        here.app.may_go_on.set()
        wait_until(lambda: connection._age < -59 / connection._limits.tick_s)
        client.sendall(DATA[HIGH + READ : MIB - 1])
        wait_until(lambda: connection._arrived > 0)
        wait_until(lambda: connection._arrived == 0)  # they were looked at, and take nothing away
        connection.flow.pause_reading()
        connection.flow._since -= 2
        connection.read_on()  # a short pause does not shorten what a long one has given
        assert connection._age < -50 / connection._limits.tick_s
        client.sendall(DATA[MIB - 1 : MIB])
        with client.makefile("rb") as stream:
            assert answer(stream) == about(DATA[:MIB])


def test_many_bodies_stay_below_a_limit_and_all_arrive(here: Running) -> None:
    count, wrong = ALL_HIGH // HIGH + 20, []

    def push(client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            client.sendall(sized(b"/held", DATA))
            if answer(stream) != about(DATA):
                wrong.append(client)

    threads = [threading.Thread(target=push, args=(here.connect(),)) for _ in range(count)]
    for thread in threads:
        thread.start()
    wait_until(lambda: here.app.begun.qsize() == count)
    time.sleep(0.3)
    assert ALL_HIGH <= here.shared.held <= ALL_HIGH + count * READ
    here.app.may_go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not wrong
    assert here.app.told.qsize() == count


def test_connections_that_break_together_give_back_what_they_held(here: Running) -> None:
    clients = [here.connect() for _ in range(20)]
    for client in clients:
        client.sendall(head(b"/held", b"Content-Length: 99999999") + DATA[:HIGH])
    wait_until(lambda: here.shared.held == len(clients) * HIGH)
    for client in clients:
        client.close()
    here.app.may_go_on.set()
    wait_until(lambda: not here.server.server_state.connections and not here.shared.held)


@pytest.mark.parametrize("memory", [0, 333_333])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_bodies_arrive_over_tls(tmp_path: Path, loop: str, memory: int) -> None:
    certificate = make_certificate(tmp_path / "server.pem")
    with (
        serving(loop, memory, ssl_certfile=certificate) as here,
        here.connect() as client,
        client.makefile("rb") as stream,
    ):
        for request in (sized(b"/", DATA), chunked(b"/slow", DATA, 99_999)):
            client.sendall(request)
            assert answer(stream) == about(DATA)
        assert here.shared.held == 0


def test_loops_fill_the_shared_buffer(monkeypatch: pytest.MonkeyPatch, here: Running) -> None:
    reads: list[int] = []
    updated = Reader.buffer_updated

    def counting(reader: Reader, nbytes: int) -> None:
        reads.append(nbytes)
        updated(reader, nbytes)

    monkeypatch.setattr(Reader, "buffer_updated", counting)
    with here.connect() as client, client.makefile("rb") as stream:
        client.sendall(sized(b"/", DATA))
        assert answer(stream) == about(DATA)
        assert sum(reads) >= len(DATA) // 2


class Paused(asyncio.Transport):
    """A connection that only knows its socket."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False


def test_in_a_crowd_the_kernel_keeps_less_for_each_who_waits() -> None:
    with (
        closing(asyncio.new_event_loop()) as loop,
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as kept,
    ):
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        before = kept.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        shared = Shared(loop)
        flow = Flow(Paused({"socket": kept}), shared)
        flow.pause_reading()
        assert (shared.waiting, rcvbuf(kept)) == (1, before)
        flow.pause_reading()
        flow.resume_reading()
        assert shared.waiting == 0
        shared.waiting = 5_000
        flow.pause_reading()
        assert rcvbuf(kept) == before, "what is on its way would be thrown away"
        flow.resume_reading()
        assert (shared.waiting, rcvbuf(kept)) == (5_000, 2 * MIN_BYTES)
        assert flow.is_narrow


def rcvbuf(kept: socket.socket) -> int:
    return kept.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
