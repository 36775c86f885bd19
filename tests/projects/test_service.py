import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Precondition
from harbor.core.security import NOBODY, Principal
from harbor.projects import service as projects
from harbor.projects.models import Project
from harbor.projects.schemas import ProjectQuery
from harbor.projects.service import metadata as meta
from harbor.users import service as users
from tests.conftest import opened

Work = Callable[[AsyncSession], Awaitable[Any]]
Run = Callable[[Work], Any]
ADMIN = Principal("admin", 1, is_admin=True)
PUSHED = """
INSERT INTO repository (name, project_id, description, pull_count, creation_time, update_time)
VALUES ('{name}', {id}, '', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00')
"""


@pytest.fixture
def run(database_url: str) -> Run:
    """Runs work in a transaction of its own on a seeded database."""

    def run(work: Work) -> Any:
        async def inside() -> Any:
            async with opened(database_url) as db, db.writing() as session:
                return await work(session)

        return asyncio.run(inside())

    return run


def creating(name: str, **metadata: str) -> Work:
    return lambda session: projects.create(session, name=name, owner_id=1, metadata=metadata)


def finding(reference: str, *, is_name: bool = False) -> Work:
    return lambda session: projects.find_by_reference(session, reference, is_name=is_name)


def deleting(project_id: int) -> Work:
    async def delete(session: AsyncSession) -> None:
        project = await session.get_one(Project, project_id)
        project.deleted, project.name = True, f"{project.name}#{project_id}"

    return delete


def test_the_first_project_is_the_public_library_of_admin(run: Run, quickly: Any) -> None:
    library = run(finding("library"))
    assert (library.project_id, library.owner_id) == (1, 1)
    assert quickly(lambda quick: projects.standing(quick, "library")).is_public
    assert quickly(lambda quick: projects.roles_of(quick, 1, 1)) == {1}


def test_the_library_is_made_once_only(run: Run) -> None:
    run(projects.seed_library)
    _, total = run(lambda session: projects.search(session, who=ADMIN, query=ProjectQuery()))
    assert total == 1


def test_two_processes_may_make_the_first_rows_at_once(
    database_url: str, run: Run, quickly: Any
) -> None:
    async def prepare() -> bool:
        async with opened(database_url) as db, db.writing() as session:
            made = await users.seed(session, admin_password_hash="hash")
            await asyncio.sleep(0.01)
            await projects.seed_library(session)
            return made

    async def prepare_twice() -> list[bool]:
        async with opened(database_url) as db, db.writing() as session:
            for table in (
                "cve_allowlist",
                "project_member",
                "project_metadata",
                "project",
                "harbor_user",
            ):
                await session.execute(text(f"DELETE FROM {table}"))
        return list(await asyncio.gather(prepare(), prepare()))

    assert sorted(asyncio.run(prepare_twice())) == [False, True]
    assert quickly(lambda quick: projects.roles_of(quick, 1, 1)) == {1}
    assert run(creating("team")).project_id == 2


def test_a_library_that_was_deleted_does_not_come_back(run: Run) -> None:
    run(deleting(1))
    run(projects.seed_library)
    with pytest.raises(NotFound):
        run(finding("library"))


def test_the_first_project_after_the_library_has_the_next_id(run: Run) -> None:
    assert run(creating("team")).project_id == 2


def test_a_new_project_is_private_and_its_owner_its_admin(run: Run, quickly: Any) -> None:
    made = run(creating("team"))
    assert not quickly(lambda quick: projects.standing(quick, made.name)).is_public
    assert quickly(lambda quick: projects.roles_of(quick, made.project_id, 1)) == {1}
    assert quickly(lambda quick: projects.roles_of(quick, made.project_id, 2)) == set()


def test_a_project_that_is_not_there_is_not_public(run: Run, quickly: Any) -> None:
    assert quickly(lambda quick: projects.standing(quick, "nothing")) is None


