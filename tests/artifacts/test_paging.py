"""Pages of lists of artifacts: whatever is asked for, they are parts of one list, and counted."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, Index, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from starlette.testclient import TestClient

from harbor.artifacts.models import Artifact
from harbor.artifacts.service import filters, paging
from harbor.core import migrations
from harbor.core.db import ONLY
from tests.artifacts.rest import artifact, digests, get, make_label, repository
from tests.conftest import Start, opened
from tests.make import (
    ADMIN,
    API,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
)
from tests.registry.servers import project_of

One = dict[str, Any]
SORTS = ("", "push_time", "-digest", "size,-digest", "-media_type,id", "type,-tags,-id", "icon")


@pytest.fixture(scope="module")
def filled(shared: TestClient) -> tuple[str, list[One]]:
    """A repository with several of everything, and all that is in it, in the usual order."""
    repo = "paging/app"
    shared.post(f"{API}/projects", json={"project_name": "paging"}, auth=ADMIN)
    label = make_label(shared, "paged")
    children = []
    for at in range(7):
        image = push_image(shared, repo, f"v{at}", annotations={"number": "1" * at * 7})
        children.append(image)
        for tag in [f"extra{at}"] * (at % 2):
            put_manifest(shared, repo, tag, image.raw)
        if at % 3 == 0:
            body = {"id": label}
            shared.post(f"{artifact(repo, image.digest)}/labels", json=body, auth=ADMIN)
    push_index(shared, repo, "index", *children[:3])
    signature = push_referrer(shared, repo, children[3], "application/signed")
    put_manifest(shared, repo, "v3-signed-extra", signature.raw)  # lists show no accessories
    for at in (1, 2):  # one of two tags; the only one, after which only its index shows it
        shared.delete(f"{artifact(repo, f'v{at}')}/tags/v{at}", auth=ADMIN)
    path = f"{repository(repo)}/artifacts"
    found = get(shared, path, q="base=*", page_size=100, with_label=True)
    assert len(found) == 8
    return repo, found


def tagged(part: str) -> Callable[[One], bool]:
    return lambda one: any(part in tag["name"] for tag in one["tags"] or ())


ASKED: dict[str, Callable[[One], bool]] = {
    "tags=~v": tagged("v"),
    "tags=~extra": tagged("extra"),
    "tags=~nothing": lambda one: False,
    "tags=v3": lambda one: any(tag["name"] == "v3" for tag in one["tags"] or ()),
    "tags=*": lambda one: bool(one["tags"]),
    "tags=nil": lambda one: not one["tags"],
    "labels=(LABEL)": lambda one: bool(one["labels"]),
    "labels=(LABEL),tags=~extra": lambda one: bool(one["labels"]) and tagged("extra")(one),
    "digest=~SHA": lambda one: True,
    "digest=~:A": lambda one: ":a" in one["digest"],
    "digest=~%": lambda one: False,
    "digest__icontains=SHA256:": lambda one: True,
    "digest=FIRST": lambda one: False,  # put in below
    "digest=[sha256:5~]": lambda one: one["digest"] >= "sha256:5",
    "type=~imag": lambda one: one["type"] == "IMAGE",
    "media_type=nothing": lambda one: False,
    "repository_name=~APP": lambda one: True,
    "": lambda one: True,
}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["push_time DESC", "id DESC"]),
        ("push_time", ["push_time ASC", "id ASC"]),
        ("-push_time", ["push_time DESC", "push_time DESC", "id DESC"]),
        ("type,push_time", ["type ASC", "push_time ASC", "id ASC"]),
        ("push_time,type", ["push_time ASC", "type ASC", "push_time DESC", "id DESC"]),
    ],
)
def test_the_oldest_first_is_the_newest_first_turned_round(sort: str, order: list[str]) -> None:
    assert [str(term).removeprefix("artifact.") for term in paging.ordered(sort)] == order


def test_sorted_by_push_backwards_is_all_of_the_list_backwards(
    shared: TestClient, filled: tuple[str, list[One]]
) -> None:
    repo, everything = filled
    found = get(shared, f"{repository(repo)}/artifacts", q="base=*", sort="push_time", page_size=99)
    assert [one["id"] for one in found] == [one["id"] for one in reversed(everything)]


@pytest.mark.parametrize("base", [False, True])
@pytest.mark.parametrize("q", ASKED)
def test_pages_are_parts_of_one_list(
    shared: TestClient, filled: tuple[str, list[One]], q: str, base: bool
) -> None:
    repo, everything = filled
    wanted = ASKED[q]
    if q == "digest=FIRST":
        q = f"digest={everything[0]['digest']}"
        wanted = lambda one: one is everything[0]  # noqa: E731
    label = next(one["labels"][0]["id"] for one in everything if one["labels"])
    asked = ",".join(part for part in (q.replace("LABEL", str(label)), "base=*" * base) if part)
    listed = {one["digest"] for one in get(shared, f"{repository(repo)}/artifacts", page_size=100)}
    expected = [
        one["digest"] for one in everything if wanted(one) and (base or one["digest"] in listed)
    ]
    for place in (f"{repository(repo)}/artifacts", f"{API}/projects/{project_of(repo)}/artifacts"):
        for sort in SORTS:
            whole = pages(shared, place, 100, q=asked, sort=sort)
            assert set(whole) == set(expected)
            assert len(whole) == len(expected)
            assert pages(shared, place, 3, q=asked, sort=sort) == whole
            if not sort:
                assert whole == expected
            if sort == "-digest":
                assert whole == sorted(expected, reverse=True)


@pytest.mark.parametrize("few", [0, 1, 3])
@pytest.mark.parametrize("base", [False, True])
@pytest.mark.parametrize("q", [q for q in ASKED if "=~" in q or "icontains" in q])
def test_what_very_many_have_is_found_all_the_same(
    shared: TestClient,
    filled: tuple[str, list[One]],
    monkeypatch: pytest.MonkeyPatch,
    q: str,
    base: bool,
    few: int,
) -> None:
    monkeypatch.setattr(filters, "FEW", few)
    test_pages_are_parts_of_one_list(shared, filled, q, base)


def test_types_are_sorted_by_their_bytes_on_both_databases() -> None:
    for name in ("type", "media_type", "manifest_media_type", "artifact_type", "icon"):
        first = paging.ordered(f"-{name}")[0]
        on = {
            each: str(first.compile(dialect=each()))
            for each in (sqlite.dialect, postgresql.dialect)
        }
        assert on[sqlite.dialect] == f"artifact.{name} DESC"
        assert on[postgresql.dialect] == f'artifact.{name} COLLATE "C" DESC'


def pages(client: TestClient, path: str, size: int, **asked: Any) -> list[str]:
    """All digests, one page after the other as ``Link`` says, and one page too many."""
    found: list[str] = []
    totals = set()
    for number in range(1, 100):
        params = {"page": number, "page_size": size, **asked}
        answer = client.get(path, params=params, auth=ADMIN)
        assert answer.status_code == 200, answer.text
        totals.add(int(answer.headers["X-Total-Count"]))
        found += [one["digest"] for one in answer.json()]
        is_last = 'rel="next"' not in answer.headers.get("Link", "")
        assert is_last == (len(found) >= max(totals))
        if is_last:
            beyond = client.get(path, params={**params, "page": number + 1}, auth=ADMIN)
            totals.add(int(beyond.headers["X-Total-Count"]))
            assert beyond.json() == []
            break
    assert totals == {len(found)}
    return found


def test_types_may_be_as_long_as_they_may(shared: TestClient, repo: str) -> None:
    letters = [chr(0x10000 + (at * 7919) % 0xF0000) for at in range(510)]
    config = "".join(letters[:255])
    push_blob(shared, repo, b"{}")
    manifest = manifest_of(b"{}") | {"artifactType": "".join(letters[255:])}
    manifest["config"]["mediaType"] = config
    assert put_manifest(shared, repo, "long", json.dumps(manifest).encode()).status_code == 201
    (one,) = get(shared, f"{repository(repo)}/artifacts", sort="media_type,artifact_type")
    assert (one["media_type"], one["artifact_type"]) == (config, "".join(letters[255:]))


def test_an_older_version_gets_its_indexes_back(database_url: str, start: Start) -> None:
    repo = "library/app"
    push_image(start(), repo)

    def indexes(connection: Connection) -> dict[str | None, list[str | None]]:
        found = inspect(connection).get_indexes("artifact")
        return {each["name"]: each["column_names"] for each in found}

    def there_and_back(connection: Connection) -> tuple[Any, Any, Any]:
        new = indexes(connection)
        command.downgrade(migrations.config(connection), "0018")
        old = indexes(connection)
        command.upgrade(migrations.config(connection), "head")
        return new, old, indexes(connection)

    async def run() -> tuple[str, tuple[Any, Any, Any]]:
        async with opened(database_url) as db, db.writing() as session:
            connection = await session.connection()
            return connection.dialect.name, await connection.run_sync(there_and_back)

    dialect, (new, old, again) = asyncio.run(run())
    assert again == new
    model = {each.name: names_in(each) for each in declared(dialect)}
    changed = {name for name, columns in new.items() if old.get(name) != columns}
    assert len(old) == len(new)
    assert len(changed) == 2
    for name in changed:
        assert new[name] == model[name]
    assert digests(start(), repo)


def names_in(index: Index) -> list[str]:
    return [str(each).split(".")[-1].removesuffix(" DESC") for each in index.expressions]


def test_the_indexes_of_lists_begin_with_the_newest(database_url: str, start: Start) -> None:
    """Else most orders of a large list take twice as long, and pages far down ten times."""
    start()

    async def run() -> Sequence[str]:
        async with opened(database_url) as db, db.reading() as session:
            dialect = (await session.connection()).dialect.name
            return (await session.scalars(text(MADE_BY[dialect]))).all()

    made = asyncio.run(run())
    assert sum("push_time DESC, id DESC, tagged" in sql for sql in made) == 2


MADE_BY = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE name LIKE 'ix_artifact_and_types_in_%'",
    "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'ix_artifact_in_%'",
}


def declared(dialect: str) -> list[Index]:
    """The indexes that the table says it has on that kind of database."""
    found = inspect(Artifact).local_table.indexes  # type: ignore[attr-defined]
    return [each for each in found if each.info.get(ONLY) in (None, dialect)]
