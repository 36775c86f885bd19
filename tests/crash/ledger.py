"""What clients were told, and so what the server must know for ever, whatever happens to it."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tests.crash.client import content


class Key(NamedTuple):
    kind: Literal["blob", "manifest", "tag"]
    repository: str
    name: str  # a digest, or a tag


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes, as what makes them."""

    seed: int
    nbytes: int

    @property
    def data(self) -> bytes:
        return content(self.seed, self.nbytes)


@dataclass(slots=True)
class Session:
    """An upload that was begun."""

    place: str
    source: Source
    acknowledged: int = 0  # bytes that the server said it has
    ending: bool = False  # somebody has asked to finish it
    gone: bool = False  # finished, as far as the client knows


@dataclass(slots=True)
class Move:
    """Somebody pointed the shared tag at a manifest."""

    digest: str
    began: float
    ended: float = float("inf")  # until it is acknowledged


@dataclass
class Ledger:
    """Of every name: what it may mean. ``None`` says that there may be no such thing.

    One thread writes to a name, in order, so that a name means what was acknowledged last, or
    what was asked for after that and never answered.
    """

    allowed: dict[Key, set[str | None]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)  # by digest
    manifests: dict[str, bytes] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)  # blobs that may leave with a deleted manifest
    sessions: list[Session] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)  # what should never be seen
    done: int = 0  # requests that changed something, and were acknowledged
    frozen: bool = False  # what is acknowledged from now on may have come too late to be kept
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def changing(self, changes: Mapping[Key, str | None]) -> Iterator[None]:
        """While this runs, each name means what it meant or what it shall mean; after it, that.

        An exception leaves it open.
        """
        with self._lock:
            for key, value in changes.items():
                self.allowed.setdefault(key, {None}).add(value)
        yield
        with self._lock:
            if not self.frozen:
                self.done += 1
                self.allowed.update({key: {value} for key, value in changes.items()})

    @contextmanager
    def moving(self, digest: str) -> Iterator[None]:
        """Point the shared tag at a manifest, beside others who do the same."""
        move = Move(digest, time.monotonic())
        with self._lock:
            self.moves.append(move)
        yield
        with self._lock:
            if not self.frozen:
                move.ended = time.monotonic()

    def shared(self) -> set[str]:
        """What the shared tag may mean: what nobody has overwritten for certain."""
        known = list(self.moves)
        return {
            move.digest
            for move in known
            if not any(other.ended != float("inf") and other.began > move.ended for other in known)
        }

    def sure(self, kind: str, repository: str) -> list[str]:
        """The names of that kind which are there for certain, and stay."""
        with self._lock:
            return [
                key.name
                for key, values in self.allowed.items()
                if key.kind == kind and key.repository == repository and None not in values
                if key.name not in self.loose
            ]

    def tags(self, repository: str, digest: str) -> list[Key]:
        """The tags that may point at a manifest."""
        with self._lock:
            return [
                key
                for key, values in self.allowed.items()
                if key.kind == "tag" and key.repository == repository and digest in values
            ]

    def loosen(self, digests: Iterable[str]) -> None:
        """Blobs of a manifest that is to be deleted: they leave the project with the last one."""
        with self._lock:
            self.loose.update(digests)

    def freeze(self) -> None:
        with self._lock:
            self.frozen = True

    def odd(self, text: str) -> None:
        with self._lock:
            self.oddities.append(text)
