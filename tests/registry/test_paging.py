"""Numbers and links of lists, as pure functions; pages as clients see them are in test_lists."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harbor.core.errors import PageInvalid
from harbor.registry.answers import next_page
from harbor.registry.routes import MAX_N, number

few = settings(max_examples=80, deadline=None)


def paged(names: list[str], limit: int) -> list[list[str]]:
    """The pages that a client sees who follows every link."""
    found: list[list[str]] = []
    last = ""
    while True:
        after = [name for name in names if name > last]
        shown = after[:limit]
        found.append(shown)
        link = next_page("/v2/x/tags/list", limit, shown, more=len(after) > len(shown))
        if not link:
            return found
        target = link["Link"].removeprefix("<").removesuffix('>; rel="next"')
        assert target.isascii()
        assert not set('<>" ') & set(target)
        assert urlsplit(target).path == "/v2/x/tags/list"
        query = parse_qs(urlsplit(target).query, strict_parsing=True)
        assert query["n"] == [str(limit)]
        (last,) = query["last"]


@few
@given(st.sets(st.text(min_size=1, max_size=8), max_size=12), st.integers(1, 15))
@example({"a&b", "a=b", "a b", "a/b", "a+b", "a%2Fb", '<>"', "é"}, 1)
def test_following_the_links_shows_everything_once(names: set[str], limit: int) -> None:
    pages = paged(sorted(names), limit)
    assert [name for page in pages for name in page] == sorted(names)
    assert all(len(page) == limit for page in pages[:-1])


def test_where_nothing_was_asked_for_nothing_follows() -> None:
    assert next_page("/x", 0, [], more=True) == {}
    assert next_page("/x", None, ["a"], more=True) == {}


@few
@given(st.integers(0, MAX_N))
@example(0)
@example(MAX_N)
def test_a_number_is_one(n: int) -> None:
    assert number(str(n)) == n


@few
@given(st.text(min_size=1) | st.integers(max_value=-1).map(str) | st.floats().map(str))
@example(str(MAX_N + 1))
@example("\u0663")
@example("1_0")
@example(5000 * "9")
def test_whatever_else_is_none(text: str) -> None:
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_N:
        return
    with pytest.raises(PageInvalid):
        number(text)


def test_no_number_is_no_limit() -> None:
    assert number("") is None
