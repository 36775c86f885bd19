"""Answers that were given already, for as long as nothing has changed.

Clients ask for the same few things over and over. The first time that takes the ordinary road;
what was answered is remembered, and which token may have it, together with the version that the
database had before it was read. The next such request is answered from here if the version is
still the same, which is asked for every time. So no process ever serves what a commit, its own
or another one's, has made untrue.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from harbor.artifacts.schemas import Pull
from harbor.artifacts.service import pulls
from harbor.core import clock
from harbor.core.db import Database
from harbor.core.later import Later
from harbor.core.oci import Digest
from harbor.core.security import Principal
from harbor.core.storage.interface import Store
from harbor.registry.answers import BlobResponse

Headers = list[tuple[bytes, bytes]]
VERSION = "harbor.version"  # in the scope: of the database, before this request read it
MAX_BYTES = 32 * 1024 * 1024  # of remembered bodies
MAX_BODY = 512 * 1024
BESIDE_BODY = 1024  # bytes, about what an answer takes without its body
MAX_PASSES = 10_000
CONDITIONS = frozenset((b"range", b"if-none-match", b"if-range"))
OWN_CLIENT = b"harbor-registry-client"  # replication between registries is no pull by a person


@dataclass(frozen=True, slots=True)
class Answer:
    """What a GET is answered with; a HEAD gets the headers alone."""

    project: str
    headers: Headers
    body: bytes = b""
    blob: Digest | None = None  # the body is this blob, in the store
    pull: Callable[[Principal], Pull] | None = None  # what a GET counts as


@dataclass(frozen=True, slots=True)
class Pass:
    """A token, and the projects in which it was seen to allow a pull."""

    principal: Principal
    projects: set[str] = field(default_factory=set)


class Hot:
    """What this process remembers."""

    def __init__(self, db: Database, store: Store, later: Later) -> None:
        self._db, self._store, self._later = db, store, later
        self._version: object | None = None
        self._answers: dict[bytes, Answer] = {}
        self._passes: dict[bytes, Pass] = {}
        self._nbytes = 0

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a GET or HEAD from memory, if that is right; return whether it was."""
        version = scope[VERSION] = self._db.quick.version()
        if version is None:
            return False
        if version != self._version:
            self._forget(version)
            return False
        answer = self._answers.get(scope["raw_path"])
        if answer is None or scope["query_string"]:
            return False
        who, is_pull = self._let_in(scope, answer)
        if who is None:
            return False
        if scope["method"] == "GET":
            if answer.blob is not None:
                blob = BlobResponse(Request(scope), self._store, answer.blob)
                await blob(scope, receive, send)
                return True
            if is_pull and answer.pull is not None:
                self._later.add(pulls.record, answer.pull(who))
        await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})
        return True

    def _let_in(self, scope: Scope, answer: Answer) -> tuple[Principal | None, bool]:
        """The bearer, if known and still let in, and whether a person asks."""
        credentials, is_pull = b"", True
        for name, value in scope["headers"]:
            if name == b"authorization":
                credentials = value
            elif (name in CONDITIONS and answer.blob is None) or name == b"if-none-match":
                return None, False
            elif name == b"user-agent":
                is_pull = not value.startswith(OWN_CLIENT)
        known = self._passes.get(credentials)
        if known is None or answer.project not in known.projects:
            return None, False
        grant = known.principal.grant
        if grant is None or grant.ends_at < clock.now().timestamp():
            return None, False
        return known.principal, is_pull

    def _forget(self, version: object) -> None:
        self._answers.clear()
        self._passes.clear()
        self._nbytes, self._version = 0, version

    def remember(self, scope: Scope, who: Principal, answer: Answer) -> None:
        """Keep *answer*, which *who* was just given, if nothing was committed meanwhile."""
        version = scope.get(VERSION)
        size = len(answer.body) + BESIDE_BODY
        if version is None or version != self._version or size > MAX_BODY:
            return
        if self._nbytes + size > MAX_BYTES or len(self._passes) >= MAX_PASSES:
            self._forget(version)
        if scope["raw_path"] not in self._answers:
            self._nbytes += size
        self._answers[scope["raw_path"]] = answer
        if who.grant is not None:
            credentials = next(v for k, v in scope["headers"] if k == b"authorization")
            self._passes.setdefault(credentials, Pass(who)).projects.add(answer.project)
