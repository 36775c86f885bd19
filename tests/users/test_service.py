import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.users import service as users
from harbor.users.models import User
from harbor.users.schemas import UserCreationReq
from tests.conftest import opened

Run = Callable[[Callable[[AsyncSession], Awaitable[Any]]], Any]


@pytest.fixture
def run(database_url: str) -> Run:
    """Runs work in a transaction of its own on a seeded database."""

    def run(work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        async def inside() -> Any:
            async with opened(database_url) as db, db.writing() as session:
                return await work(session)

        return asyncio.run(inside())

    return run


def adding(username: str, email: str | None = None) -> Callable[[AsyncSession], Awaitable[User]]:
    return lambda session: users.create(
        session, username=username, email=email, realname=username, comment="", password_hash="x"
    )


def person(**changed: str) -> UserCreationReq:
    good = {
        "username": "ann",
        "email": "ann@example.com",
        "realname": "Ann Example",
        "comment": "",
        "password": "Passw0rd",
    }
    return UserCreationReq(**(good | changed))


def test_the_first_two_people_are_admin_and_a_deleted_placeholder(run: Run) -> None:
    async def look(session: AsyncSession) -> None:
        admin = await users.get(session, 1)
        assert (admin.username, admin.realname, admin.email) == ("admin", "system admin", None)
        assert admin.sysadmin_flag
        placeholder = await session.get(User, 2)
        assert placeholder is not None
        assert placeholder.username == "anonymous"
        assert placeholder.deleted
        assert placeholder.password is None
        assert not placeholder.sysadmin_flag

    run(look)


def test_seeding_again_changes_nothing(run: Run) -> None:
    assert run(lambda session: users.seed(session, admin_password_hash="other")) is False
    assert run(lambda session: users.get(session, 1)).password != "other"


def test_the_first_person_after_the_seed_has_the_next_id(run: Run) -> None:
    assert run(adding("ann")).user_id == 3
    assert run(adding("bob")).user_id == 4


def test_a_username_is_taken_once(run: Run) -> None:
    run(adding("ann", "ann@example.com"))
    with pytest.raises(Conflict, match=r"user ann or email other@.* already exists"):
        run(adding("ann", "other@example.com"))


def test_an_email_address_is_taken_once(run: Run) -> None:
    run(adding("ann", "ann@example.com"))
    with pytest.raises(Conflict):
        run(adding("bob", "ann@example.com"))


def test_many_may_have_no_email_address(run: Run) -> None:
    run(adding("ann"))
    run(adding("bob"))


def test_the_name_of_the_placeholder_is_taken(run: Run) -> None:
    with pytest.raises(Conflict):
        run(adding("anonymous"))


def test_a_comma_in_a_name_from_elsewhere_becomes_an_underscore(run: Run) -> None:
    assert run(adding("doe,john")).username == "doe_john"


@pytest.mark.parametrize("name", ["ann", "ann@example.com"])
def test_one_signs_in_by_username_or_email(run: Run, quickly: Any, name: str) -> None:
    run(adding("ann", "ann@example.com"))
    assert quickly(lambda quick: users.find_login(quick, name)).username == "ann"


def test_a_username_counts_before_an_email_address(run: Run, quickly: Any) -> None:
    run(adding("ann", "ann@example.com"))
    impostor = run(adding("ann@example.com", "bob@example.com"))
    found = quickly(lambda quick: users.find_login(quick, "ann@example.com"))
    assert found.user_id == impostor.user_id


@pytest.mark.parametrize("name", ["nobody", "", "ann\0", "anonymous", "ANN", "%"])
def test_other_names_sign_nobody_in(run: Run, quickly: Any, name: str) -> None:
    run(adding("ann"))
    assert quickly(lambda quick: users.find_login(quick, name)) is None


@pytest.mark.parametrize("user_id", [2, 99])
def test_whoever_is_deleted_or_was_never_there_is_not_found(run: Run, user_id: int) -> None:
    with pytest.raises(NotFound, match=f"user {user_id} not found"):
        run(lambda session: users.get(session, user_id))


def test_a_password_is_replaced(run: Run) -> None:
    run(lambda session: users.replace_password(session, 1, password_hash="new"))
    assert run(lambda session: users.get(session, 1)).password == "new"


def test_nobody_elses_password_is_replaced(run: Run) -> None:
    ann = run(adding("ann"))
    run(lambda session: users.replace_password(session, 1, password_hash="new"))
    assert run(lambda session: users.get(session, ann.user_id)).password == "x"


def test_the_placeholder_gets_no_password(run: Run) -> None:
    with pytest.raises(NotFound):
        run(lambda session: users.replace_password(session, 2, password_hash="new"))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"username": "a" * 255},
        {"username": "ann@example.com"},
        {"username": "анна"},
        {"realname": "r" * 255},
        {"comment": "c" * 30},
        {"email": "a.b-c+d@sub-1.example.org"},
        {"email": '"Ann Example"@example.com'},
        {"email": "ann@[192.168.0.1]"},
        {"password": "aB3" + "x" * 125},
        {"password": "aaaaaB3!"},
    ],
)
def test_what_the_rules_allow_passes(changed: dict[str, str]) -> None:
    users.check(person(**changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"username": ""}, "username with illegal length"),
        ({"username": "a" * 256}, "username with illegal length"),
        *(({"username": f"a{bad}b"}, "username contains illegal") for bad in ',"~#%$'),
        ({"realname": ""}, "realname with illegal length"),
        ({"realname": "r" * 256}, "realname with illegal length"),
        *(({"realname": f"a{bad}b"}, "realname contains illegal") for bad in ',"~#%$'),
        ({"comment": "c" * 31}, "comment with illegal length"),
        ({"email": ""}, "email can't be empty"),
        *(
            ({"email": bad}, "email with illegal format")
            for bad in (
                "ann",
                "ann@",
                "@example.com",
                "ann@example",
                "ann@example.c",
                "a b@example.com",
                "ann@exa_mple.com",
                "ann..b@example.com",
                "ann@example.com\n",
                "ann@[1.2.3]",
                "ann@@example.com",
            )
        ),
        *(
            ({"password": bad}, "the password or secret must be 8-128")
            for bad in (
                "",
                "Sh0rt",
                "aB3" + "x" * 126,
                "nocapital1",
                "NOSMALL1",
                "NoDigits",
                "ÄÖÜäöü123",
            )
        ),
    ],
)
def test_what_the_rules_forbid_is_named(changed: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        users.check(person(**changed))
