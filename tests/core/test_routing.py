"""Which operation a path leads to."""

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.routing import Match

from harbor.core.api import Op, Routes
from harbor.core.routing import ALLOWED, OP, Operations, planned
from harbor.core.security import anyone

pytestmark = pytest.mark.once


async def handler(_ctx: Any) -> None:
    """Nothing."""


def table(*wanted: str) -> Operations:
    ops = []
    for each in wanted:
        method, path = each.split()
        routes = Routes(tag="t")
        routes.on(method, path, allow=anyone)(handler)
        ops += routes.ops
    return Operations(planned(ops), None)  # type: ignore[arg-type]  # nothing is performed


def found(operations: Operations, method: str, path: str) -> Any:
    """Method, path and parameters of the operation; the methods that there are; or nothing."""
    match, scope = operations.matches({"type": "http", "method": method, "path": path})
    if match is Match.FULL:
        op: Op = scope[OP]
        return f"{op.method} {op.path}", scope["path_params"]
    return scope[ALLOWED] if match is Match.PARTIAL else None


def test_a_fixed_segment_comes_before_a_parameter() -> None:
    ops = table("GET /a/{x}/c", "GET /a/b/{y}", "GET /a/b", "PUT /a/{z}")
    assert found(ops, "GET", "/a/b/c") == ("GET /a/b/{y}", {"y": "c"})
    assert found(ops, "GET", "/a/d/c") == ("GET /a/{x}/c", {"x": "d"})
    assert found(ops, "GET", "/a/b") == ("GET /a/b", {})
    # What the better one has no method for, the next one may have.
    assert found(ops, "PUT", "/a/b") == ("PUT /a/{z}", {"z": "b"})
    assert found(ops, "DELETE", "/a/b") == ["GET", "HEAD", "PUT"]


def test_who_went_wrong_goes_back() -> None:
    ops = table("GET /a/b/c/d", "GET /a/{x}/c/{y}")
    assert found(ops, "GET", "/a/b/c/e") == ("GET /a/{x}/c/{y}", {"x": "b", "y": "e"})


def test_a_slash_at_the_end_is_as_good_as_none() -> None:
    ops = table("GET /", "GET /a", "GET /b/{x}")
    assert found(ops, "GET", "/") == ("GET /", {})
    assert found(ops, "GET", "/a/") == ("GET /a", {})
    assert found(ops, "GET", "/b/1/") == ("GET /b/{x}", {"x": "1"})


@pytest.mark.parametrize("path", ["/b", "/b/", "/b//", "//", "/a//", "/a\n", "/A", "/a/1", "", "a"])
def test_elsewhere_is_nothing(path: str) -> None:
    assert found(table("GET /a", "GET /b/{x}"), "GET", path) is None


def test_get_answers_head_unless_there_is_one() -> None:
    ops = table("GET /a", "GET /b", "HEAD /b")
    assert found(ops, "HEAD", "/a") == ("GET /a", {})
    assert found(ops, "HEAD", "/b") == ("HEAD /b", {})
    assert found(table("HEAD /b", "GET /b"), "HEAD", "/b") == ("HEAD /b", {})


def test_one_place_has_one_operation() -> None:
    with pytest.raises(ValueError, match="are the same"):
        table("GET /a/{x}", "GET /a/{y}")
    with pytest.raises(ValueError, match="are the same"):
        table("GET /a", "GET /a")


def test_another_method_is_told_which_there_are() -> None:
    ops = table("GET /a")
    _, scope = ops.matches({"type": "http", "method": "PUT", "path": "/a"})
    with pytest.raises(HTTPException) as refused:
        asyncio.run(ops.handle(scope, None, None))  # type: ignore[arg-type]  # it does not come so far
    assert (refused.value.status_code, refused.value.headers) == (405, {"Allow": "GET, HEAD"})
