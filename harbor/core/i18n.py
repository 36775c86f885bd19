"""Languages: texts from catalogues, and moments, numbers and sizes as the reader writes them.

English is the source. ``templates/locale/<code>/messages.po`` holds the rest; ``make messages``
keeps them complete. Babel is loaded when the first page is shown, not when the server starts.
"""

import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from datetime import date as Date  # noqa: N812, a name that is taken by what shows it
from datetime import time as Time  # noqa: N812
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from typing import TYPE_CHECKING, Literal, NewType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from harbor.core import clock, shipped

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

Code = NewType("Code", str)  # as Harbor's portal keeps it: "zh-cn"
SOURCE = Code("en-us")
LANGUAGES = {
    SOURCE: "English",
    Code("zh-cn"): "中文简体",
    Code("zh-tw"): "中文繁體",
    Code("ko-kr"): "한국어",
    Code("es-es"): "Español",
    Code("fr-fr"): "Français",
    Code("pt-br"): "Português do Brasil",
    Code("tr-tr"): "Türkçe",
    Code("de-de"): "Deutsch",
    Code("ru-ru"): "Русский",
}
TRADITIONAL = re.compile(r"zh-(tw|hk|mo|hant)", re.IGNORECASE)
ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
TRANSLATED = re.compile(r'^msgstr(?:\[0\])? "(?:[^"]|"\n")', re.MULTILINE)
Span = Literal["day", "hour", "minute", "second"]
SPANS: tuple[tuple[Span, int], ...] = (
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)
KIB = 1024
THOUSAND = 1000
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Reader(Struct, frozen=True):
    """For whom a page is written."""

    language: Code = SOURCE
    iso: bool = False  # dates as 2006-01-02 15:04:05
    zone: tzinfo = UTC

    @property
    def locale(self) -> "Locale":
        """As Babel knows it; of a name it would look for it each time."""
        return known_locale(self.language)


ANYBODY = Reader()
reader: ContextVar[Reader] = ContextVar("reader", default=ANYBODY)


def reader_of(cookies: Mapping[str, str], accepted: str) -> Reader:
    """The reader as the cookies of the portal say, or else the header ``Accept-Language``."""
    told = Code(cookies.get("harbor-lang", ""))
    language = told if told in offered() else preferred(accepted)
    return Reader(language, cookies.get("harbor-dates") == "iso", zone_of(cookies))


def zone_of(cookies: Mapping[str, str]) -> tzinfo:
    name = cookies.get("harbor-zone", "")
    return zone_named(name) if ZONE.fullmatch(name) else UTC


@cache
def known_locale(code: Code) -> "Locale":
    from babel import Locale  # noqa: PLC0415

    return Locale.parse(code, sep="-")


@cache
def known_zone(name: str) -> tzinfo:
    return ZoneInfo(name)


def zone_named(name: str) -> tzinfo:
    """The time zone of that name, UTC if this machine knows none."""
    try:
        return known_zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def preferred(accepted: str) -> Code:
    """The first of the languages on offer that the header asks for."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.strip().lower()))
        except ValueError:
            continue
    for _, name in sorted(wanted, key=lambda pair: pair[0]):
        found = matching(name)
        if found:
            return found
    return SOURCE


def matching(name: str) -> Code | None:
    """The language on offer that serves readers of *name*, a tag of BCP 47."""
    if name.startswith("zh"):
        code = Code("zh-tw" if TRADITIONAL.match(name) else "zh-cn")
        return code if code in offered() else None
    head = name.partition("-")[0]
    return next((code for code in offered() if code.partition("-")[0] == head), None)


@cache
def offered() -> dict[Code, str]:
    """The languages that somebody has translated texts into, with their own names."""
    return {code: name for code, name in LANGUAGES.items() if code == SOURCE or translated(code)}


def translated(code: Code) -> bool:
    path = shipped.folder("templates") / "locale" / code / "messages.po"
    if not path.is_file():
        return False
    _header, _, entries = path.read_text("utf-8").partition("\n\n")
    return bool(TRANSLATED.search(entries))


@cache
def catalogue(code: Code) -> NullTranslations:
    """The texts of a language; English where it has none."""
    if code == SOURCE:
        return NullTranslations()
    from babel.messages import mofile, pofile  # noqa: PLC0415  only when a page needs it

    path = shipped.folder("templates") / "locale" / code / "messages.po"
    with path.open("rb") as file:
        parsed = pofile.read_po(file)
    compiled = BytesIO()
    mofile.write_mo(compiled, parsed)
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(text: str) -> str:
    """*text* in the reader's language."""
    return catalogue(reader.get().language).gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """*one* or *many* in the reader's language, which may have more forms."""
    return catalogue(reader.get().language).ngettext(one, many, n)


