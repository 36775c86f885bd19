"""What is done: describe a chart by its documents, as Helm and the index of a repository do."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from harbor.charts.schemas import Dependency, Metadata
from harbor.charts.service.versions import is_version
from harbor.core.errors import BadRequest
from harbor.core.oci import NAME, shown

T = TypeVar("T")
KINDS = ("", "application", "library")
ALIAS = re.compile(r"[a-zA-Z0-9_-]*")
ESCAPED = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
ESCAPED |= {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}


def load(raw: bytes, name: str, *, typed: bool = False) -> Any:
    """What a document holds; ``BadRequest`` names it and says why it cannot be read."""
    from harbor.charts.service import reading  # noqa: PLC0415, its library takes a megabyte

    return reading.load(raw, name, typed=typed)


def converted(said: object, kind: Callable[..., T] | Any, name: str) -> T:
    if isinstance(said, dict):
        said = {key: value for key, value in said.items() if value is not None}
    try:
        made: T = msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{name}: {error}") from error
    return made


class Requirements(msgspec.Struct):
    """requirements.yaml, where the first form of charts has its dependencies."""

    dependencies: list[Dependency] | None = None


def described(chart: bytes, requirements: bytes | None) -> Metadata:
    """A chart by its Chart.yaml; ``BadRequest`` if Helm, or a registry, would not take it."""
    found: Metadata = converted(load(chart, "Chart.yaml"), Metadata, "Chart.yaml")
    found.api_version = found.api_version or "v1"
    if requirements is not None:
        more: Requirements = converted(
            load(requirements, "requirements.yaml"), Requirements, "requirements.yaml"
        )
        if more.dependencies is not None:
            found.dependencies = more.dependencies
    tidied = msgspec.convert(tidy(msgspec.to_builtins(found)), Metadata)
    check(tidied)
    return tidied


def tidy(value: Any) -> Any:
    """White space is spaces, and what cannot be printed is left out, as Helm does it."""
    if isinstance(value, dict):
        kept = ("annotations", "version", "apiVersion")
        return {key: each if key in kept else tidy(each) for key, each in value.items()}
    if isinstance(value, list):
        return [tidy(each) for each in value]
    if isinstance(value, str):
        return "".join(" " if c.isspace() else c for c in value if c.isprintable() or c.isspace())
    return value


def check(found: Metadata) -> None:
    if "/" in found.name or not NAME.fullmatch(found.name):
        raise BadRequest(f"Chart.yaml: the name {shown(found.name)} cannot be a repository's")
    if not is_version(found.version):
        raise BadRequest(f"Chart.yaml: the version {shown(found.version)} is not of SemVer 2")
    if found.type not in KINDS:
        raise BadRequest("Chart.yaml: the type must be application or library")
    for each in found.dependencies:
        if not ALIAS.fullmatch(each.alias):
            raise BadRequest(f"Chart.yaml: the alias {shown(each.alias)} cannot be a name")


def config_of(found: Metadata) -> bytes:
    """The config of the artifact, byte for byte as Helm writes it."""
    raw = msgspec.json.encode(found, order="deterministic")
    for plain, escaped in ESCAPED.items():
        raw = raw.replace(plain, escaped)
    return raw
