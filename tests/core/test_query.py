"""Harbor's q and sort: what they say, and what they refuse."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select

from harbor.core import query
from harbor.core.db import Database, ascii_text
from harbor.core.errors import BadRequest
from tests.core.rows import DATA, FIELDS, Find, Row, filled, ids


@pytest.fixture
def find(database_url: str) -> Iterator[Find]:
    with filled(database_url) as found:
        yield found


FOUND: list[tuple[str, Callable[[Row], bool]]] = [
    ("", lambda row: True),
    ("name=app", lambda row: row.name == "app"),
    ("name=~APP", lambda row: "app" in (row.name or "").lower()),
    ("name=~a%25b", lambda row: row.name == "a%b"),
    ("name=~a_b", lambda row: row.name == "a_b"),
    ("name=\\~x", lambda row: row.name == "~x"),
    ("name=\\\\x", lambda row: row.name == "\\x"),
    ("name=it's", lambda row: row.name == "it's"),
    ("name={app 'App' missing}", lambda row: row.name in ("app", "App")),
    ("name={}", lambda row: False),
    ("name={ }", lambda row: False),
    ("name=(app App)", lambda row: True),
    ("name=()", lambda row: True),
    ("name=10", lambda row: row.name == "10"),
    ("name={10 -1}", lambda row: row.name in ("10", "-1")),
    ("size=0", lambda row: row.size == 0),
    ("size=+1", lambda row: row.size == 1),
    ("size=9223372036854775807", lambda row: row.size == 2**63 - 1),
    ("size=9223372036854775808", lambda row: False),
    ("small=2147483648", lambda row: False),
    ("small=" + 4000 * "9", lambda row: False),
    ("small=[-1~1]", lambda row: -1 <= row.small <= 1),
    ("small=[1~]", lambda row: row.small >= 1),
    ("small=[~-1]", lambda row: row.small <= -1),
    ("small=[ -1 ~ 1 ]", lambda row: -1 <= row.small <= 1),
    ("small=[-99999999999~0]", lambda row: row.small <= 0),
    ("size=[~99999999999999999999]", lambda row: row.size is not None),
    ("size=[99999999999999999999~]", lambda row: False),
    ("small={1 99999999999}", lambda row: row.small == 1),
    ("small={99999999999}", lambda row: False),
    ("small=~1", lambda row: "1" in str(row.small)),
    ("is_flag=true", lambda row: row.flag),
    ("is_flag=0", lambda row: not row.flag),
    ("is_flag={true false}", lambda row: True),
    ("creation_time=2024-05-01T12:00:00", lambda row: row.id == 2),
    ("creation_time=[2024-05-01T12:00:00~2024-05-01T13:00:00]", lambda row: row.id in (2, 3)),
    ("creation_time=[2024-05-02~]", lambda row: row.id >= 14),
    ("creation_time=[~2024-05-01 12:00:00]", lambda row: row.id <= 2),
    ("creation_time=2024-05-01T14:00:00%2B02:00", lambda row: row.id == 2),
    ("creation_time=2024-05-01T12:00:00.000Z", lambda row: row.id == 2),
    ("small__gte=1", lambda row: row.small >= 1),
    ("small__gt=1", lambda row: row.small > 1),
    ("small__lte=-1", lambda row: row.small <= -1),
    ("small__lt=-1", lambda row: row.small < -1),
    ("small__exact=1", lambda row: row.small == 1),
    ("small__in=1", lambda row: row.small == 1),
    ("small__in={1 2}", lambda row: row.small in (1, 2)),
    ("small__gte=0,small__lte=1", lambda row: 0 <= row.small <= 1),
    ("name__icontains=APP", lambda row: "app" in (row.name or "").lower()),
    ("name__startswith=app", lambda row: True),
    ("name__=app", lambda row: True),
    ("IsFlag=true,Small=1", lambda row: row.flag and row.small == 1),
    ("CreationTime=2024-05-01T12:00:00", lambda row: row.id == 2),
    ("small=1,name=app", lambda row: row.small == 1 and row.name == "app"),
    ("small=1,small=2", lambda row: row.small == 2),
    ("unknown=1,small=1", lambda row: row.small == 1),
    ("id.b=1", lambda row: True),
    ("extra_attrs.a.b=value 1", lambda row: row.small == 1),
    ("extra_attrs.a.b=~VALUE -", lambda row: row.small < 0),
    ("ExtraAttrs.n=1", lambda row: row.small == 1),
    ("extra_attrs.a.missing=1", lambda row: False),
    ("unknown.a=1", lambda row: True),
    ("odd=true", lambda row: row.small == 1),
    ("either=1", lambda row: row.small == 1),
    ("either=~1", lambda row: "1" in str(row.small) or "1" in (row.name or "")),
    ("either=(1 2)", lambda row: True),
    ("small%3D1", lambda row: row.small == 1),
    ("name=a%b", lambda row: row.name == "a%b"),
    ("name=~100%", lambda row: False),
]


def test_sql_finds_what_is_asked_for(find: Find) -> None:
    found = {q: find(q) for q, _ in FOUND}
    assert found == {q: ids(holds) for q, holds in FOUND}


def test_a_plus_is_a_space_as_in_every_query_string() -> None:
    assert texts("k=a+b") == ("a b",)
    assert texts("k=a%2Bb") == ("a+b",)
    assert texts("k=a+b%") == ("a+b%",)  # what cannot be unescaped stays as it is, all of it


@pytest.mark.parametrize(
    "q",
    [
        "name",
        "=app",
        "name=",
        "name=app,",
        ",",
        "name=~",
        "name=[",
        "name=[a]",
        "name=[~]",
        "name=[ ~ ]",
        'name=["~"]',
        "name=[a~b~c]",
        "name=[a~b",
        "name={a b",
        "name=(a b",
        "name={a)",
        "unknown={a",
        "small=one",
        "small=1.5",
        "small=0x10",
        "small=[a~1]",
        "small={1 two}",
        "small=" + 5000 * "9",
        "is_flag=maybe",
        "is_flag=[0~1]",
        "is_flag__gt=0",
        "is_flag=~t",
        "creation_time=yesterday",
        "creation_time=1714557600",
        "creation_time=[2024-05-01T00:00:00~never]",
        "creation_time=0001-01-01T00:00:00%2B14:00",
        "creation_time=~2024",
        "extra_attrs=1",
        "odd=perhaps",
        "odd={true}",
        "name=a%00b",
        "name=" + 8_192 * "a",
        ",".join(f"k{i}=1" for i in range(65)),
        "%2C".join(f"k{i}=1" for i in range(65)),
    ],
)
def test_what_is_no_q_is_refused(q: str) -> None:
    with pytest.raises(BadRequest):
        query.conditions(q, FIELDS)


def test_a_refusal_names_what_is_wrong() -> None:
    with pytest.raises(BadRequest, match='must contain "="'):
        query.conditions("name", FIELDS)
    with pytest.raises(BadRequest, match=r"invalid query string value: \{a"):
        query.conditions("name={a", FIELDS)
    with pytest.raises(BadRequest, match="small is to be a number"):
        query.conditions("small=x", FIELDS)


def test_rows_come_in_the_order_that_is_asked_for(find: Find) -> None:
    falling = sorted(DATA, key=lambda row: (-row.small, row.made_at))
    assert find("", "-small,creation_time") == [row.id for row in falling]
    assert find("", "-CreationTime") == [row.id for row in reversed(DATA)]


def test_unknown_keys_and_repeated_ones_order_nothing(find: Find) -> None:
    assert find("", "unknown,-,,odd, ,-id") == [row.id for row in reversed(DATA)]
    assert find("", "id,-id") == [row.id for row in DATA]
    assert len(query.order(",".join(1000 * ["id", "-name"]), FIELDS)) == 2


def test_letters_beyond_ascii_are_found_in_any_case(database_url: str) -> None:
    named = Table("named", MetaData(), Column("name", ascii_text(64), primary_key=True))

    async def run() -> list[list[str]]:
        db = Database(database_url)
        async with db.writing() as session:
            await (await session.connection()).run_sync(named.create)
            await session.execute(insert(named), [{"name": "MÜNCHEN"}, {"name": "münchen"}])
        async with db.reading() as session:
            found = [
                list(
                    await session.scalars(
                        select(named.c.name)
                        .where(*query.conditions(f"name=~{part}", {"name": named.c.name}))
                        .order_by(named.c.name)
                    )
                )
                for part in ("ünch", "ÜNCH")
            ]
        await db.close()
        return found

    assert asyncio.run(run()) == 2 * [["MÜNCHEN", "münchen"]]


def texts(q: str) -> Sequence[str]:
    (match,) = query.parse(q)
    return match.texts
