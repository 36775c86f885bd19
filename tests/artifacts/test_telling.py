"""Tags and accessories in JSON that the database puts together are as we would have written."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from starlette.testclient import TestClient

from harbor.artifacts import schemas
from harbor.artifacts.models import Accessory, Artifact, Tag
from harbor.artifacts.schemas import TagQuery
from harbor.artifacts.service import accessories, listed, tags, telling
from harbor.core import wire
from harbor.core.query import Listing
from harbor.core.quick import SessionPen
from harbor.core.selectors import Selector
from harbor.immutability.service import Rule, Rules
from tests.artifacts.rest import get, repository
from tests.conftest import opened
from tests.make import ADMIN, make_project, make_rule, push_image, put_manifest, rule_of

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
MOMENTS = (
    NOON,
    NOON + timedelta(microseconds=123_999),  # never rounded up
    NOON + timedelta(microseconds=999_999),
    NOON - timedelta(microseconds=1),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)

RULE = Rule(Selector(pattern="**"), Selector(pattern="v1-*"))


def test_both_roads_say_the_same(client: TestClient, database_url: str) -> None:
    make_project(client, "open")
    for name in ("many", "none", "one"):
        push_image(client, f"open/{name}", "first")

    async def compared() -> list[tuple[int, Any, bytes]]:
        async with opened(database_url) as db:
            async with db.writing() as session:
                many, none, one = await session.scalars(select(Artifact).order_by(Artifact.id))
                await session.execute(delete(Tag))
                rows = [
                    {
                        "repository_id": many.repository_id,
                        "artifact_id": many.id,
                        "name": f"v{at}-{pushed.microsecond}",
                        "push_time": pushed,
                        "pull_time": None if at % 3 == 0 else MOMENTS[at % 6],
                        "expires_at": None if at % 4 == 0 else MOMENTS[(at + 3) % 6],
                    }
                    for at, pushed in enumerate(MOMENTS * 3)  # equal times: the later id first
                ]
                alone = rows[1] | {"repository_id": one.repository_id, "artifact_id": one.id}
                await session.execute(insert(Tag), [*rows, alone])
                none.tagged = False  # as whoever takes tags away would say
                ids = [one.id, none.id, many.id]
            async with db.reading() as session:
                theirs = await telling.tags(session, ids)
                places = dict.fromkeys(ids, "open/many")
                ruled = await telling.ruled_tags(session, places, Rules((RULE,)))
                query = TagQuery(page_size=100)
                ours = {each: (await tags.search(session, each, query))[0] for each in ids}
            for each in ids:
                fixed = bytes(ruled.get(each, b"")).replace(b":true", b":false")
                assert fixed == bytes(theirs.get(each, b""))
            marked = msgspec.json.decode(ruled[many.id])
            assert {tag["name"] for tag in marked if tag["immutable"]} == {"v1-123999"}
            return [(each, ours[each], bytes(theirs.get(each, b""))) for each in ids]

    found = asyncio.run(compared())
    assert [len(ours or ()) for _, ours, _ in found] == [1, 0, 18]
    for _, ours, theirs in found:
        assert theirs == (wire.encode(ours) if ours else b"")
    decoded = msgspec.json.decode(found[2][2])
    assert {frozenset(tag) for tag in decoded} == {
        frozenset(schemas.Tag.__struct_fields__),
        frozenset(schemas.Tag.__struct_fields__) - {"expires_at"},
    }


def test_accessories_are_said_as_their_own_list_says_them(
    client: TestClient, database_url: str
) -> None:
    make_project(client, "open")
    kinds = [*accessories.KINDS.values(), accessories.NYDUS, accessories.OTHER]
    many, one, none = (push_image(client, "open/app", name).digest for name in ("a", "b", "c"))
    about = [push_image(client, "open/app", f"about-{at}").digest for at in range(len(kinds) + 1)]
    push_image(client, "open/other", "a")  # the same, of which nothing speaks

    async def compared() -> list[tuple[bytes, list[schemas.Accessory]]]:
        async with opened(database_url) as db:
            async with db.writing() as session:
                rows = await session.execute(
                    select(Artifact.digest, Artifact.id, Artifact.repository_id).order_by(
                        Artifact.id.desc()
                    )
                )
                known = {digest: (each, inside) for digest, each, inside in rows}
                for at, digest in enumerate(about):
                    session.add(
                        Accessory(
                            artifact_id=known[digest][0],
                            repository_id=known[digest][1],
                            subject_digest=one if at == len(kinds) else many,
                            kind=kinds[at % len(kinds)],
                            creation_time=MOMENTS[at % 6],
                        )
                    )
                await session.flush()
                await listed.review(SessionPen(session), known[about[0]][1], about)
            async with db.reading() as session:
                ids = [known[digest][0] for digest in (one, none, many)]
                told = await accessories.of(session, ids)
                listing = Listing(page_size=100)
                assert ids[1] not in told
                return [
                    (
                        bytes(told.get(each, b"[]")),
                        (await accessories.search(session, each, listing))[0],
                    )
                    for each in ids
                ]

    found = asyncio.run(compared())
    assert [len(ours) for _, ours in found] == [1, 0, len(kinds)]
    for theirs, ours in found:
        assert theirs == wire.encode(ours)


def test_a_list_says_the_same_whether_there_are_rules_or_not(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    for tag in ("latest", "v2"):
        put_manifest(shared, repo, tag, image.raw)
    path = f"{repository(repo)}/artifacts"
    plain = get(shared, path)
    assert [tag["name"] for tag in plain[0]["tags"]] == ["v2", "latest", "v1"]
    assert get(shared, path, with_immutable_status=True) == plain
    make_rule(shared, repo.partition("/")[0], rule_of(tags="no such tag"))
    assert get(shared, path, with_immutable_status=True) == plain


def test_an_artifact_without_tags_has_null(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    one = f"{repository(repo)}/artifacts/{image.digest}"
    assert shared.delete(f"{one}/tags/v1", auth=ADMIN).status_code == 200
    assert get(shared, one)["tags"] is None
