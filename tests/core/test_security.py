"""Permissions and callers as they are told, and what nobody has."""

import pytest
from starlette.requests import Request

from harbor.core.api import Ctx
from harbor.core.security import NOBODY, anyone, project, signed_in, system


def test_a_permission_is_written_plainly() -> None:
    shown = [str(each) for each in (anyone, signed_in, project("a", "read"), system("b", "list"))]
    assert shown == ["public", "signed-in", "project:a:read", "system:b:list"]


def test_nobody_has_no_id_and_no_project() -> None:
    with pytest.raises(RuntimeError, match="nobody has no id"):
        _ = NOBODY.known_id
    with pytest.raises(RuntimeError, match="has a project"):
        _ = Ctx(Request({"type": "http"}), wiring=None).known_project_id  # type: ignore[arg-type]
