"""From the path of a request to its operation, by segments: hundreds of patterns tried in turn
would cost more than many an answer."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct, field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, request_response
from starlette.types import Receive, Scope, Send

from harbor.core.api import Op, Wiring, perform

OP = "harbor.op"  # in the scope
ALLOWED = "harbor.allowed"  # likewise, where the path has operations, but none of that method


class Place(NamedTuple):
    """An operation, and the names of the parameters on the way to it."""

    op: Op
    names: tuple[str, ...]


class Node(Struct):
    """Where a path may go on, and what is there if it ends here."""

    words: dict[str, "Node"] = field(default_factory=dict)
    named: "Node | None" = None  # whatever the segment is, it is a parameter
    methods: dict[str, Place] = field(default_factory=dict)

    def step(self, segment: str) -> "Node":
        """The node for a segment of a template, made if it is not there."""
        if not segment.startswith("{"):
            return self.words.setdefault(segment, Node())
        self.named = self.named or Node()
        return self.named


class Operations(BaseRoute):
    """All of them, as one route of Starlette's.

    A fixed segment is tried before a ``{parameter}``. Harbor's clients end the path of a list
    with a slash or not, so both are served.
    """

    def __init__(self, root: Node, wiring: Wiring) -> None:
        self._root = root

        async def endpoint(request: Request) -> Response:
            return await perform(request.scope[OP], request, wiring)

        self._app = request_response(endpoint)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        allowed: list[str] = []
        for node, values in ends(self._root, segments_of(scope["path"]), 0, ()):
            if place := node.methods.get(scope["method"]):
                named = dict(zip(place.names, values, strict=True))
                return Match.FULL, {OP: place.op, "path_params": named}
            allowed += node.methods
        if allowed:
            return Match.PARTIAL, {ALLOWED: sorted(set(allowed))}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if OP not in scope:
            raise HTTPException(405, headers={"Allow": ", ".join(scope[ALLOWED])})
        await self._app(scope, receive, send)


def planned(ops: Iterable[Op]) -> Node:
    """Where all paths begin; ``ValueError`` if two operations are at one place."""
    root = Node()
    for op in ops:
        node, segments = root, segments_of(op.path)
        for segment in segments:
            node = node.step(segment)
        if (there := node.methods.get(op.method)) and there.op.method == op.method:
            raise ValueError(f"{op.method} {op.path} and {there.op.path} are the same")
        place = Place(op, tuple(each[1:-1] for each in segments if each.startswith("{")))
        node.methods[op.method] = place
        if op.method == "GET":
            node.methods.setdefault("HEAD", place)
    return root


def segments_of(path: str) -> list[str]:
    """What is between the slashes; a slash at the end is as good as none."""
    segments = path.split("/")[1:]
    if segments and not segments[-1]:
        segments.pop()
    return segments


def ends(
    node: Node, segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Where those segments lead to, with the values of the parameters; the best first."""
    if at == len(segments):
        if node.methods:
            yield node, values
        return
    segment = segments[at]
    if word := node.words.get(segment):
        yield from ends(word, segments, at + 1, values)
    if node.named and segment:
        yield from ends(node.named, segments, at + 1, (*values, segment))
