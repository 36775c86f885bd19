"""Answers that were given already, for as long as nothing has changed.

Clients ask for the same few things over and over. The first time that takes the ordinary road;
what was answered is remembered, and which token may have it, together with the version that the
database had before it was read. The next such request is answered from here if the version is
still the same, which is asked for every time. So no process ever serves what a commit, its own
or another one's, has made untrue.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from harbor.artifacts.schemas import Pull
from harbor.artifacts.service.pulls import Pulls
from harbor.artifacts.service.uploads import Pushes
from harbor.core import clock
from harbor.core.blobs import BlobResponse
from harbor.core.db import Database
from harbor.core.express import Asked, Headers, Said
from harbor.core.oci import Digest
from harbor.core.security import Principal
from harbor.core.storage.interface import Store
from harbor.registry.answers import whereabouts

VERSION = "harbor.version"  # in the scope: of the database, before this request read it
MAX_BYTES = 32 * 1024 * 1024  # of remembered bodies
MAX_BODY = 512 * 1024
MAX_NOTED = 16 * 1024  # of an answer that stays with the request that it was given to
BESIDE_BODY = 1024  # bytes, about what an answer takes without its body
MAX_PASSES = 10_000
BESIDE_PASS = 64  # bytes, about what one more repository of a token takes
CONDITIONS = frozenset((b"range", b"if-none-match", b"if-range"))
OWN_CLIENT = b"harbor-registry-client"  # replication between registries is no pull by a person


class Answer(Struct, frozen=True):
    """What a GET is answered with; a HEAD gets the headers alone."""

    repository: str
    headers: Headers
    body: bytes | None = None  # None: too large to be kept, but in the store
    blob: Digest | None = None
    pull: Callable[[Principal], Pull] | None = None  # what a GET counts as

    @property
    def size(self) -> int:
        return len(self.body or b"") + BESIDE_BODY


class Pass(Struct, frozen=True):
    """A token, and the repositories in which it was seen to allow a pull."""

    principal: Principal
    repositories: set[str] = field(default_factory=set)


class Ready(Struct, frozen=True):
    """An answer for one token."""

    answer: Answer
    head: bytes  # the headers, as they are sent
    ends_at: float  # of the token, seconds since 1970
    pull: Pull | None


class Noted(Struct, frozen=True):
    """What was found for a request that is asked again in the same bytes."""

    ready: Ready
    is_pull: bool  # by a person
    among: object  # the answers that were remembered then


class Begun(Struct, frozen=True):
    """Who began an upload, and may begin more."""

    pushes: Pushes
    ends_at: float  # of the token, seconds since 1970


class Hot:
    """What this process remembers."""

    def __init__(self, db: Database, store: Store, pulls: Pulls, beside: Headers) -> None:
        """Every answer carries the headers *beside* as well."""
        self._db, self._store, self._pulls = db, store, pulls
        self._beside = beside
        self._version: object | None = None
        self._answers: dict[bytes, Answer] = {}
        self._passes: dict[bytes, Pass] = {}
        self._ready: dict[tuple[bytes, bytes], Ready] = {}
        self._among = object()  # another one whenever something that was ready is so no longer
        self._begun: dict[tuple[bytes, bytes], Begun] = {}
        self._nbytes = 0

    def at_once(self, asked: Asked) -> Said | None:
        """What the server is to send without asking anybody else, if that is known."""
        version = self._db.quick.version_now()
        if version is None:
            return None
        if asked.method == b"POST":
            is_same = version == self._version
            begun = self._begin(told(asked.headers)[0], asked.url) if is_same else None
            return None if begun is None else (202, lines([*begun, *self._beside]), b"")
        noted: Noted | None = asked.noted
        if noted is None or version != self._version or noted.among is not self._among:
            noted = self._noted(version, asked)
        if noted is None or noted.ready.ends_at < clock.now().timestamp():
            return None
        ready = noted.ready
        if asked.method == b"HEAD":
            return 200, ready.head, b""
        body = ready.answer.body
        if body is None:
            return None
        if noted.is_pull and ready.pull is not None:
            self._pulls.add(ready.pull)
        return 200, ready.head, body

    def _noted(self, version: object, asked: Asked) -> Noted | None:
        """What to answer; noted for the next time, unless it is large: nobody takes it away."""
        credentials, is_pull, conditions = told(asked.headers)
        ready = None if conditions else self._find(version, credentials, asked.url)
        found = None if ready is None else Noted(ready, is_pull, self._among)
        asked.noted = found if ready is not None and ready.answer.size <= MAX_NOTED else None
        return found

    async def begin(self, scope: Scope, send: Send) -> bool:
        """Begin another upload for who just began one; return whether that could be done.

        Several ask in the same moment, because several were answered by the same commit.
        """
        version = scope[VERSION] = self._db.quick.version_now()
        if version is None:  # to ask for it costs as much as to begin
            return False
        if version != self._version:
            self._forget(version)
        headers = None
        if not scope["query_string"] and (b"content-length", b"0") in scope["headers"]:
            headers = self._begin(told(scope["headers"])[0], scope["raw_path"])
        if headers is None:
            return False
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True

    def _begin(self, credentials: bytes, url: bytes) -> Headers | None:
        found = self._begun.get((credentials, url))
        if found is None or found.ends_at < clock.now().timestamp():
            return None
        upload_id = found.pushes.begin_another()
        if upload_id is None:
            return None
        headers = whereabouts(found.pushes.place.repository, upload_id, 0)
        raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
        return [*raw, (b"content-length", b"0")]

    def remember_begun(self, scope: Scope, who: Principal, pushes: Pushes) -> None:
        """Let *who*, that just began an upload, begin others while nothing changes."""
        version = scope.get(VERSION)
        if who.grant is None or version is None or version != self._version:
            return
        if scope["query_string"]:
            return
        if len(self._begun) < MAX_PASSES:
            credentials = next(v for k, v in scope["headers"] if k == b"authorization")
            self._begun[credentials, scope["raw_path"]] = Begun(pushes, who.grant.ends_at)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a GET or HEAD from memory, if that is right; return whether it was."""
        version = scope[VERSION] = await self._db.quick.version()
        credentials, is_pull, conditions = told(scope["headers"])
        ready = self._find(version, credentials, scope["raw_path"])
        if ready is None or scope["query_string"]:
            return False
        answer = ready.answer
        if conditions and (answer.blob is None or b"if-none-match" in conditions):
            return False
        if (
            scope["method"] == "GET"
            and answer.blob is not None
            and (conditions or answer.body is None)
        ):
            who = self._passes[credentials].principal

            def keep(body: bytes) -> None:
                self.remember(scope, who, replace(answer, body=body))

            blob = BlobResponse(Request(scope), self._store, answer.blob, keep)
            await blob(scope, receive, send)
            return True
        if scope["method"] == "GET" and is_pull and ready.pull is not None:
            self._pulls.add(ready.pull)
        await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body or b""})
        return True

    def _find(self, version: object, credentials: bytes, url: bytes) -> Ready | None:
        """The answer, if it is still true and whoever has these credentials is still let in."""
        if version != self._version:
            self._forget(version)
            return None
        ready = self._ready.get((credentials, url)) or self._prepare(credentials, url)
        if ready is None or ready.ends_at < clock.now().timestamp():
            return None
        return ready

    def _prepare(self, credentials: bytes, url: bytes) -> Ready | None:
        answer, known = self._answers.get(url), self._passes.get(credentials)
        if answer is None or known is None or answer.repository not in known.repositories:
            return None
        who = known.principal
        if who.grant is None:
            return None
        pull = answer.pull(who) if answer.pull else None
        ready = Ready(answer, lines([*answer.headers, *self._beside]), who.grant.ends_at, pull)
        if len(self._ready) < MAX_PASSES:
            self._ready[credentials, url] = ready
        return ready

    def _forget(self, version: object) -> None:
        self._answers.clear()
        self._passes.clear()
        self._ready.clear()
        self._begun.clear()
        self._among = object()
        self._nbytes, self._version = 0, version

    def remember(self, scope: Scope, who: Principal, answer: Answer) -> None:
        """Keep *answer*, which *who* was just given, if nothing was committed meanwhile."""
        version = scope.get(VERSION)
        url = scope["raw_path"]
        if version is None or version != self._version or answer.size > MAX_BODY:
            return
        if self._nbytes + answer.size > MAX_BYTES or len(self._passes) >= MAX_PASSES:
            self._forget(version)
        if who.grant is not None:
            credentials = next(v for k, v in scope["headers"] if k == b"authorization")
            seen = self._passes.setdefault(credentials, Pass(who)).repositories
            self._nbytes += BESIDE_PASS * (answer.repository not in seen)
            seen.add(answer.repository)
        before = self._answers.get(url)
        if before is not None:
            if before.body is not None:
                return
            # Made ready without its body, when that was not known yet.
            self._ready.clear()
            self._among = object()
            self._nbytes -= before.size
        self._nbytes += answer.size
        self._answers[url] = answer


def told(headers: Headers) -> tuple[bytes, bool, set[bytes]]:
    """Credentials, whether a GET is a pull by a person, and the conditions that are made."""
    credentials, is_pull, conditions = b"", True, set()
    for name, value in headers:
        if name == b"authorization":
            credentials = value
        elif name in CONDITIONS:
            conditions.add(name)
        elif name == b"user-agent":
            is_pull = not value.startswith(OWN_CLIENT)
    return credentials, is_pull, conditions


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)
