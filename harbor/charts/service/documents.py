"""What is done: read YAML that anybody may have written, and describe a chart by it.

libyaml's composer descends by recursion in C, so what is nested deeply would end the process: the
events are looked at first. Aliases are refused, for a few of them make gigabytes.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import yaml

from harbor.charts.schemas import Dependency, Metadata
from harbor.charts.service.versions import is_version
from harbor.core.errors import BadRequest
from harbor.core.oci import NAME, shown

T = TypeVar("T")
MOST_READ = 256 * 1024  # bytes of one document
MAX_DEPTH = 64
OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
NULL, FLOAT, BOOL = (f"tag:yaml.org,2002:{name}" for name in ("null", "float", "bool"))
TRUE = "y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON"
FALSE = "n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
# What the library raises for tags like ``!!bool`` before other texts, too.
FAULTS = (yaml.YAMLError, ValueError, OverflowError, LookupError, TypeError, AttributeError)
KINDS = ("", "application", "library")
ALIAS = re.compile(r"[a-zA-Z0-9_-]*")
ESCAPED = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
ESCAPED |= {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}

YES = frozenset(TRUE.split("|"))


class Texts(yaml.CBaseLoader):
    """Scalars as texts, which is what Helm makes of them too."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        made = super().construct_mapping(node, deep=deep)
        if len(made) != len(node.value):
            raise yaml.YAMLError("a key comes twice")
        return made


def _float(_loader: Any, node: Any) -> str:
    """A number as Helm writes it: ``1.10`` without quotes is ``1.1``."""
    return repr(float(node.value)).removesuffix(".0")


Texts.add_implicit_resolver(NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Texts.add_implicit_resolver(
    FLOAT, re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{0,15}$"), list("-+0123456789")
)
Texts.add_implicit_resolver(BOOL, re.compile(rf"(?:{TRUE}|{FALSE})$"), list("yYtToOnNfF"))
Texts.add_constructor(BOOL, lambda loader, node: "true" if node.value in YES else "false")
Texts.add_constructor(NULL, lambda loader, node: None)
Texts.add_constructor(FLOAT, _float)


def load(raw: bytes, name: str, loader: type = Texts) -> Any:
    """What a document holds; ``BadRequest`` names it and says why it cannot be read."""
    if len(raw) > MOST_READ:
        raise BadRequest(f"{name} is larger than {MOST_READ} bytes")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode()
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CLoader):
            depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
            if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
                raise BadRequest(f"{name} has aliases, or is nested too deeply")
        return yaml.load(text, Loader=loader)  # noqa: S506, both loaders make plain data only
    except FAULTS as error:
        raise BadRequest(f"{name} is no YAML: {shown(str(error))}") from error


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
