"""What every template keeps to: words can be translated, and components are named once."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from jinja2 import nodes

from harbor.core import html
from tests import messages
from tests.messages import ENGLISH_ONLY

pytestmark = pytest.mark.once

TEMPLATES = html.environment().list_templates(extensions=["html"])
SPOKEN = re.compile(r'\b(?:title|aria-label|placeholder|alt|data-copied)="([^"]*)"')
UNREAD = re.compile(r"<(code|kbd|script)\b.*?</\1>", re.DOTALL)
NAMES = {"Harbor", "Harbor · Harbor", "Python", "Apache-2.0", "B", "KiB", "MiB", "GiB", "TiB"}
ATTRIBUTES = {
    "kind",
    "pattern",
    "autocomplete",
    "value",
    "unit",
    "hx_trigger",
    "hx_include",
    "hx_target",
}
EXPRESSION = "\x00"
ENGLISH = re.compile(r"[A-Za-z]{2,}|\b[A-Z]\b")


def without_jinja(source: str) -> str:
    """The template with a placeholder for every expression, and without statements."""
    parts, inside = [], False
    for _line, kind, text in html.environment().lex(source):
        if kind == "variable_begin":
            inside = True
            parts.append(EXPRESSION)
        elif kind == "variable_end":
            inside = False
        elif kind == "data" and not inside:
            parts.append(text)
    return "".join(parts)


def bare_words(template: str) -> list[str]:
    """The words that stand in the template as they are, and would never be translated."""
    source = (html.STATIC.parent / template).read_text("utf-8")
    tree = html.environment().parse(source)
    written = unescape(UNREAD.sub("", without_jinja(source)))
    between = re.findall(r">([^<>]*)<", written)
    found = [text for text in between if '="' not in text]  # macros of attributes are no text
    found += SPOKEN.findall(written)
    for block in tree.find_all(nodes.Block):
        if block.name in ("title", "lead"):
            found += [data.data for data in block.find_all(nodes.TemplateData)]
    spoken = [part.strip(" ·\n") for text in found for part in text.split(EXPRESSION)]
    spoken += arguments(tree)
    return [words for words in spoken if ENGLISH.search(words) and words not in NAMES]


def arguments(tree: nodes.Template) -> Iterator[str]:
    """The texts that components are given as they are: with a capital or a space."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Getattr) and getattr(call.node.node, "name", "") == "ui":
            named = [each.value for each in call.kwargs if each.key not in ATTRIBUTES]
            for given in [*call.args, *named]:
                yield from (text for text in plain(given) if re.match(r"[A-Z]|\w+ \w", text))


def plain(node: nodes.Node) -> Iterator[str]:
    """The constant texts in an expression, but for those that are translated."""
    if isinstance(node, nodes.Call):
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, nodes.Tuple | nodes.List | nodes.CondExpr | nodes.Concat):
        for child in node.iter_child_nodes():
            yield from plain(child)


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name not in ENGLISH_ONLY])
def test_every_word_can_be_translated(template: str) -> None:
    assert bare_words(template) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p title="Hello there">{{ x }}</p>', ["Hello there"]),
        ("{% block title %}Signs of life{% endblock %}", ["Signs of life"]),
        ('{{ ui.button("Save") }}', ["Save"]),
        ('{{ ui.tabs((("/a", "Members of it", true),)) }}', ["Members of it"]),
        ('<p>{{ _("Hello") }}</p>{{ ui.button(_("Save"), "primary", icon_name="save") }}', []),
    ],
)
def test_the_search_for_words_finds_them(
    source: str,
    found: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "x.html").write_text(source)
    monkeypatch.setattr(html, "STATIC", folder / "static")
    assert bare_words("x.html") == found


@pytest.mark.parametrize("template", TEMPLATES)
def test_pictures_exist(template: str) -> None:
    source = (html.STATIC.parent / template).read_text("utf-8")
    named = re.findall(r"""\bicon\("([\w-]+)\"""", source)
    assert set(named) <= html.icons()


def test_every_component_is_described() -> None:
    told = (html.STATIC.parent / "parts" / "README.md").read_text("utf-8")
    shown = (html.STATIC.parent / "portal" / "gallery.html").read_text("utf-8")
    for template in filter(html.is_part, TEMPLATES):
        if template == "parts/menus.html":  # most of it is the frame
            continue
        macros = html.environment().parse((html.STATIC.parent / template).read_text("utf-8"))
        for macro in macros.find_all(nodes.Macro):
            if not macro.name.startswith("_"):
                assert re.search(rf"\b{macro.name}\b", told + shown), macro.name


def test_texts_of_pages_are_found() -> None:
    assert {"Sign in", "Projects", "Nothing here"} <= messages.found()
