"""Stopping and starting: what runs is finished, what is open goes on, two starts do no harm."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.crash.client import (
    OCTETS,
    Answer,
    Client,
    connect,
    content,
    expect,
    head,
    image,
    push_image,
    sha256,
    with_digest,
)
from tests.crash.conftest import MakeServer
from tests.crash.server import PASSWORD, Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/restart"
SESSIONS = 40
EXIT_S = 20


class Slow:
    """A client in a thread whose request takes *seconds*."""

    def __init__(self, server: Server, seconds: float) -> None:
        self.seconds = seconds
        self.client = Client(server.port, timeout_s=60)
        self.begun = threading.Event()

    def dribble(self, data: bytes) -> Iterator[bytes]:
        """*data* in twenty pieces."""
        for number in range(20):
            yield data[number * len(data) // 20 : (number + 1) * len(data) // 20]
            self.begun.set()
            time.sleep(self.seconds / 20)

    def push(self, data: bytes) -> Answer:
        place = self.client.begin(REPOSITORY)
        return self.client.call("PUT", with_digest(place, sha256(data)), self.dribble(data), OCTETS)

    def put_manifest(self, raw: bytes) -> Answer:
        path = f"/v2/{REPOSITORY}/manifests/late"
        told = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
        return self.client.call("PUT", path, self.dribble(raw), told)

    def pull(self, digest: str, nbytes: int) -> bytes:
        """The body of a blob, read little by little."""
        with connect(self.client.port, 60) as connection:
            connection.sendall(head("GET", f"/v2/{REPOSITORY}/blobs/{digest}"))
            found = connection.recv(65536)
            header, _, body = found.partition(b"\r\n\r\n")
            assert header.startswith(b"HTTP/1.1 200"), header
            self.begun.set()
            pieces, left = [body], nbytes - len(body)
            while left > 0:
                piece = connection.recv(min(left, 1 << 20))
                assert piece, f"cut with {left} bytes to come"
                pieces.append(piece)
                left -= len(piece)
                time.sleep(self.seconds * len(piece) / nbytes)
        return b"".join(pieces)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_told_to_stop_finishes_what_it_has_begun(
    make_server: MakeServer, workers: int
) -> None:
    server = make_server(workers=workers)
    server.start()
    big, config = content(1, 30_000_000), content(2, 100)
    new = [content(10 + n, 400_000) for n in range(4)]
    sources = [content(100 + n, 100_000) for n in range(SESSIONS)]
    raw = image(config, annotations={"padding": "x" * 10_000})
    with Client(server.port) as client:
        for data in (big, config):
            expect(client.push_blob(REPOSITORY, data), 201)
        places = [client.append(client.begin(REPOSITORY), data[:50_000], 0) for data in sources]
    slow = [Slow(server, 3) for _ in range(9)]
    futures: list[Future[Answer]] = []
    pulls: list[Future[bytes]] = []
    with ThreadPoolExecutor(len(slow)) as pool:
        futures += [pool.submit(slow[n].push, data) for n, data in enumerate(new)]
        futures.append(pool.submit(slow[4].put_manifest, raw))
        pulls += [pool.submit(each.pull, sha256(big), len(big)) for each in slow[5:]]
        for each in slow:
            assert each.begun.wait(30)
        idle = connect(server.port)
        began = time.monotonic()
        assert server.stop(EXIT_S) == 0
        took_s = time.monotonic() - began
        assert [future.result().status for future in futures] == [201] * 5
        assert all(future.result() == big for future in pulls)
        idle.close()
    for each in slow:
        each.client.close()
    server.start()
    with Client(server.port) as client:
        for data in (*new, big):
            assert expect(client.blob(REPOSITORY, sha256(data)), 200).body == data
        assert expect(client.manifest(REPOSITORY, "late"), 200).body == raw
        kept = [client.resume(*each) for each in zip(places, sources, strict=True)]
        assert kept == [50_000] * SESSIONS
    print(f"{workers} workers: exit in {took_s:.1f} s, {len(kept)}/{SESSIONS} sessions went on")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_client_that_never_ends_does_not_keep_the_server_up(
    make_server: MakeServer, workers: int
) -> None:
    """What is cut off then is kept as far as it came, and the exit is a success."""
    server = make_server(workers=workers, shutdown_s=2)
    server.start()
    data = content(3, 1_000_000)
    with Client(server.port) as client:
        place = client.begin(REPOSITORY)
        with connect(server.port, 30) as hanging, connect(server.port, 30) as reading:
            hanging.sendall(head("PATCH", place, Content_Length=len(data)) + data[:600_000])
            expect(client.push_blob(REPOSITORY, content(4, 20_000_000)), 201)
            reading.sendall(head("GET", f"/v2/{REPOSITORY}/blobs/{sha256(content(4, 20_000_000))}"))
            time.sleep(0.5)
            client.close()
            began = time.monotonic()
            assert server.stop(EXIT_S) == 0
            print(f"{workers} workers: exit in {time.monotonic() - began:.1f} s")
        server.start()
        assert client.resume(place, data) == 600_000


def test_stopping_again_and_again_loses_nothing(make_server: MakeServer) -> None:
    server = make_server()
    pushed: list[bytes] = []
    for number in range(3):
        server.start()
        with Client(server.port) as client:
            for tag, raw in enumerate(pushed):
                assert client.manifest(REPOSITORY, f"v{tag}").body == raw
            pushed.append(push_image(client, REPOSITORY, f"v{number}", content(number, 1000)))
        for each in (signal.SIGTERM, signal.SIGINT)[: 1 + number % 2]:
            os.kill(server.pid, each)
        assert server.wait(EXIT_S) == 0
    assert "Traceback" not in server.output()


def test_a_second_interrupt_does_not_wait_for_clients(make_server: MakeServer) -> None:
    server = make_server(shutdown_s=60)
    server.start()
    with Client(server.port) as client, connect(server.port) as hanging:
        place = client.begin(REPOSITORY)
        hanging.sendall(head("PATCH", place, Content_Length=1_000_000) + content(1, 1000))
        time.sleep(0.5)
        os.kill(server.pid, signal.SIGINT)
        time.sleep(0.5)
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(EXIT_S) == 0
    assert "Traceback" not in server.output()


def test_a_second_start_on_the_same_port_fails_and_harms_nothing(make_server: MakeServer) -> None:
    for workers in (1, 2):
        first = make_server(workers=workers)
        first.start()
        with Client(first.port) as client:
            raw = push_image(client, REPOSITORY, "v1", content(1, 1000))
            place = client.append(client.begin(REPOSITORY), b"begun", 0)
            second = Server(first.data, first.settings, first.port, logs=first.logs)
            already = len(first.output())  # both write to the same log
            second.launch()
            assert second.wait(EXIT_S) not in (0, None)
            said = first.output()[already:]
            assert re.search("address.*in use|port.*in use", said, re.IGNORECASE), said
            assert "Traceback" not in said, said
            assert client.manifest(REPOSITORY, "v1").body == raw
            assert client.resume(place, b"begun and ended") == 5
        assert first.stop(EXIT_S) == 0


def test_two_starts_at_once_on_nothing_make_one_administrator(make_server: MakeServer) -> None:
    """On an empty folder and an empty database; only one of them tells the password it made."""
    for _ in range(2):
        first = make_server(admin_password="")
        second = make_server(first.data, **settings_of(first))
        for server in (first, second):
            server.launch()
        for server in (first, second):
            server.wait_ready()
        told = [found for server in (first, second) for found in passwords(server.output())]
        assert len(told) == 1, [server.output() for server in (first, second)]
        data = content(1, 1000)
        with Client(first.port, ("admin", told[0])) as client:
            expect(client.push_blob(REPOSITORY, data), 201)
            token = client.token(f"repository:{REPOSITORY}:pull")
        # What the first one keeps and signs, the second one knows.
        with Client(second.port, None) as client:
            bearer = {"Authorization": f"Bearer {token}"}
            answer = client.call("GET", f"/v2/{REPOSITORY}/blobs/{sha256(data)}", None, bearer)
            assert expect(answer, 200).body == data
        assert {first.stop(), second.stop()} == {0}


def settings_of(server: Server) -> dict[str, str]:
    return {name.removeprefix("HARBOR_").lower(): text for name, text in server.settings.items()}


def passwords(output: str) -> list[str]:
    """What the output says the generated passwords are."""
    return [word for word in re.findall(r"password +(\S+)$", output, re.MULTILINE) if len(word) > 9]


def test_the_password_of_the_administrator_is_in_no_log(make_server: MakeServer) -> None:
    server = make_server(log_level="debug")
    server.start()
    with Client(server.port) as client:
        push_image(client, REPOSITORY, "v1", content(1, 1000))
    with Client(server.port, ("admin", "Wrong-" + PASSWORD)) as client:
        assert client.get("/v2/").status == 401
    assert server.stop() == 0
    assert PASSWORD not in server.output()
