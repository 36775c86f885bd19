"""Clients that push, move, delete and read at once, and write down what they were told."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.client import (
    HOWS,
    Answer,
    Client,
    Cut,
    descriptor,
    expect,
    image,
    sha256,
    with_digest,
)
from tests.crash.ledger import Key, Ledger, Session, Source

# Not so small that two make the same by chance: nobody's blob leaves with another's manifest.
SIZES = (9, 16, 17, 4096, 65_535, 65_536, 65_537, 300_000, 1_100_000, 3_000_000)
WEIGHTS = (6, 4, 8, 12, 6, 6, 6, 8, 6, 3)
SHARED = "shared"


@dataclass
class Pusher:
    """One client with a repository of its own, and a part in the one that all share."""

    port: int
    ledger: Ledger
    repository: str
    shared_repository: str
    seed: int
    stop: threading.Event
    client: Client = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.port)
        self.rng = random.Random(self.seed)

    def run(self) -> None:
        """Work until told to stop. A connection may only be cut when the server was killed."""
        actions = list(ACTIONS)
        try:
            while not self.stop.is_set():
                action = self.rng.choices(actions, list(ACTIONS.values()))[0]
                try:
                    action(self)
                except Cut as error:
                    if not self.stop.wait(5):
                        self.ledger.odd(f"cut while the server lived: {error}")
                except AssertionError as error:
                    self.ledger.odd(f"{action.__name__}: {error}")
        finally:
            self.client.close()

    def source(self) -> Source:
        nbytes = self.rng.choices(SIZES, WEIGHTS)[0]
        return Source(self.rng.getrandbits(64), nbytes)

    def push_blob(self, repository: str = "", source: Source | None = None) -> bytes:
        repository = repository or self.repository
        source = source or self.source()
        data = source.data
        digest = sha256(data)
        self.ledger.sources[digest] = source
        with self.ledger.changing({Key("blob", repository, digest): digest}):
            answer = expect(self.client.push_blob(repository, data, self.rng.choice(HOWS)), 201)
            assert answer.headers["docker-content-digest"] == digest
        return data

    def push_shared_blob(self) -> None:
        """Everybody pushes the same few blobs."""
        number = self.rng.randrange(4)
        source = Source(number, SIZES[-1 - number])
        self.push_blob(self.shared_repository, source)

    def build(self, repository: str) -> bytes:
        """An image whose blobs are in the repository."""
        blobs = [self.push_blob(repository) for _ in range(self.rng.randint(1, 3))]
        raw = image(*blobs, annotations={"n": str(self.rng.getrandbits(64))})
        self.ledger.manifests[sha256(raw)] = raw
        return raw

    def push_image(self) -> None:
        raw = self.build(self.repository)
        digest = sha256(raw)
        changes: dict[Key, str | None] = {Key("manifest", self.repository, digest): digest}
        reference = digest
        if self.rng.random() < 0.7:
            reference = f"v{self.rng.randrange(8)}"
            changes[Key("tag", self.repository, reference)] = digest
        with self.ledger.changing(changes):
            expect(self.client.put_manifest(self.repository, reference, raw), 201)

    def move_tag(self) -> None:
        known = self.ledger.sure("manifest", self.repository)
        if known:
            digest, tag = self.rng.choice(known), f"v{self.rng.randrange(8)}"
            with self.ledger.changing({Key("tag", self.repository, tag): digest}):
                raw = self.ledger.manifests[digest]
                expect(self.client.put_manifest(self.repository, tag, raw), 201)

    def move_shared_tag(self) -> None:
        raw = self.build(self.shared_repository)
        digest = sha256(raw)
        with (
            self.ledger.changing({Key("manifest", self.shared_repository, digest): digest}),
            self.ledger.moving(digest),
        ):
            expect(self.client.put_manifest(self.shared_repository, SHARED, raw), 201)

    def mount(self) -> None:
        known = self.ledger.sure("blob", self.repository)
        if known:
            digest = self.rng.choice(known)
            path = f"/v2/{self.shared_repository}/blobs/uploads/"
            with self.ledger.changing({Key("blob", self.shared_repository, digest): digest}):
                query = f"?mount={digest}&from={self.repository}"
                expect(self.client.call("POST", path + query), 201)

    def delete_tag(self) -> None:
        known = self.ledger.sure("tag", self.repository)
        if known:
            tag = self.rng.choice(known)
            with self.ledger.changing({Key("tag", self.repository, tag): None}):
                expect(self.delete("manifests", tag), 202)

    def delete_manifest(self) -> None:
        known = self.ledger.sure("manifest", self.repository)
        if known:
            digest = self.rng.choice(known)
            changes: dict[Key, str | None] = {Key("manifest", self.repository, digest): None}
            changes |= dict.fromkeys(self.ledger.tags(self.repository, digest))
            self.ledger.loosen(parts(self.ledger.manifests[digest]))
            with self.ledger.changing(changes):
                expect(self.delete("manifests", digest), 202)

    def delete_blob(self) -> None:
        """One that no manifest has ever named, so that it must work."""
        named = {each for raw in list(self.ledger.manifests.values()) for each in parts(raw)}
        known = [d for d in self.ledger.sure("blob", self.repository) if d not in named]
        if known:
            digest = self.rng.choice(known)
            with self.ledger.changing({Key("blob", self.repository, digest): None}):
                expect(self.delete("blobs", digest), 202)

    def delete(self, kind: str, name: str) -> Answer:
        return self.client.call("DELETE", f"/v2/{self.repository}/{kind}/{name}")

    def read(self) -> None:
        for digest in self.some("blob"):
            answer = expect(self.client.blob(self.repository, digest), 200)
            assert sha256(answer.body) == digest, f"torn blob {digest}"
        for digest in self.some("manifest"):
            answer = expect(self.client.manifest(self.repository, digest), 200)
            assert answer.body == self.ledger.manifests[digest], f"torn manifest {digest}"
        answer = expect(self.client.manifest(self.shared_repository, SHARED), 200, 404)
        if answer.status == 200:
            assert answer.body in self.ledger.manifests.values(), "a manifest nobody pushed"

    def some(self, kind: str) -> list[str]:
        known = self.ledger.sure(kind, self.repository)
        return self.rng.sample(known, min(2, len(known)))

    def leave_session(self) -> None:
        """Begin an upload; append some of it; go away."""
        source = self.source()
        session = Session(self.client.begin(self.repository), source)
        self.ledger.sessions.append(session)
        data = source.data
        for _ in range(self.rng.randrange(3)):
            start = session.acknowledged
            piece = data[start : start + self.rng.randint(1, max(1, len(data)))]
            if piece:
                session.place = self.client.append(session.place, piece, start)
                session.acknowledged += len(piece)

    def finish_session(self) -> None:
        mine = [s for s in list(self.ledger.sessions) if self.is_mine(s)]
        if mine:
            session = self.rng.choice(mine)
            session.ending = True
            data = session.source.data
            digest = sha256(data)
            self.ledger.sources[digest] = session.source
            with self.ledger.changing({Key("blob", self.repository, digest): digest}):
                rest = data[session.acknowledged :]
                answer = self.client.call("PUT", with_digest(session.place, digest), rest)
                expect(answer, 201)
            session.gone = True

    def is_mine(self, session: Session) -> bool:
        return not session.ending and session.place.startswith(f"/v2/{self.repository}/")


ACTIONS: dict[Callable[[Pusher], object], float] = {
    Pusher.push_blob: 4,
    Pusher.push_shared_blob: 2,
    Pusher.push_image: 6,
    Pusher.move_tag: 3,
    Pusher.move_shared_tag: 1,
    Pusher.mount: 1,
    Pusher.delete_tag: 1,
    Pusher.delete_manifest: 1,
    Pusher.delete_blob: 2,
    Pusher.read: 4,
    Pusher.leave_session: 2,
    Pusher.finish_session: 1,
}


class Load:
    """Many pushers, each in its thread, until the block ends."""

    def __init__(
        self, port: int, ledger: Ledger, *, threads: int, seed: int, prefix: str = "library/p"
    ) -> None:
        self.stop = threading.Event()
        pushers = [
            Pusher(port, ledger, f"{prefix}-{n}", f"{prefix}-all", seed * 1000 + n, self.stop)
            for n in range(threads)
        ]
        self.threads = [threading.Thread(target=pusher.run) for pusher in pushers]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        deadline = time.monotonic() + 60
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
            assert not thread.is_alive(), "a client hangs"


def parts(raw: bytes) -> list[str]:
    """The digests of the blobs that a manifest names."""
    document = json.loads(raw)
    return [document["config"]["digest"], *(each["digest"] for each in document["layers"])]


def index_of(*manifests: bytes) -> bytes:
    """An index that lists *manifests*."""
    children = [descriptor(raw, json.loads(raw)["mediaType"]) for raw in manifests]
    media_type = "application/vnd.oci.image.index.v1+json"
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": children}
    return json.dumps(document).encode()
