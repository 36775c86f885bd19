"""JSON and parameters, as Harbor's clients write and expect them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Meta, Struct
from starlette.datastructures import URL

from harbor.core.complaints import unfit
from harbor.core.errors import BadRequest, Unprocessable
from harbor.core.i18n import Phrase
from harbor.core.oci import shown

T = TypeVar("T")
JSON = "application/json; charset=utf-8"
MAX_ID = 2**31 - 1
PageNumber = Annotated[int, Meta(ge=1, le=MAX_ID)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
Id = Annotated[int, Meta(ge=0, le=MAX_ID)]


class Paging(Struct, kw_only=True):
    """Which part of a list."""

    page: PageNumber = 1
    page_size: PageSize = 10

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


class Time:
    """A moment as Harbor writes it: RFC 3339, milliseconds, ``Z``."""

    __slots__ = ("moment",)

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __str__(self) -> str:
        utc = self.moment if self.moment.tzinfo is UTC else self.moment.astimezone(UTC)
        return f"{utc.isoformat(timespec='milliseconds')[:23]}Z"  # a page may have thousands


def to_plain(value: object) -> str:
    if isinstance(value, Time):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def from_row(kind: type, value: object) -> object:
    if kind is Time and isinstance(value, datetime):
        return Time(value)
    raise TypeError(f"{type(value).__name__} is no {kind.__name__}")


def schema_of(kind: type) -> dict[str, str]:
    """The schema of a type that msgspec does not know."""
    if kind is Time:
        return {"type": "string", "format": "date-time"}
    if kind is object:
        return {"description": "anything"}
    if issubclass(kind, str):
        return {"type": "string"}
    raise TypeError(f"no schema for {kind.__name__}")


encoder = msgspec.json.Encoder(enc_hook=to_plain)
encode = encoder.encode


def show(kind: type[T], row: object) -> T:
    """A table row as the schema that has the same field names."""
    return msgspec.convert(row, kind, from_attributes=True, dec_hook=from_row)


def decode(raw: bytes, kind: Any) -> Any:
    """A JSON body; 400 if it is no JSON, 422 if it is of another shape, naming the field."""
    if b"\\u0000" in raw:
        raise Unprocessable(Phrase("%(where)s: a null character", where="body"))
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Unprocessable(unfit("body", error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"bad request: the body is no JSON: {error}") from error


def parameters(pairs: Iterable[tuple[str, str]], kind: Any) -> Any:
    """A query string as a struct; 422 names what does not fit.

    Of a name that comes twice the last value counts, unless the struct has a list there.
    """
    given: dict[str, str | list[str]] = {}
    for name, value in pairs:
        refuse_null(value, f"query: {shown(name)}")
        if name in lists_of(kind):
            held = given.setdefault(name, [])
            assert isinstance(held, list)
            held.append(value)
        else:
            given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Unprocessable(unfit("query", error)) from error


@cache
def lists_of(kind: Any) -> frozenset[str]:
    """The fields of a struct that hold a list."""
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return frozenset()
    named = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    bare = {n: get_args(t)[0] if get_origin(t) is Annotated else t for n, t in named.items()}
    return frozenset(name for name, hint in bare.items() if get_origin(hint) is list)


def form(raw: bytes, kind: Any) -> Any:
    """The fields of a form as a struct; 422 names errors."""
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1_000)
    except ValueError as error:  # no UTF-8, too many fields
        raise BadRequest(Phrase("bad request: the body is no form: %(why)s", why=error)) from error
    return parameters(fields, kind)


def parameter(text: str, kind: Any) -> Any:
    """One path parameter."""
    refuse_null(text, "path")
    try:
        return msgspec.convert(text, kind, strict=False, dec_hook=lambda kind, text: kind(text))
    except msgspec.ValidationError as error:
        raise Unprocessable(unfit("path", error)) from error


def refuse_null(text: str, where: str) -> None:
    """No text of ours holds a null character, and PostgreSQL cannot even be asked for one."""
    if "\0" in text:
        raise Unprocessable(Phrase("%(where)s: a null character", where=where))


def links(url: URL, total: int) -> dict[str, str]:
    """The ``Link`` header of a list, relative to the host; none where there is one page only."""
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    page, size = (
        msgspec.convert(query.get(name, otherwise), int, strict=False)  # as in parameters()
        for name, otherwise in (("page", 1), ("page_size", 10))
    )
    found = []
    for rel, number, there in (
        ("prev", page - 1, page > 1 and (page - 1) * size < total),
        ("next", page + 1, page * size < total),
    ):
        if there:
            asked = urlencode(query | {"page": number, "page_size": size})
            found.append(f'<{url.path}?{asked}>; rel="{rel}"')
    return {"Link": " , ".join(found)} if found else {}
