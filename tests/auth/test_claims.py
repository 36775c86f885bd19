"""What is put into a token is what comes out of it."""

from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.auth.tokens import Access, KeyRing
from harbor.core import clock
from harbor.core.security import Principal
from tests.auth import keys
from tests.registry.servers import in_server

pytestmark = pytest.mark.once

few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
accesses = st.builds(
    Access,
    type=st.sampled_from(["repository", "registry"]) | st.text(max_size=5),
    name=st.sampled_from(["a/x", "a/y", "b/x", "b", "a/x/y"]) | st.text(max_size=10),
    actions=st.lists(st.sampled_from(["pull", "push", "delete", "*"]) | st.text(max_size=5)),
)


@pytest.fixture
def ring(shared: TestClient) -> KeyRing:
    building = shared.app
    assert isinstance(building, Building)
    return building.keys


@few
@given(
    name=st.text(max_size=30), access=st.lists(accesses, max_size=5), life_s=st.integers(60, 99999)
)
def test_a_token_tells_what_it_was_told(
    shared: TestClient, ring: KeyRing, name: str, access: list[Access], life_s: int
) -> None:
    async def there_and_back() -> tuple[str, Any, Principal | None]:
        token, issued_at = await ring.issue(name, access, life_s)
        return token, issued_at, await ring.verify(token)

    token, issued_at, bearer = in_server(shared, there_and_back)
    assert bearer is not None
    assert bearer.name == name
    assert bearer.user_id is None
    assert not bearer.is_admin
    assert bearer.grant is not None
    assert bearer.grant.issued_at == issued_at.astimezone(UTC).replace(microsecond=0)
    assert bearer.grant.actions == {
        each.name.split("/")[0]: frozenset(each.actions)
        for each in access
        if each.type == "repository"
    }
    _, claims = keys.read(token)
    assert [(c["type"], c["name"], c["actions"]) for c in claims["access"]] == [
        (each.type, each.name, each.actions) for each in access
    ]
    assert claims["exp"] == claims["iat"] + life_s


@few
@given(text=st.text(max_size=60) | st.text("ab._-={}", max_size=30))
def test_arbitrary_text_is_nobodys_token(shared: TestClient, ring: KeyRing, text: str) -> None:
    assert in_server(shared, ring.verify, text) is None


@few
@given(position=st.integers(0, 10_000), letter=st.sampled_from("AZaz09-_.="))
def test_a_token_with_any_letter_changed_is_nobodys(
    shared: TestClient, ring: KeyRing, position: int, letter: str
) -> None:
    async def changed() -> tuple[bool, Principal | None]:
        token, _ = await ring.issue("ann", [], 60)
        at = position % len(token)
        other = token[:at] + letter + token[at + 1 :]
        return decoded(other) == decoded(token), await ring.verify(other)

    same, bearer = in_server(shared, changed)
    assert (bearer is not None) == same


def decoded(token: str) -> list[bytes]:
    """The bytes of each part: the last letter of base64 has bits that say nothing."""
    try:
        return [keys.unb64(part) for part in token.split(".")]
    except ValueError:
        return []


def test_a_token_that_was_remembered_ends_all_the_same(
    shared: TestClient, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def issued() -> str:
        token, _ = await ring.issue("ann", [], 60)
        assert await ring.verify(token) is not None
        return token

    token = in_server(shared, issued)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now.replace(year=now.year + 1))
    assert in_server(shared, ring.verify, token) is None
