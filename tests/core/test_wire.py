import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from starlette.datastructures import URL

from harbor.core import wire
from harbor.core.errors import BadRequest, Unprocessable


class Body(Struct):
    name: Annotated[str, Meta(max_length=5)]
    count: int = 0


class Row:
    """Stands for a table row: only its attributes matter."""

    name = "library"
    made = datetime(2026, 1, 5, 9, 12, 0, 123999, tzinfo=UTC)
    password = "never shown"


class Shown(Struct):
    name: str
    made: wire.Time


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2024, 5, 1, 10, tzinfo=UTC), "2024-05-01T10:00:00.000Z"),
        (datetime(2024, 5, 1, 10, 0, 0, 999_999, tzinfo=UTC), "2024-05-01T10:00:00.999Z"),
        (
            datetime(2024, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "2024-04-30T23:00:00.000Z",
        ),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(moment: datetime, written: str) -> None:
    assert (
        wire.encode({"at": wire.Time(moment)})
        == json.dumps({"at": written}, separators=(",", ":")).encode()
    )


def test_only_what_the_schema_names_is_shown_of_a_row() -> None:
    shown = wire.encode(wire.show(Shown, Row()))
    assert json.loads(shown) == {"name": "library", "made": "2026-01-05T09:12:00.123Z"}


def test_what_json_does_not_know_is_a_bug() -> None:
    with pytest.raises(TypeError):
        wire.encode({"a": object()})


def test_a_body_becomes_a_struct_and_unknown_keys_are_ignored() -> None:
    assert wire.decode(b'{"name": "app", "more": [1]}', Body) == Body("app")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b'{"name": "\xff"}', b'{"a": "\\ud800"}', b'{"a":' + b"[" * 9999]
)
def test_what_is_no_json_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        wire.decode(raw, Body)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"[]", "object"),
        (b"null", "object"),
        (b"{}", "name"),
        (b'{"name": 5}', r"\$\.name"),
        (b'{"name": null}', r"\$\.name"),
        (b'{"name": "longer"}', r"\$\.name"),
        (b'{"name": "app", "count": "1"}', r"\$\.count"),
        (b'{"name": "a\\u0000"}', "null character"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_the_field(raw: bytes, named: str) -> None:
    with pytest.raises(Unprocessable, match=f"^body: .*{named}"):
        wire.decode(raw, Body)


@given(st.binary(max_size=50))
def test_no_body_gets_through_but_one_of_the_right_shape(raw: bytes) -> None:
    with suppress(BadRequest, Unprocessable):
        assert isinstance(wire.decode(raw, Body), Body)


def test_parameters_are_read_from_text() -> None:
    assert (
        wire.parameters([("page", "2"), ("page_size", "100"), ("x", "y")], wire.Paging).offset
        == 100
    )
    assert wire.parameter("7", wire.Id) == 7
    assert wire.parameter("7", str) == "7"


@pytest.mark.parametrize(
    "given_",
    [
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "1.5"},
        {"page": ""},
        {"page": str(2**31)},
        {"page_size": "101"},
        {"page_size": "0"},
        {"q": "a\0b"},
    ],
)
def test_parameters_out_of_range_are_refused(given_: dict[str, str]) -> None:
    with pytest.raises(Unprocessable, match=r"^query: "):
        wire.parameters(given_.items(), wire.Paging)


@pytest.mark.parametrize("text", ["x", "-1", "", str(2**31), "1\0"])
def test_a_path_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable, match=r"^path: "):
        wire.parameter(text, wire.Id)


def links(query: str, total: int) -> dict[str, str]:
    """The links of a list, by relation."""
    header = wire.links(URL(f"https://reg.example.com/api/v2.0/projects{query}"), total)
    if not header:
        return {}
    parts = [part.split("; ") for part in header["Link"].split(" , ")]
    return {rel.removeprefix('rel="').rstrip('"'): target.strip("<>") for target, rel in parts}


def test_one_page_has_no_links() -> None:
    assert links("", 0) == {}
    assert links("", 10) == {}
    assert links("?page_size=100", 100) == {}


def test_a_page_in_the_middle_links_both_ways_relative_to_the_host() -> None:
    assert links("?page=2&page_size=5", 11) == {
        "prev": "/api/v2.0/projects?page=1&page_size=5",
        "next": "/api/v2.0/projects?page=3&page_size=5",
    }


@pytest.mark.parametrize("two", ["2.0", "2e0", "20E-1"])
def test_links_read_a_number_as_the_list_does(two: str) -> None:
    asked = wire.parameters([("page", two), ("page_size", "5")], wire.Paging)
    assert asked.page == 2
    assert links(f"?page={two}&page_size=5.0", 11) == links("?page=2&page_size=5", 11)


def test_a_page_beyond_the_end_links_nowhere() -> None:
    assert links("?page=9", 11) == {}


def test_links_keep_the_rest_of_the_question() -> None:
    (target,) = links("?name=a%26b&sort=-name%2Cid&public=", 11).values()
    asked = parse_qs(urlsplit(target).query, keep_blank_values=True)
    assert asked == {
        "name": ["a&b"],
        "sort": ["-name,id"],
        "public": [""],
        "page": ["2"],
        "page_size": ["10"],
    }
    assert "," not in target


@given(st.integers(0, 60), st.integers(1, 12))
def test_following_the_links_visits_every_page_once(total: int, size: int) -> None:
    query, pages = f"?page_size={size}", 1
    while target := links(query, total).get("next"):
        query = "?" + urlsplit(target).query
        pages += 1
    assert pages == max(1, -(-total // size))
    while target := links(query, total).get("prev"):
        query = "?" + urlsplit(target).query
        pages -= 1
    assert pages == 1


def test_a_moment_is_described_as_one() -> None:
    described: Any = wire.schema_of(wire.Time)
    assert described == {"type": "string", "format": "date-time"}
