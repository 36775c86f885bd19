"""What the pages of every room are made of: grids, answers to forms, addresses, preferences.

How to use it is in ``templates/parts/README.md``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harbor.core.errors import HarborError
from harbor.core.i18n import gettext as _
from harbor.core.query import Listing
from harbor.core.wire import PageSize

SIZES = (15, 25, 50, 100)
YEAR_S = 365 * 24 * 3600
SAID = "harbor-said"  # a cookie: what the next page is to say
MAX_SAID = 1_000  # characters
T = TypeVar("T", bound="Listed")


class Listed(Listing, kw_only=True):
    """What the address of a page with a grid says; a page's own struct adds its own fields."""

    page_size: PageSize = 15
    by: str = ""  # the attribute that the filter box looks at
    text: str = ""  # what it shall contain


@dataclass(frozen=True)
class Column:
    """One column of a grid; ``title`` is English, marked by ``later``."""

    title: str
    sort: str = ""  # the key of ``sort=``; without one nobody can sort by it
    key: str = ""  # its name among the columns that can be hidden; "" always stays
    hidden: bool = False  # until the reader asks for it
    numeric: bool = False
    narrow: bool = False  # as wide as its content and no wider


@dataclass(frozen=True)
class Filter:
    """An attribute that the filter box can look at."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...] = ()  # (value, title): a list to choose from, no box
    exact: bool = False


@dataclass(frozen=True)
class Batch:
    """Something to do with the selected rows: a dialog, or a page, asked with their ``id``."""

    path: str
    title: str
    icon: str = ""
    danger: bool = False
    exactly: int = 0  # the number of rows that it takes; 0: any
    is_page: bool = False


@dataclass(frozen=True)
class Grid:
    """A list as a page shows it; its state is in the address, so that Back finds it again."""

    name: str  # tells grids apart: in ids, and in what a browser remembers
    path: str
    asked: Listed
    total: int
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    batch: Sequence[Batch] = ()
    query: Mapping[str, str] = field(default_factory=dict)  # the whole of the address
    hidden: frozenset[str] = frozenset()

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.asked.page_size))

    @property
    def first(self) -> int:
        """The number of the first row on this page; 0 if there is none."""
        return self.asked.offset + 1 if self.asked.offset < self.total else 0

    @property
    def last(self) -> int:
        return min(self.asked.offset + self.asked.page_size, self.total)

    @property
    def filtered(self) -> bool:
        own = set(self.query) - {"page", "page_size", "sort", "by", "view"}
        return any(self.query[name] for name in own)

    @property
    def chosen(self) -> Filter | None:
        """The filter in use, or the first."""
        named = [each for each in self.filters if each.key == self.asked.by]
        return next(iter(named or self.filters), None)

    @cached_property
    def cells(self) -> list[Markup]:
        """How a cell of each column begins; a page has hundreds."""
        begun = Markup('<td class="c-{}{}{}"')
        titled = Markup(' data-title="{}"')
        return [
            begun.format(at, " numeric" * column.numeric, " narrow" * column.narrow)
            + (titled.format(_(column.title)) if column.title else "")
            + Markup(">")
            for at, column in enumerate(self.columns, start=1)
        ]

    @property
    def hideable(self) -> list[tuple[int, Column]]:
        """The columns that may be hidden, each with its place, from 1."""
        numbered = enumerate(self.columns, start=1)
        return [(at, column) for at, column in numbered if column.key]

    @property
    def hide(self) -> str:
        """The places of the hidden columns, from 1, parted by spaces; selection is no column."""
        return " ".join(str(at) for at, column in self.hideable if column.key in self.hidden)

    def shows(self, column: Column) -> bool:
        return column.key not in self.hidden

    def at(self, **changes: object) -> str:
        """The address of this grid with other parameters; an empty one is left out."""
        query = dict(self.query) | {name: str(value) for name, value in changes.items()}
        kept = {name: value for name, value in query.items() if value and (name, value) != FIRST}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @property
    def plain(self) -> str:
        """The address without a filter."""
        kept = {n: v for n, v in self.query.items() if n in ("page_size", "sort")}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def sorted_by(self, column: Column) -> str:
        """``ascending``, ``descending`` or ``none``, as ``aria-sort`` says it."""
        key = self.asked.sort.partition(",")[0].strip()
        if not column.sort or key.removeprefix("-") != column.sort:
            return "none"
        return "descending" if key.startswith("-") else "ascending"

    def sort_url(self, column: Column) -> str:
        """Where a click on the column's title leads: up, then down, then as it was."""
        then = {"none": column.sort, "ascending": f"-{column.sort}", "descending": ""}
        return self.at(sort=then[self.sorted_by(column)], page=1)


