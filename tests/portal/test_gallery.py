"""The components, as the gallery shows them; the grid, as every list uses it."""

import re
from html import unescape

import pytest
from jinja2 import nodes
from starlette.testclient import TestClient

from harbor.core import colours, html
from tests.make import ADMIN

GALLERY = "/harbor/gallery"
DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


def shown(client: TestClient, query: str = "") -> str:
    answer = client.get(f"{GALLERY}{query}", auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.text


def names(text: str) -> list[str]:
    return re.findall(r'<a href="/harbor/projects/\d+">([\w-]+)</a>', text)


def links(text: str) -> dict[str, str]:
    """Where the named links of the grid lead."""
    return {
        label: unescape(url)
        for url, label in re.findall(
            r'<a class="[^"]*" href="([^"]*)"[^>]* aria-label="([^"]*)"', text
        )
    }


def test_the_gallery_shows_every_component() -> None:
    used = set()
    for template in ("gallery", "gallery_dialog"):
        used |= components(f"portal/{template}.html")
    for template in ("base", "confirm", "dialog", "document", "plain"):  # the frame has its own
        used |= components(f"{template}.html")
    for template in filter(html.is_part, html.environment().list_templates()):
        source = (html.STATIC.parent / template).read_text("utf-8")
        for macro in html.environment().parse(source).find_all(nodes.Macro):
            inside = source.count(f"{macro.name}(") > 1  # by another component
            assert macro.name in used or inside, macro.name


def components(template: str) -> set[str]:
    """The components that a template uses."""
    source = (html.STATIC.parent / template).read_text("utf-8")
    found = html.environment().parse(source).find_all(nodes.Getattr)
    return {each.attr for each in found if getattr(each.node, "name", "") == "ui"}


def test_a_component_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError):
        html.environment().globals["ui"].nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_dialog_has_a_name_for_every_field(client: TestClient) -> None:
    text = client.get(f"{GALLERY}/dialog", auth=ADMIN, headers=DIALOG).text
    ids = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 5
    labelled = set(re.findall(r'<label for="([^"]+)"', text))
    named = {i for i in ids if re.search(rf'id="{i}"[^>]*aria-label=', text)}
    assert set(ids) <= labelled | named


def test_every_hint_that_a_field_names_is_there(client: TestClient) -> None:
    text = client.get(f"{GALLERY}/dialog", auth=ADMIN, headers=DIALOG).text
    for described in re.findall(r'aria-describedby="([^"]+)"', text):
        for name in described.split():
            assert f'id="{name}"' in text


def test_a_question_names_what_it_is_about(client: TestClient) -> None:
    text = client.get(f"{GALLERY}/delete?id=2&id=4", auth=ADMIN, headers=DIALOG).text
    assert "<li>frontend</li><li>machine-learning</li>" in text
    assert text.count('type="hidden" name="id"') == 2
    assert 'name="typed"' not in text
    one = client.get(f"{GALLERY}/delete?id=4", auth=ADMIN, headers=DIALOG).text
    assert 'pattern="machine\\-learning"' in one


def test_a_list_has_pages(client: TestClient) -> None:
    first, second = shown(client), shown(client, "?page=2")
    assert "1 \u2013 15 of 17" in first
    assert "16 \u2013 17 of 17" in second
    assert len(names(first)) == 15
    assert not set(names(first)) & set(names(second))
    assert links(first)["Next page"] == f"{GALLERY}?page=2"
    assert links(second)["Previous page"] == GALLERY
    assert "Next page" not in links(second)


def test_the_address_keeps_what_was_chosen(client: TestClient) -> None:
    text = shown(client, "?page_size=50&sort=-name&by=owner&text=maria")
    assert links(text)["Refresh"] == f"{GALLERY}?page_size=50&sort=-name&by=owner&text=maria"
    assert 'name="text" value="maria"' in text
    assert '<option value="owner" selected>' in text


def test_titles_sort_up_then_down_then_not(client: TestClient) -> None:
    for sort, order, then in (
        ("", None, "?sort=name"),
        ("name", "ascending", "?sort=-name"),
        ("-name", "descending", ""),
    ):
        text = shown(client, f"?sort={sort}")
        found = re.search(r'class="c-1"(?: aria-sort="(\w+)")?><a href="([^"]*)"', text)
        assert found is not None
        assert found.groups() == (order, GALLERY + then)
    assert names(shown(client, "?sort=name"))[0] == "backend"


def test_a_filter_finds_and_says_when_it_does_not(client: TestClient) -> None:
    assert names(shown(client, "?text=front")) == ["frontend"]
    text = shown(client, "?text=nothing-like-it")
    assert "Nothing matches" in text
    assert f'href="{GALLERY}">Clear the filter' in text


def test_what_is_typed_is_no_markup(client: TestClient) -> None:
    text = shown(client, "?text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text


def test_the_size_of_a_page_is_remembered_but_the_address_counts(client: TestClient) -> None:
    client.cookies.set("harbor-grid-gallery", "size=50")
    assert len(names(shown(client))) == 17
    assert len(names(shown(client, "?page_size=15"))) == 15
    client.cookies.set("harbor-grid-gallery", "size=1000")
    assert len(names(shown(client))) == 15


def test_columns_can_be_hidden_and_shown(client: TestClient) -> None:
    assert 'class="grid-table stacked hide-4"' in shown(client)
    client.cookies.set("harbor-grid-gallery", "hide=access.created")
    assert 'class="grid-table stacked hide-2 hide-5"' in shown(client)
    client.cookies.set("harbor-grid-gallery", "hide=")
    assert 'class="grid-table stacked"' in shown(client)


@pytest.mark.parametrize("colour", colours.PALETTE)
def test_labels_can_be_read_on_every_colour(colour: str) -> None:
    assert colours.contrast(colour, colours.ink(colour)) >= 4.5


@pytest.mark.parametrize("colour", ["", "red", "#fff", '"><script>', "#GGGGGG"])
def test_a_colour_that_is_none_is_grey(colour: str) -> None:
    assert colours.valid(colour) == colours.PLAIN
