"""Signing keys: changed while servers run, and kept where nobody can read them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from harbor import maintenance
from harbor.app import Building, prepare
from harbor.auth import tokens
from harbor.auth.models import SigningKey
from harbor.core import clock
from harbor.core.settings import Settings, SettingsError
from tests.auth import keys
from tests.conftest import Start
from tests.make import ADMIN, token_for
from tests.registry.servers import change, select

SCOPE = "repository:library/app:pull"
KIDS = "SELECT kid FROM signing_key ORDER BY creation_time"


def kids(settings: Settings) -> list[str]:
    return [kid for (kid,) in select(settings.database, KIDS)]


def rotate(settings: Settings) -> str:
    return asyncio.run(maintenance.rotate_keys(settings))


def issued(client: TestClient) -> tuple[str, str]:
    """A new token, and the key that signed it."""
    token = token_for(client, ADMIN, SCOPE)
    return token, str(keys.read(token)[0]["kid"])


def accepts(client: TestClient, token: str) -> bool:
    answer = client.get("/v2/", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers look for new keys all the time, not once a minute."""
    monkeypatch.setattr(tokens, "RELOAD_S", 0)
    monkeypatch.setattr(tokens, "MISS_RELOAD_S", 0)


@pytest.fixture
def inattentive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "RELOAD_S", 3600)
    monkeypatch.setattr(tokens, "MISS_RELOAD_S", 3600)


def test_a_new_key_signs_and_tokens_of_the_old_one_are_still_good(
    start: Start, settings: Settings, attentive: None
) -> None:
    client = start()
    old_token, old_kid = issued(client)
    new_kid = rotate(settings)
    new_token, signer = issued(client)
    assert signer == new_kid != old_kid
    assert accepts(client, old_token)
    assert accepts(client, new_token)


def test_two_servers_accept_each_others_tokens(start: Start) -> None:
    one, two = start(), start()
    (by_one, kid_of_one), (by_two, kid_of_two) = issued(one), issued(two)
    assert kid_of_one == kid_of_two
    assert accepts(two, by_one)
    assert accepts(one, by_two)


def test_a_server_learns_of_a_key_when_it_sees_a_token_signed_by_it(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MISS_RELOAD_S", 0)
    one = start()
    rotate(settings)
    two = start()
    by_two, new_kid = issued(two)
    assert accepts(one, by_two)
    assert issued(one)[1] == new_kid


def test_until_then_it_signs_with_the_key_it_knows(
    start: Start, settings: Settings, inattentive: None
) -> None:
    client = start()
    _, old_kid = issued(client)
    rotate(settings)
    assert issued(client)[1] == old_kid


def test_unknown_keys_do_not_make_a_server_read_all_the_time(
    start: Start, settings: Settings, inattentive: None
) -> None:
    one = start()
    rotate(settings)
    by_two, _ = issued(start())
    assert not accepts(one, by_two)


def test_a_key_that_was_removed_is_soon_forgotten(
    start: Start, settings: Settings, attentive: None
) -> None:
    client = start()
    _, old_kid = issued(client)
    old_token = token_for(client, ADMIN, "repository:library/other:pull")
    rotate(settings)
    change(settings.database, delete(SigningKey).where(SigningKey.kid == old_kid))
    issued(client)
    assert not accepts(client, old_token)


def test_keys_whose_tokens_have_all_ended_are_removed(start: Start, settings: Settings) -> None:
    (first,) = kids(settings)
    second = rotate(settings)
    assert kids(settings) == [first, second]
    long_ago = clock.now() - timedelta(days=33)
    change(settings.database, update(SigningKey).values(creation_time=long_ago))
    change(
        settings.database,
        update(SigningKey)
        .where(SigningKey.kid == second)
        .values(creation_time=long_ago + timedelta(minutes=1)),
    )
    third = rotate(settings)
    assert kids(settings) == [second, third]  # the one that signed until now is kept


def test_tokens_outlive_a_restart(settings: Settings) -> None:
    with TestClient(Building(settings)) as first:
        token, kid = issued(first)
    with TestClient(Building(settings)) as second:
        assert accepts(second, token)
        assert issued(second)[1] == kid


def test_keys_are_encrypted_at_rest(start: Start, settings: Settings) -> None:
    start()
    rows: list[Any] = select(settings.database, "SELECT private_pem FROM signing_key")
    assert rows
    assert not any("PRIVATE" in pem or "BEGIN" in pem for (pem,) in rows)


def test_a_server_with_another_secret_key_does_not_start(start: Start) -> None:
    with pytest.raises(SettingsError, match="encrypted with another key"):
        start(secret_key="another one")


def test_preparing_a_database_again_makes_no_other_key(settings: Settings) -> None:
    before = kids(settings)
    asyncio.run(prepare(settings))
    assert kids(settings) == before


def test_a_key_has_enough_bits(settings: Settings) -> None:
    assert keys.signing_key(settings.database).key_size >= 2048