FIRST = ("page", "1")


def remembered(request: Request, name: str, asked: T) -> T:
    """*asked* with the page size that this browser chose for the grid, unless the address has one.

    What the filter box says becomes part of ``q``; a comma would end it there.
    """
    size = choices(request, name).get("size", "")
    if "page_size" not in request.query_params and size in map(str, SIZES):
        asked = msgspec.structs.replace(asked, page_size=int(size))
    return asked


def filter_q(asked: Listed, filters: Sequence[Filter]) -> str:
    """``q`` with what the filter box says, for a service that takes ``q``."""
    chosen = next((each for each in filters if each.key == asked.by), None) or filters[0]
    text = quote(asked.text.partition(",")[0].strip())
    if not text:
        return asked.q
    part = f"{chosen.key}={'' if chosen.choices or chosen.exact else '~'}{text}"
    return f"{asked.q},{part}" if asked.q else part


def grid(  # noqa: PLR0913  the parts of a grid
    request: Request,
    name: str,
    asked: Listed,
    total: int,
    columns: Sequence[Column],
    *,
    filters: Sequence[Filter] = (),
    batch: Sequence[Batch] = (),
) -> Grid:
    """The grid that a page shows, with what this browser remembers of it."""
    told = choices(request, name).get("hide")
    by_default = [column.key for column in columns if column.hidden]
    hidden = by_default if told is None else told.split(".")
    return Grid(
        name=name,
        path=request.url.path,
        asked=asked,
        total=total,
        columns=columns,
        filters=filters,
        batch=batch,
        query=dict(request.query_params),
        hidden=frozenset(hidden) - {""},
    )


def choices(request: Request, name: str) -> dict[str, str]:
    """What this browser remembers of the grid *name*: ``size``, and ``hide``, keys with dots."""
    kept = request.cookies.get(f"harbor-grid-{name}", "")
    return dict(parse_qsl(kept, keep_blank_values=True))


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, which puts the answer into a page that is there already."""
    return request.headers.get("HX-Request") == "true"


def wants_dialog(request: Request) -> bool:
    """Whether the answer is to stand in the dialog of the page."""
    return is_fragment(request) and request.headers.get("HX-Target") == "dialog"


def own_path(text: str, otherwise: str = "/harbor/projects") -> str:
    """*text* if it is a path on this server, with its query; nobody is sent anywhere else."""
    parts = urlsplit(text) if text.isprintable() else None
    local = (
        parts is not None
        and not parts.scheme
        and not parts.netloc
        and text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and "\\" not in text
    )
    return text if local else otherwise


def done(
    request: Request,
    path: str,
    said: str = "",
    *,
    link: tuple[str, str] | None = None,
    stays: bool = False,
) -> Response:
    """The answer to a form that did what it should: go to *path*, and say so.

    *link* is an address and its text, shown with that where scripts run and the page stays.

    With htmx the page stays where it is if it is that path; its content is read anew. What changed
    nothing of any page *stays* on whichever it was asked for.
    """
    if is_fragment(request):
        shown = {"to": "" if stays else path, "said": said} | ({"link": link} if link else {})
        told = json.dumps({"harbor:done": shown})
        return Response(status_code=204, headers={"HX-Trigger": told})
    answer = RedirectResponse(path, 303)
    if said:
        answer.set_cookie(SAID, quote(said[:MAX_SAID]), max_age=60, samesite="lax")
    return answer


@contextmanager
def at_field(name: str) -> Iterator[None]:
    """Let what goes wrong inside be said at that field of the form, and not above all of them."""
    try:
        yield
    except HarborError as error:
        error.field = name
        raise


def remember(answer: Response, name: str, value: str, *, secure: bool) -> None:
    """Keep a preference in this browser for a year; an empty one is forgotten."""
    if value:
        answer.set_cookie(name, value, max_age=YEAR_S, samesite="lax", secure=secure)
    else:
        answer.delete_cookie(name, samesite="lax")


@dataclass(frozen=True)
class Confirm:
    """What ``confirm.html`` shows: a question before something cannot be undone."""

    title: str
    action: str  # where the answer is sent
    submit: str
    text: str = ""
    names: Sequence[str] = ()  # of what it is about
    fields: Sequence[tuple[str, str]] = ()  # sent along, as ("id", "7")
    note: str = ""  # what it brings
    danger: bool = True
    type_name: str = ""  # what must be typed first

    @property
    def typed_pattern(self) -> str:
        return re.escape(self.type_name)
