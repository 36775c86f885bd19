"""Patterns of tags and repositories: each sign of the language, and hostile ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harbor.core.errors import BadRequest
from harbor.core.patterns import MAX_LENGTH, MOST_REMEMBERED, PatternInvalid, compiled
from harbor.core.selectors import REPOSITORIES, TAGS, Selector, check

FITS = [
    ("", "anything/at.all"),
    ("**", ""),
    ("**", "a/b/c"),
    ("*", ""),
    ("*", "v1.0"),
    ("v*", "v"),
    ("v*", "v1"),
    ("*-rc*", "1.0-rc.1"),
    ("a*b*c", "aXbYc"),
    ("a/*", "a/b"),
    ("a/**", "a/b/c"),
    ("a**c", "a/b/c"),
    ("**/c", "c"),
    ("**/c", "a/b/c"),
    ("a/**/c", "a/c"),
    ("a/**/c", "a/b/b/c"),
    ("***", "a/b"),
    ("?", "x"),
    ("v?.?", "v1.2"),
    ("[abc]", "b"),
    ("[a-c]x", "cx"),
    ("[^a]", "b"),
    ("[!a-c]", "d"),
    ("[a^]", "^"),
    (r"[\]\-]", "]"),
    (r"[\]\-]", "-"),
    ("{latest,dev}", "dev"),
    ("{latest,dev}", "latest"),
    ("v{1,2{0,1},}x", "v1x"),
    ("v{1,2{0,1},}x", "v21x"),
    ("v{1,2{0,1},}x", "vx"),
    ("{*,a/**}", "a/b/c"),
    ("{a*,*b}c", "aac"),
    ("{}", ""),
    ("a,b", "a,b"),
    ("a}b", "a}b"),
    ("a]b", "a]b"),
    (r"\*", "*"),
    (r"\{a,b\}", "{a,b}"),
    ("v1.0", "v1.0"),
]
FAILS = [
    ("*", "a/b"),
    ("a/*", "a/b/c"),
    ("a/**", "a"),
    ("a/**", "ab"),
    ("**/c", "abc"),
    ("a/**/c", "abc"),
    ("?", ""),
    ("?", "/"),
    ("[abc]", "d"),
    ("[abc]", "ab"),
    ("[^a]", "a"),
    ("[^a]", "/"),
    ("[.-0]", "/"),
    ("[c-a]", "b"),
    ("{latest,dev}", "latest,dev"),
    ("{a,b}", ""),
    ("V1", "v1"),
    ("v1.0", "v1x0"),
    ("v1", "v1\n"),
    ("x", ""),
]


@pytest.mark.parametrize(("pattern", "text"), FITS)
def test_a_pattern_fits(pattern: str, text: str) -> None:
    assert compiled(pattern).fits(text)


@pytest.mark.parametrize(("pattern", "text"), FAILS)
def test_a_pattern_does_not_fit(pattern: str, text: str) -> None:
    assert not compiled(pattern).fits(text)


@pytest.mark.parametrize(
    "pattern", ["[", "[]", "[^]", "[a", "[a-", "[a-]", "[-a]", "[\\", "{", "{a,b", "{a{b}", "a\\"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        compiled(pattern)


def test_a_pattern_has_a_limited_length() -> None:
    assert compiled("a" * MAX_LENGTH).fits("a" * MAX_LENGTH)
    with pytest.raises(PatternInvalid):
        compiled("a" * (MAX_LENGTH + 1))


@given(st.text(alphabet="ab*?/", max_size=12), st.text(alphabet="ab/", max_size=12))
def test_stars_are_what_a_regular_expression_says(pattern: str, text: str) -> None:
    """The same language, said with Python's expressions; small enough for them."""
    said, rest = "", re.sub(r"\*{2,}", "\0", pattern) or "\0"
    for sign in re.findall(r"(?:(?<=/)|^)\x00/|.", rest, re.DOTALL):
        said += {"\0/": "(?:.*/)?", "\0": ".*", "*": "[^/]*", "?": "[^/]"}.get(sign, sign)
    assert compiled(pattern).fits(text) == bool(re.fullmatch(said, text, re.DOTALL))


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * (MAX_LENGTH // 2),
        "**a" * (MAX_LENGTH // 3),
        "{a,b}" * (MAX_LENGTH // 5),
        "{*,**}" * (MAX_LENGTH // 6),
        "{" * (MAX_LENGTH // 2) + "}" * (MAX_LENGTH // 2),
        "{*a,*b}" * (MAX_LENGTH // 7) + "c",
    ],
)
def test_no_pattern_makes_much_work(pattern: str) -> None:
    """Each step looks at most once at every point of the pattern: no text makes it more."""
    machine = compiled(pattern)
    texts = ["a" * 255, "ab" * 127, "a" * 254 + "/"]
    for text in texts:
        machine.fits(text)
    assert len(machine._states) <= 3 * MAX_LENGTH
    assert len(machine._remembered) <= MOST_REMEMBERED


def test_selectors_choose_or_leave_out() -> None:
    assert Selector(decoration="matches", pattern="v*").chooses("v1")
    assert not Selector(decoration="matches", pattern="v*").chooses("latest")
    assert not Selector(decoration="excludes", pattern="v*").chooses("v1")
    assert Selector(decoration="repoExcludes", pattern="a/**").chooses("b")
    assert Selector(decoration="repoMatches", pattern="a/**").chooses("a/b")


@pytest.mark.parametrize(
    ("selector", "decorations"),
    [
        (Selector(kind="regexp", decoration="matches"), TAGS),
        (Selector(decoration="repoMatches"), TAGS),
        (Selector(decoration="matches"), REPOSITORIES),
        (Selector(decoration="matches", pattern="[a"), TAGS),
    ],
)
def test_selectors_of_another_kind_are_refused(
    selector: Selector, decorations: tuple[str, str]
) -> None:
    with pytest.raises(BadRequest):
        check(selector, decorations)
