import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, text

from harbor.__main__ import main
from harbor.configuration.models import Setting
from harbor.configuration.schemas import HINTS, SECRETS, Values
from harbor.configuration.service import Configuration, accepted, update
from harbor.core.crypto import Box
from harbor.core.db import Database
from harbor.core.settings import SettingsError, environment, load
from tests.conftest import opened

BOX = Box("a key")
Work = Callable[[Database], Awaitable[None]]


def on(url: str, work: Work) -> None:
    async def inside() -> None:
        async with opened(url) as db:
            await work(db)

    asyncio.run(inside())


async def put(db: Database, **settings: Any) -> None:
    """Change settings as another process would."""
    other = Configuration(db, BOX)
    async with db.writing() as session:
        await update(session, other, accepted(other, settings))


async def put_raw(db: Database, **values: str) -> None:
    async with db.writing() as session:
        await session.execute(delete(Setting).where(Setting.name.in_(values)))
        await session.execute(
            insert(Setting), [{"name": name, "value": value} for name, value in values.items()]
        )


def test_a_change_is_seen_at_once_whoever_made_it(database_url: str) -> None:
    async def work(db: Database) -> None:
        configuration = Configuration(db, BOX)
        async with opened(database_url) as elsewhere:
            for minutes in (31, 32, 33):
                await put(elsewhere, token_expiration=minutes)
                assert (await configuration.current()).token_expiration == minutes
            assert (await configuration.current()).session_timeout == 60

    on(database_url, work)


def test_settings_are_decoded_again_only_when_one_was_changed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(db: Database) -> None:
        configuration = Configuration(db, BOX)
        await put(db, oidc_client_secret="sesame")
        first = await configuration.current()
        assert first.oidc_client_secret == "sesame"
        monkeypatch.setattr(Box, "open", lambda *_: pytest.fail("decrypted again"))
        version = await db.quick.version()
        async with opened(database_url) as elsewhere, elsewhere.writing() as session:
            await session.execute(text("UPDATE project SET name = 'renamed'"))
        assert await db.quick.version() != version
        assert await configuration.current() is first

    on(database_url, work)


def test_a_secret_is_known_in_the_process_only(database_url: str) -> None:
    async def work(db: Database) -> None:
        secrets = {name: f"secret of {name}" for name in SECRETS}
        await put(db, **secrets)
        values = await Configuration(db, BOX).current()
        assert {name: getattr(values, name) for name in SECRETS} == secrets
        await put(db, **dict.fromkeys(SECRETS, ""))
        values = await Configuration(db, BOX).current()
        assert {getattr(values, name) for name in SECRETS} == {""}

    on(database_url, work)


UNREADABLE = {
    "token_expiration": "0",
    "session_timeout": '"long"',
    "auth_mode": '"kerberos_auth"',
    "storage_per_project": "{broken",
    "ldap_search_password": '"not encrypted"',
    "oidc_client_secret": "5",
    "of_a_later_version": "true",
}


def test_what_cannot_be_read_is_left_out_and_logged_by_name(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(db: Database) -> None:
        await put_raw(db, **UNREADABLE, oidc_name='"well"')
        with caplog.at_level(logging.WARNING):
            values = await Configuration(db, BOX).current()
        assert values == Values(oidc_name="well")

    on(database_url, work)
    named = {vars(record).get("setting") for record in caplog.records}
    assert named == set(UNREADABLE)
    assert "not encrypted" not in caplog.text


def test_secrets_of_another_key_are_left_out(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(db: Database) -> None:
        await put(db, oidc_client_secret="sesame", oidc_name="well")
        values = await Configuration(db, Box("another key")).current()
        assert values == Values(oidc_name="well")

    on(database_url, work)
    assert [vars(record)["setting"] for record in caplog.records] == ["oidc_client_secret"]


def test_what_the_environment_says_comes_first(database_url: str) -> None:
    async def work(db: Database) -> None:
        await put(db, token_expiration=31, session_timeout=61)
        told = """{"token_expiration": "45", "read_only": true, "oidc_client_secret": "sesame",
            "scan_all_policy": {"type": "daily"}, "pull_time_update_disable": true,
            "oidc_name": null}"""
        values = await Configuration(db, BOX, told).current()
        assert values == Values(
            token_expiration=45,
            session_timeout=61,
            read_only=True,
            oidc_client_secret="sesame",
            scan_all_policy={"type": "daily"},
            pull_time_update_disable=True,
        )
        async with db.reading() as session:
            kept = (await session.execute(Setting.__table__.select())).all()
        assert {row.name for row in kept} == {"token_expiration", "session_timeout"}

    on(database_url, work)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("{", "CONFIG_OVERWRITE_JSON"),
        ("[]", "CONFIG_OVERWRITE_JSON"),
        ('{"token_expiration": 0}', "token_expiration"),
        ('{"auth_mode": "kerberos_auth"}', "auth_mode"),
        ('{"banner_message": "loud"}', "banner_message"),
        ('{"skip_audit_log_database": true}', "audit_log_forward_endpoint"),
    ],
)
def test_what_the_environment_cannot_say_stops_the_start(
    database_url: str, told: str, complaint: str
) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(SettingsError, match=complaint):
            Configuration(db, BOX, told)

    on(database_url, work)


def test_the_variable_has_the_name_that_it_has_in_harbor_too() -> None:
    plain, ours = {"CONFIG_OVERWRITE_JSON": "{}"}, {"HARBOR_CONFIG_OVERWRITE_JSON": "[]"}
    assert load({}, plain).config_overwrite_json == "{}"
    assert load({}, plain | ours).config_overwrite_json == "[]"
    assert load({}, environment(load({}, plain))).config_overwrite_json == "{}"


def test_the_command_says_in_one_line_what_the_environment_cannot_say(tmp_path: Path) -> None:
    said = {"HARBOR_DATA_DIR": str(tmp_path), "CONFIG_OVERWRITE_JSON": '{"session_timeout": 0}'}
    done = CliRunner().invoke(main, ["migrate"], env=said)
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert "session_timeout" in done.output
    assert not (tmp_path / "harbor.db").exists()


def test_unknown_names_in_the_environment_are_logged(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(db: Database) -> None:
        Configuration(db, BOX, '{"email_identity": "mail.example.com"}')

    on(database_url, work)
    assert [vars(record)["setting"] for record in caplog.records] == ["email_identity"]


def test_every_setting_has_a_kind_and_every_secret_is_marked() -> None:
    assert HINTS.keys() == set(Values.__struct_fields__)
    sounding = {name for name in HINTS if name.endswith(("_password", "_secret"))}
    assert sounding == SECRETS
