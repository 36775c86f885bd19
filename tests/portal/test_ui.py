"""What pages are made of: answers to forms, the filter box, lists in forms."""

import json
from typing import Any

import pytest
from msgspec import Struct, field
from starlette.requests import Request
from starlette.testclient import TestClient

from harbor.core import charts, ui, wire
from harbor.core.charts import Slice
from harbor.core.errors import Conflict, HarborError
from harbor.core.query import parse
from harbor.core.ui import Column, Filter, Listed
from harbor.portal import frame

FILTERS = (Filter("name", "Name"), Filter("role", "Role", (("1", "Admin"), ("2", "Guest"))))


def request(path: str = "/harbor/x", query: str = "", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
    return Request(scope | {"headers": raw, "server": ("testserver", 80), "scheme": "http"})


def test_a_form_that_worked_leads_on_and_says_so() -> None:
    answer = ui.done(request(), "/harbor/labels", "The label \u201cx\u201d was created.")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/harbor/labels")
    assert "harbor-said=The%20label%20%E2%80%9Cx%E2%80%9D" in answer.headers["set-cookie"]


def test_with_scripts_the_page_is_told_and_stays() -> None:
    answer = ui.done(request(hx_request="true"), "/harbor/labels", "\u5df2\u521b\u5efa")
    told = json.loads(answer.headers["HX-Trigger"])
    assert answer.status_code == 204
    assert told == {"harbor:done": {"to": "/harbor/labels", "said": "\u5df2\u521b\u5efa"}}


def test_what_goes_wrong_is_said_at_its_field() -> None:
    with pytest.raises(Conflict) as caught, ui.at_field("name"):
        raise Conflict("taken")
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("by", "text", "q"),
    [
        ("name", "", []),
        ("name", "app", [("name", "fuzzy", "app")]),
        ("", "app", [("name", "fuzzy", "app")]),
        ("role", "2", [("role", "exact", "2")]),
        ("name", "a,role=1", [("name", "fuzzy", "a")]),
        ("name", "100%+1", [("name", "fuzzy", "100%+1")]),
        ("name", "{x}", [("name", "fuzzy", "{x}")]),
        ("other", "x", [("name", "fuzzy", "x")]),
    ],
)
def test_the_filter_box_is_part_of_q(by: str, text: str, q: list[Any]) -> None:
    asked = Listed(by=by, text=text)
    found = [(m.key, m.form, m.text) for m in parse(ui.filter_q(asked, FILTERS))]
    assert found == q


def test_a_grid_without_rows_is_on_its_first_and_only_page() -> None:
    grid = ui.grid(request(), "x", Listed(), 0, (Column("Name", sort="name"),))
    assert (grid.first, grid.last, grid.pages) == (0, 0, 1)
    assert not grid.filtered


def test_a_page_behind_the_last_is_empty() -> None:
    grid = ui.grid(request(query="page=9"), "x", Listed(page=9), 3, (Column("Name"),))
    assert (grid.first, grid.last) == (0, 3)


class Chosen(Struct):
    id: list[int] = field(default_factory=list)
    name: str = ""


def test_a_form_may_send_lists() -> None:
    found = wire.form(b"id=1&id=2&name=a&name=b", Chosen)
    assert (found.id, found.name) == ([1, 2], "b")
    assert wire.form(b"", Chosen).id == []
    with pytest.raises(HarborError):
        wire.form(b"id=1&id=x", Chosen)


def test_slices_fill_the_whole() -> None:
    parts = charts.placed([Slice("a", 1), Slice("b", 0), Slice("c", 3)])
    assert [(p.slice.label, p.start, p.length) for p in parts] == [("a", 0, 25), ("c", 25, 75)]
    assert charts.placed([]) == []
    assert charts.arcs([Slice("all", 5)])[0].length == pytest.approx(charts.AROUND, abs=0.01)


def test_lines_begin_at_the_bottom() -> None:
    assert charts.line([0, 5, 10]) == "0.00,30.00 50.00,15.00 100.00,0.00"
    assert charts.line([0]) == "0.00,30.00"
    assert charts.area([]) == ""


@pytest.mark.parametrize(
    ("used", "limit", "level", "percent"),
    [
        (0, 10, "ok", 0),
        (8, 10, "near", 80),
        (9.5, 10, "full", 95),
        (20, 10, "full", 100),
        (5, -1, "open", 0),
        (5, 0, "open", 0),
    ],
)
def test_limits_have_levels(used: float, limit: float, level: str, percent: float) -> None:
    assert (charts.level(used, limit), charts.percent(used, limit)) == (level, percent)


def test_a_form_goes_back_to_the_page_it_stands_on(client: TestClient) -> None:
    asked = request("/harbor/x", hx_request="true", hx_current_url="http://evil.example//a/b?c=d")
    assert frame.here(asked) == "/harbor/projects"
