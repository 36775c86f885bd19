"""What a user of any client sees: login, push, pull, and a clear no."""

from functools import partial
from typing import Protocol

import pytest

from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import CLIENTS, Client
from tests.clients.images import noise


class Sit(Protocol):
    def __call__(self, who: str = "") -> Client: ...


@pytest.fixture(params=sorted(CLIENTS))
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sit(program: str, sit_at: SitAt) -> Sit:
    """The client that the test is about, with a user logged in, or nobody."""
    return partial(sit_at, CLIENTS[program])


def test_the_right_password_logs_in(sit: Sit, registry: Registry) -> None:
    sit().login(registry.people["dev"]).ok().says("log")


def test_a_wrong_password_is_told_clearly(sit: Sit, program: str, name: str) -> None:
    client = sit()
    answer = client.login(("dev", "wrong"))
    if program == "crane":  # it keeps the password without asking; the first use of it fails
        answer = client.push(f"{PRIVATE}/{name}:1.0.0", noise())
    answer.refused("unauthorized", "invalid username")
    client.pull(f"{PRIVATE}/{name}:1.0.0").refused()


def test_what_was_pushed_comes_back_byte_for_byte(sit: Sit, registry: Registry, name: str) -> None:
    reference, content = f"{PRIVATE}/{name}:1.0.0", noise()
    client = sit("dev")
    pushed = client.push(reference, content).ok()
    pulled = client.pull(reference).ok()
    assert client.content(reference) == content
    digest = registry.digest_of(f"{PRIVATE}/{name}", "1.0.0")
    assert pushed.named_digest == pulled.named_digest == digest


def test_a_tag_moves_to_what_was_pushed_last(sit: Sit, registry: Registry, name: str) -> None:
    reference, content = f"{PRIVATE}/{name}:1.0.0", noise()
    client = sit("dev")
    first = client.push(reference, noise()).ok().named_digest
    second = client.push(reference, content).ok().named_digest
    assert first != second
    client.pull(reference).ok()
    assert client.content(reference) == content
    assert registry.status_of(f"{PRIVATE}/{name}", first) == 200


@pytest.mark.parametrize("who", ["gus", "sam", ""], ids=["guest", "stranger", "anonymous"])
@pytest.mark.parametrize("project", [PRIVATE, PUBLIC])
def test_who_may_not_push_is_told_so(
    sit: Sit, registry: Registry, name: str, project: str, who: str
) -> None:
    pushed = sit(who).push(f"{project}/{name}:1.0.0", noise())
    pushed.refused("unauthorized", "credential not found")
    assert registry.status_of(f"{project}/{name}", "1.0.0") == 404


def test_a_push_to_no_project_is_refused(sit: Sit, name: str) -> None:
    sit("dev").push(f"nowhere/{name}:1.0.0", noise()).refused("unauthorized")


def test_a_guest_pulls_and_a_stranger_does_not(sit: Sit, name: str) -> None:
    reference, content = f"{PRIVATE}/{name}:1.0.0", noise()
    sit("dev").push(reference, content).ok()
    guest = sit("gus")
    guest.pull(reference).ok()
    assert guest.content(reference) == content
    sit("sam").pull(reference).refused("unauthorized")
    sit().pull(reference).refused("unauthorized")


def test_anybody_pulls_from_a_public_project(sit: Sit, name: str) -> None:
    reference, content = f"{PUBLIC}/{name}:1.0.0", noise()
    sit("dev").push(reference, content).ok()
    for who in ("", "sam"):
        client = sit(who)
        client.pull(reference).ok()
        assert client.content(reference) == content


def test_what_is_not_there_is_told_clearly(sit: Sit, name: str) -> None:
    sit("dev").pull(f"{PRIVATE}/{name}:1.0.0").refused("not found", "unknown")