def later(text: str) -> str:
    """*text* as it is: marks what is translated where it is shown, as the titles of columns."""
    return text


_ = gettext


class Phrase(str):
    """A text in English that a page can say in its reader's language, with its values: what pages
    and the API do alike says what is wrong once, and the API stays English.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, /, **values: object) -> "Phrase":
        self = super().__new__(cls, pattern % values)
        self.pattern, self.values = pattern, values
        return self

    def kept(self) -> str:
        """As it is kept where it is told much later; ``Phrase.of`` is the way back."""
        return json.dumps([self.pattern, {key: str(value) for key, value in self.values.items()}])

    @classmethod
    def of(cls, kept: str) -> "Phrase":
        pattern, values = json.loads(kept)
        return cls(pattern, **values)


def told(text: str) -> str:
    """*text* in the reader's language if it is a phrase, and as it is if it is none."""
    if not isinstance(text, Phrase):
        return text
    return gettext(text.pattern) % {key: said(value) for key, value in text.values.items()}


def said(value: object) -> object:
    """A value of a phrase, which may be one itself."""
    return told(value) if isinstance(value, Phrase) else value


def moment(value: datetime, *, seconds: bool = False) -> str:
    """Date and time in the reader's zone."""
    who = reader.get()
    local = value.astimezone(who.zone)
    if who.iso:
        return local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    second = local.second if seconds else None
    return f"{date(local.date())} {time_of_day(local.hour, local.minute, second, who.language)}"


@lru_cache(maxsize=4096)  # a page has hundreds, and is read again and again
def time_of_day(hour: int, minute: int, second: int | None, language: Code) -> str:
    """The time as readers of *language* write it; without seconds if there is none."""
    from babel import dates  # noqa: PLC0415

    shape = "short" if second is None else "medium"
    return str(
        dates.format_time(Time(hour, minute, second or 0), shape, locale=known_locale(language))
    )


def day(value: datetime) -> str:
    """The date alone."""
    return date(value.astimezone(reader.get().zone).date())


def date(value: Date) -> str:
    """A day that is one wherever the reader is."""
    who = reader.get()
    return value.isoformat() if who.iso else date_in(value, who.language)


@lru_cache(maxsize=1024)
def date_in(value: Date, language: Code) -> str:
    from babel import dates  # noqa: PLC0415

    return str(dates.format_date(value, "medium", locale=known_locale(language)))


def ago(value: datetime) -> str:
    """How long before or after now: "3 minutes ago", "in 2 days"."""
    from babel import dates  # noqa: PLC0415

    return str(
        dates.format_timedelta(value - clock.now(), add_direction=True, locale=reader.get().locale)
    )


def duration(seconds: float) -> str:
    """A span of time in its two largest units: "2 min 5 s"."""
    from babel import dates  # noqa: PLC0415

    whole = round(seconds)
    at = next((n for n, (_unit, length) in enumerate(SPANS) if whole >= length), len(SPANS) - 1)
    parts: list[tuple[Span, int]] = []
    for unit, length in SPANS[at : at + 2]:
        count, whole = divmod(whole, length)
        if count or not parts:
            parts.append((unit, count * length))
    locale = reader.get().locale
    return " ".join(
        dates.format_timedelta(
            length, granularity=unit, threshold=10**9, format="narrow", locale=locale
        )
        for unit, length in parts
    )


def number(value: float) -> str:
    """With the reader's separators."""
    return number_in(value, reader.get().language)


@lru_cache(maxsize=4096)
def number_in(value: float, language: Code) -> str:
    from babel import numbers  # noqa: PLC0415

    return str(numbers.format_decimal(value, locale=known_locale(language)))


def short_number(value: int) -> str:
    """At most four characters or so: 950, 12K, 3.4M."""
    from babel import numbers  # noqa: PLC0415

    digits = 1 if value >= THOUSAND else 0
    return str(
        numbers.format_compact_decimal(value, fraction_digits=digits, locale=reader.get().locale)
    )


def size(nbytes: int) -> str:
    """Bytes in the unit that keeps the number short; with one digit after the point below 10."""
    return size_in(nbytes, reader.get().language)


@lru_cache(maxsize=4096)
def size_in(nbytes: int, language: Code) -> str:
    amount, unit = float(nbytes), UNITS[0]
    for unit in UNITS:
        if abs(amount) < KIB or unit == UNITS[-1]:
            break
        amount /= KIB
    shape = "0.#" if abs(amount) < 100 and unit != "B" else "0"  # noqa: PLR2004
    return f"{known_shape(shape).apply(amount, known_locale(language))} {unit}"


@cache
def known_shape(shape: str) -> "NumberPattern":
    from babel import numbers  # noqa: PLC0415

    return numbers.parse_pattern(shape)