@pytest.mark.parametrize("name", ["a", "0", "team-1", "a.b_c-d", "x" * 255, "123"])
def test_a_good_name_is_taken_as_it_is(run: Run, name: str) -> None:
    assert run(creating(name)).name == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "a--b", "a__b", "a..b", "-a", "a-", ".", "a b", "a/b", "ä", "a\n", "x" * 256, "a#2"],
)
def test_a_bad_name_is_refused(run: Run, name: str) -> None:
    with pytest.raises(BadRequest, match="project name is not in lower case"):
        run(creating(name))


def test_a_name_is_taken_once(run: Run) -> None:
    with pytest.raises(Conflict, match="The project named library already exists"):
        run(creating("library"))


def test_digits_are_an_id_unless_they_are_said_to_be_a_name(run: Run) -> None:
    run(creating("1"))
    assert run(finding("1")).name == "library"
    assert run(finding("1", is_name=True)).name == "1"
    assert run(finding("01")).name == "library"


@pytest.mark.parametrize(
    "reference",
    ["99", "2147483648", "9" * 5000, "nothing", "", "library\0", "LIBRARY", "\u0661", "-1"],
)
def test_what_is_not_there_is_not_found(run: Run, reference: str) -> None:
    with pytest.raises(NotFound):
        run(finding(reference))


def test_a_deleted_project_is_not_found_by_any_name(run: Run) -> None:
    made = run(creating("team"))
    run(deleting(made.project_id))
    for reference in ("team", str(made.project_id), f"team#{made.project_id}"):
        with pytest.raises(NotFound):
            run(finding(reference))
    assert run(creating("team")).project_id != made.project_id


def test_repositories_are_counted_by_project(run: Run) -> None:
    made = run(creating("team"))

    async def push(session: AsyncSession) -> None:
        for name in ("team/app", "team/web"):
            await session.execute(text(PUSHED.format(name=name, id=made.project_id)))

    run(push)
    found, _ = run(lambda session: projects.search(session, who=ADMIN, query=ProjectQuery()))
    assert {seen.project.name: seen.repo_count for seen in found} == {"library": 0, "team": 2}


def test_a_push_that_is_being_committed_keeps_the_project(run: Run, database_url: str) -> None:
    made = run(creating("team"))

    async def delete(url: str) -> None:
        async with opened(url) as db, db.writing() as session:
            await projects.remove(session, await projects.hold(session, made.project_id))

    async def race() -> None:
        async with opened(database_url) as db, db.writing() as session:
            await session.execute(text(PUSHED.format(name="team/app", id=made.project_id)))
            deletion = asyncio.create_task(delete(database_url))
            done, _ = await asyncio.wait({deletion}, timeout=0.2)
            assert not done
        with pytest.raises(Precondition, match="the project contains repositories"):
            await deletion

    asyncio.run(race())


def test_of_two_who_delete_a_project_the_second_finds_none(run: Run, database_url: str) -> None:
    made = run(creating("team"))

    async def delete() -> None:
        async with opened(database_url) as db, db.writing() as session:
            await projects.remove(session, await projects.hold(session, made.project_id))

    async def both() -> list[type]:
        results = await asyncio.gather(delete(), delete(), return_exceptions=True)
        return [type(each) for each in results]

    assert set(asyncio.run(both())) == {type(None), NotFound}


