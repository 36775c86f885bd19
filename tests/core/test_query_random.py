"""Harbor's q, whatever it says: SQL finds what Python finds, and nothing but a 400 is raised."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harbor.core import query
from harbor.core.errors import BadRequest
from harbor.core.query import Match
from tests.core.rows import DATA, FIELDS, NAMES, SIZES, Find, Row, filled, ids


@pytest.fixture
def find(database_url: str) -> Iterator[Find]:
    with filled(database_url) as found:
        yield found


plain = st.text(min_size=1, max_size=50).filter(lambda text: "," not in text and "\0" not in text)


@given(plain)
def test_every_text_can_be_asked_for(text: str) -> None:
    assert list(query.parse(f"k=%5C{quote(text)}")) == [Match("k", "exact", (text,))]
    assert list(query.parse(f"k=~{quote(text)}")) == [Match("k", "fuzzy", (text,))]


@given(st.text(max_size=200))
def test_whatever_comes_is_a_q_or_a_bad_request(q: str) -> None:
    with contextlib.suppress(BadRequest):
        query.conditions(q, FIELDS)
    query.order(q, FIELDS)


keys = st.sampled_from([*FIELDS, "IsFlag", "small__gt", "size__in", "name__icontains", "x", ""])
signs = st.text(alphabet="[]{}()~=\\ '\"%_/+-.:TZ0129abé😀\0,", max_size=12)
numbers = st.integers(-(2**70), 2**70).map(str)
moments = st.datetimes().map(datetime.isoformat)
single = st.one_of(signs, numbers, moments, st.sampled_from(["true", "app", "1"]))
values = st.one_of(
    single,
    st.builds("~{}".format, single),
    st.builds("[{}~{}]".format, single, single),
    st.lists(single, max_size=4).map(lambda texts: "{" + " ".join(texts) + "}"),
)
asked = st.lists(st.builds("{}={}".format, keys, values), max_size=4).map(",".join)


def test_whatever_is_a_q_the_database_can_be_asked(find: Find) -> None:
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(asked)
    def check(q: str) -> None:
        for text in (q, quote(q)):
            try:
                query.conditions(text, FIELDS)
            except BadRequest:
                continue
            assert set(find(text)) <= {row.id for row in DATA}

    check()


@dataclass(frozen=True)
class Part:
    """A part of q, and what it means."""

    text: str
    holds: Callable[[Any], bool]


def value_of(row: Row, key: str) -> Any:
    return getattr(row, {"is_flag": "flag", "creation_time": "made_at"}.get(key, key))


def of_kind(key: str, kind: st.SearchStrategy[Any], shown: Callable[[Any], str]) -> Any:
    """Exact matches, ranges and lists of a column of that kind."""

    def has(value: Any) -> Part:
        return Part(f"{key}={shown(value)}", lambda row: value_of(row, key) == value)

    def among(wanted: list[Any]) -> Part:
        text = " ".join(map(shown, wanted))
        return Part(f"{key}={{{text}}}", lambda row: value_of(row, key) in wanted)

    def between(low: Any, high: Any) -> Part:
        def holds(row: Row) -> bool:
            value = value_of(row, key)
            return (
                value is not None
                and (low is None or value >= low)
                and (high is None or value <= high)
            )

        assume(low is not None or high is not None)
        ends = ["" if end is None else shown(end) for end in (low, high)]
        return Part(f"{key}=[{'~'.join(ends)}]", holds)

    end = st.none() | kind
    return st.one_of(
        st.builds(has, kind),
        st.builds(among, st.lists(kind, max_size=3)),
        st.builds(between, end, end),
    )


def fuzzy(part: str) -> Part:
    return Part(f"name=~{part}", lambda row: part.lower() in (row.name or "\0").lower())


words = st.sampled_from([name for name in NAMES if name and name[0] not in "~\\"])
parts = st.one_of(
    of_kind("size", st.sampled_from([*SIZES[:-1], 2**64, -(2**64), 5]), str),
    of_kind("small", st.integers(-3, 3), str),
    of_kind("creation_time", st.sampled_from([row.made_at for row in DATA]), datetime.isoformat),
    of_kind("name", words, str),
    st.builds(fuzzy, st.text(alphabet="aApP%_/'xb1-", min_size=1, max_size=3)),
)


def test_sql_says_what_python_says(find: Find) -> None:
    @settings(max_examples=300, deadline=None)
    @given(st.lists(parts, max_size=3))
    def check(asked: list[Part]) -> None:
        told = {part.text.partition("=")[0]: part for part in asked}  # of a key, the last counts
        q = quote(",".join(part.text for part in asked))
        assert find(q) == ids(lambda row: all(part.holds(row) for part in told.values()))

    check()
