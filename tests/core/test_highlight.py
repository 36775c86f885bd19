"""JSON and YAML in colours."""

import html
import random
import re

import pytest

from harbor.core.highlight import MOST, coloured, indented

YAML = """\
# values
image: &it
  repository: "a/b"  # here
  tag: 1.20
  on: true
list:
  - a: http://x:80/y
  - plain text # said
script: |
  echo: hi
  # no comment

ref: *it
flow: {a: 1, "b": null}
"""


def spans(text: str) -> list[tuple[str, str]]:
    found = re.findall(r'<span class="code-(\w+)">(.*?)</span>', text, re.DOTALL)
    return [(kind, html.unescape(part).strip()) for kind, part in found if part.strip()]


def test_yaml_shows_names_values_and_comments() -> None:
    assert spans(coloured(YAML, "yaml")) == [
        ("comment", "# values"),
        ("name", "image"), ("word", "&it"),
        ("name", "repository"), ("text", '"a/b"'), ("comment", "# here"),
        ("name", "tag"), ("number", "1.20"),
        ("name", "on"), ("word", "true"),
        ("name", "list"),
        ("name", "a"), ("text", "http://x:80/y"),
        ("text", "plain text"), ("comment", "# said"),
        ("name", "script"), ("text", "echo: hi"), ("text", "# no comment"),
        ("name", "ref"), ("word", "*it"),
        ("name", "flow"), ("number", "1"), ("text", '"b"'), ("word", "null"),
    ]  # fmt: skip


def test_json_shows_names_and_values() -> None:
    text = indented(b'{"a":[1,true],"b":"<x>"}')
    shown = spans(coloured(text))
    assert shown == [
        ("name", '"a"'),
        ("number", "1"),
        ("word", "true"),
        ("name", '"b"'),
        ("text", '"<x>"'),
    ]


@pytest.mark.parametrize("language", ["json", "yaml"])
def test_nothing_is_lost_whatever_it_is(language: str) -> None:
    chance = random.Random(7)
    for _ in range(1_000):
        text = "".join(
            chance.choice(" -:#\"'{}[]|>&*!ab1\n\\<\u2028") for _ in range(chance.randrange(60))
        )
        shown = coloured(text, language)
        assert html.unescape(re.sub(r"</?span[^>]*>", "", shown)) == text


def test_what_is_long_stays_plain() -> None:
    assert "<" not in coloured("a: 1\n" * MOST, "yaml")