class TestWhoSeesWhat:
    @pytest.fixture
    def names(self, run: Run) -> Callable[..., list[str]]:
        """The names that somebody sees; ann has a role in a private project of the admin."""

        async def furnish(session: AsyncSession) -> int:
            ann = await users.create(
                session, username="ann", email=None, realname="a", comment="", password_hash=None
            )
            for name, owner, public in (
                ("closed", 1, "false"),
                ("open", 1, "true"),
                ("own", ann.user_id, "false"),
            ):
                await projects.create(
                    session, name=name, owner_id=owner, metadata={"public": public}
                )
            return ann.user_id

        ann = Principal("ann", run(furnish))
        known = {"nobody": NOBODY, "ann": ann, "admin": ADMIN}

        def names(who: str, **query: Any) -> list[str]:
            asked = ProjectQuery(**query)
            work = lambda session: projects.search(session, who=known[who], query=asked)  # noqa: E731
            found, total = run(work)
            assert total == len(found)
            return [seen.project.name for seen in found]

        return names

    @pytest.mark.parametrize(
        ("who", "public", "seen"),
        [
            ("nobody", None, ["library", "open"]),
            ("nobody", True, ["library", "open"]),
            ("nobody", False, []),
            ("ann", None, ["library", "open", "own"]),
            ("ann", True, ["library", "open"]),
            ("ann", False, ["own"]),
            ("admin", None, ["closed", "library", "open", "own"]),
            ("admin", True, ["library", "open"]),
            ("admin", False, ["closed", "own"]),
        ],
    )
    def test_one_sees_what_is_public_and_what_one_is_a_member_of(
        self, names: Callable[..., list[str]], who: str, public: bool | None, seen: list[str]
    ) -> None:
        assert names(who, public=public) == seen

    def test_projects_are_found_by_a_part_of_the_name(
        self, names: Callable[..., list[str]]
    ) -> None:
        assert names("admin", name="o") == ["closed", "open", "own"]
        assert names("admin", name="~OPE") == ["open"]
        assert names("admin", name="%") == []
        assert names("admin", name="_") == []
        assert names("nobody", name="own") == []

    def test_projects_are_found_by_their_owner(self, names: Callable[..., list[str]]) -> None:
        assert names("admin", owner="ann") == ["own"]
        assert names("nobody", owner="ann") == []
        assert names("admin", owner="an") == []

    def test_projects_are_sorted_by_what_is_asked_for_and_then_by_name(
        self, names: Callable[..., list[str]]
    ) -> None:
        assert names("admin", sort="-name") == ["own", "open", "library", "closed"]
        assert names("admin", sort="-project_id") == ["own", "open", "closed", "library"]
        assert names("admin", sort="-owner_id,-name") == ["own", "open", "library", "closed"]
        assert names("admin", sort="nonsense,,-") == ["closed", "library", "open", "own"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"public": "false"}),
        ({"public": "true"}, {"public": "true"}),
        ({"auto_scan": "1"}, {"public": "false", "auto_scan": "true"}),
        ({"prevent_vul": "T"}, {"public": "false", "prevent_vul": "true"}),
        (
            {"reuse_sys_cve_allowlist": "False"},
            {"public": "false", "reuse_sys_cve_allowlist": "false"},
        ),
        ({"severity": "HIGH"}, {"public": "false", "severity": "high"}),
        ({"severity": "negligible"}, {"public": "false", "severity": "none"}),
        ({"proxy_speed_kb": "7", "max_upstream_conn": "x"}, {"public": "false"}),
        (
            {"proxy_cache_filter_pattern": "**", "proxy_cache_filter_kind": "regex"},
            {"public": "false"},
        ),
        ({"retention_id": ""}, {"public": "false"}),
    ],
)
def test_metadata_is_kept_in_one_form(given: dict[str, str], kept: dict[str, str]) -> None:
    assert meta.of_new(given) == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"public": "1"}, "metadata.public should only be 'true' or 'false', but got: '1'"),
        ({"public": "TRUE"}, "metadata.public should only be"),
        ({"auto_scan": "yes"}, "invalid value: yes"),
        ({"severity": "terrible"}, "invalid value: terrible"),
        ({"retention_id": "4"}, "bad request: the retention_id"),
        ({"colour": "red"}, "invalid key: colour"),
    ],
)
def test_metadata_that_means_nothing_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        meta.of_new(given)


def test_a_proxy_cache_needs_an_admin_and_a_registry() -> None:
    projects.check_registry(None, is_admin=False)
    with pytest.raises(Forbidden, match="Only system admin can create proxy cache project"):
        projects.check_registry(1, is_admin=False)
    with pytest.raises(BadRequest, match="0 is invalid value of registry_id"):
        projects.check_registry(0, is_admin=True)
    with pytest.raises(BadRequest, match="registry 1 not found"):
        projects.check_registry(1, is_admin=True)
