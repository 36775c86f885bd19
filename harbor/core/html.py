"""Pages: one strict Jinja environment over ``templates/``, and what every template may use.

A template shows one thing, ``page``, within another, ``frame``. Beside these it may use the names
of ``environment().globals``: ``ui`` holds the components (``templates/parts/README.md``).
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from harbor.core import charts, colours, i18n, shipped
from harbor.core.wire import Time

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = shipped.folder("templates") / "static"
FILES = {
    file.name: file for file in STATIC.rglob("*") if file.is_file() and file.suffix != ".LICENSE"
}
shown_frame: ContextVar[Any] = ContextVar("shown_frame")


class Components:
    """The macros of ``templates/parts/*.html`` under one name; read when a page is first shown."""

    def __init__(self) -> None:
        self._macros: dict[str, Any] = {}

    @property
    def loaded(self) -> bool:
        return bool(self._macros)

    def __getattr__(self, name: str) -> Any:
        self.load()
        if name not in self._macros:
            raise AttributeError(name)
        return self._macros[name]

    def load(self) -> None:
        """Read all of them; from then on each is an attribute like any other."""
        if self._macros:
            return
        found: dict[str, Any] = {}
        for template in environment().list_templates(filter_func=is_part):
            names = vars(environment().get_template(template).module)
            given = {name: macro for name, macro in names.items() if not name.startswith("_")}
            assert not given.keys() & found.keys(), f"{template} repeats a component"
            found |= given
        self._macros = found
        vars(self).update(found)


components = Components()


def is_part(template: str) -> bool:
    return template.startswith("parts/") and template.endswith(".html")


def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    return f"/static/{build()}/{FILES[name].name}"


@cache
def build() -> str:
    """What all static files are, in a few characters: they refer to each other."""
    digest = hashlib.sha256()
    for name in sorted(FILES):
        digest.update(name.encode() + FILES[name].read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1_000)  # a page has dozens of them
def icon(name: str, classes: str = "") -> Markup:
    """A picture beside words, or within something that is named; readers aloud skip it."""
    assert name in icons(), name
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        f"icon {classes}".strip(), asset("icons.svg"), name
    )


@cache
def icons() -> frozenset[str]:
    text = FILES["icons.svg"].read_text("utf-8")
    return frozenset(part.partition('"')[0] for part in text.split('<symbol id="')[1:])


def translated(text: str, /, **values: object) -> Markup:
    """``_`` of templates: *text*, a format, in the reader's language; values are escaped.

    That of Jinja's extension needs a context for it, and costs five times as much.
    """
    told = i18n.gettext(text)
    if values or "%" in told:
        told %= {name: escape(value) for name, value in values.items()}
    return Markup(told)  # noqa: S704, ours


def counted(one: str, many: str, num: int, /, **values: object) -> Markup:
    """``ngettext`` of templates: the same for a number, which is ``num`` in the format."""
    told = i18n.ngettext(one, many, num)
    given = {name: escape(value) for name, value in values.items()}
    return Markup(told % {"num": num, **given})  # noqa: S704, ours


def instant(value: datetime | Time) -> datetime:
    return value.moment if isinstance(value, Time) else value


def timestamp(shown: Callable[[datetime], str]) -> Callable[[datetime | Time | None], Markup]:
    """A filter: the moment as *shown* says, exactly when pointed at, a dash where there is none."""

    def apply(value: datetime | Time | None) -> Markup:
        if value is None:
            return Markup('<span class="none">&ndash;</span>')
        at = instant(value)
        exact, told = escape(i18n.moment(at, seconds=True)), escape(shown(at))
        return Markup(f'<time datetime="{Time(at)}" title="{exact}">{told}</time>')  # noqa: S704

    return apply


@cache
def environment() -> "Environment":
    """Jinja, made with the first page."""
    from jinja2 import FileSystemLoader, StrictUndefined  # noqa: PLC0415

    from harbor.core.jinja import Cell, Environment  # noqa: PLC0415

    made = Environment(
        loader=FileSystemLoader(shipped.folder("templates")),
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols", Cell],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        {"_": translated, "gettext": translated, "ngettext": counted},
        ui=components,
        asset=asset,
        icon=icon,
        charts=charts,
        colours=colours,
        offered_languages=i18n.offered,
        the_frame=shown_frame.get,
    )
    made.filters.update(
        moment=timestamp(i18n.moment),
        day=timestamp(i18n.day),
        ago=timestamp(i18n.ago),
        date=i18n.date,
        duration=i18n.duration,
        number=i18n.number,
        short_number=i18n.short_number,
        bytes=i18n.size,
    )
    return made


async def ready() -> None:
    """Load what every page needs, with the first one, beside the event loop."""
    if not components.loaded:
        await asyncio.to_thread(components.load)


def render(template: str, page: object, frame: object) -> str:
    """*template* shown with the two names it may use: ``page`` and ``frame``."""
    token = shown_frame.set(frame)
    try:
        return environment().get_template(template).render(page=page, frame=frame)
    finally:
        shown_frame.reset(token)


def media_type(path: Path) -> str:
    """The media type of a static file."""
    return {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }[path.suffix]
