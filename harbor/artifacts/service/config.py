"""What is done: tell what the config of an artifact says of it.

A config may say anything at all, so whatever is not as expected is left out, or shown as JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from harbor.artifacts.service.details import CHART, CNAI, IMAGE
from harbor.core.i18n import later
from harbor.core.wire import Time

MOST = 2_000  # characters of a value
MANY = 200  # entries of a list
WEB = re.compile(r"https?://", re.IGNORECASE)
# The titles are English, and translated where they are shown.
OF_IMAGE = {
    "author": later("Author"),
    "os": later("Operating system"),
    "architecture": later("Architecture"),
}
OF_CONFIG = {
    "User": later("User"),
    "WorkingDir": later("Working directory"),
    "Entrypoint": later("Entrypoint"),
    "Cmd": later("Command"),
    "ExposedPorts": later("Ports"),
    "Volumes": later("Volumes"),
    "StopSignal": later("Stop signal"),
}
OF_CHART = {
    "name": later("Name"),
    "version": later("Version"),
    "appVersion": later("App version"),
    "type": later("Kind"),
    "kubeVersion": later("Kubernetes version"),
    "deprecated": later("Deprecated"),
}
OF_MODEL = {
    "descriptor": {
        "name": later("Name"),
        "family": later("Family"),
        "title": later("Title"),
        "version": later("Version"),
        "vendor": later("Vendor"),
        "authors": later("Authors"),
        "licenses": later("Licenses"),
        "description": later("Description"),
        "sourceURL": later("Source"),
        "docURL": later("Documentation"),
        "createdAt": later("Created"),
    },
    "config": {
        "format": later("Format"),
        "architecture": later("Architecture"),
        "paramSize": later("Parameters"),
        "precision": later("Precision"),
        "quantization": later("Quantization"),
    },
}


class Dependency(Struct, frozen=True):
    """Another chart that a chart needs."""

    name: str
    version: str
    repository: str


class Link(Struct, frozen=True):
    """A place that a chart names; ``url`` is "" for what is no address of the web."""

    text: str
    url: str


class Told(Struct, frozen=True):
    """What an artifact says of itself."""

    created: Time | None
    name: str  # of a chart
    version: str
    facts: Sequence[tuple[str, str]]  # title and value
    environment: Sequence[tuple[str, str]]
    labels: Sequence[tuple[str, str]]
    maintainers: Sequence[str]
    dependencies: Sequence[Dependency]
    description: str = ""
    home: Sequence[Link] = ()
    sources: Sequence[Link] = ()
    keywords: Sequence[str] = ()


def told(type_: str, extra_attrs: str | None) -> Told:
    """What *extra_attrs*, a JSON object, says of an artifact of that type."""
    said = as_object(msgspec.json.decode(extra_attrs)) if extra_attrs else {}
    config = as_object(said.get("config"))
    if type_ == CHART:
        facts = named(said, OF_CHART)
    elif type_ == IMAGE:
        facts = [*named(said, OF_IMAGE), *named(config, OF_CONFIG)]
    elif type_ == CNAI:
        facts = of_model(said)
    else:
        facts = [(name, text) for name, value in said.items() if (text := text_of(value))]
    return Told(
        created=moment(said.get("created")) if type_ == IMAGE else None,
        name=text_of(said.get("name")),
        version=text_of(said.get("version")),
        facts=facts[:MANY],
        environment=sorted(pairs_of(config.get("Env"))),
        labels=sorted((name, text_of(v)) for name, v in first(as_object(config.get("Labels")))),
        maintainers=[*maintainers(said.get("maintainers"))] if type_ == CHART else [],
        dependencies=[*dependencies(said.get("dependencies"))] if type_ == CHART else [],
        description=text_of(said.get("description")) if type_ == CHART else "",
        home=links([said.get("home")]) if type_ == CHART else [],
        sources=links(said.get("sources")) if type_ == CHART else [],
        keywords=texts(said.get("keywords")) if type_ == CHART else [],
    )


def named(said: Mapping[str, object], titles: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(title, text) for name, title in titles.items() if (text := text_of(said.get(name)))]


def of_model(said: Mapping[str, object]) -> list[tuple[str, str]]:
    """What a model says of itself, and then whatever else its config holds."""
    told = [
        fact
        for part, titles in OF_MODEL.items()
        for fact in named(as_object(said.get(part)), titles)
    ]
    unknown = [
        (name, left)
        for name, value in said.items()
        if (left := text_of(without(value, OF_MODEL.get(name, {}))))
    ]
    return told + unknown


def without(value: object, known: Mapping[str, str]) -> object:
    """What is left of an object whose members of those names are told already."""
    if not known or not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if name not in known}


def text_of(value: object) -> str:
    """A value as text; "" for none."""
    if value in (None, "", [], {}):
        return ""
    match value:
        case str():
            text = value
        case dict() if not any(value.values()):  # ports and volumes are keys without values
            text = ", ".join(value)
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def as_object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return value[:MANY] if isinstance(value, list) else []


def first(value: Mapping[str, object]) -> list[tuple[str, object]]:
    return list(value.items())[:MANY]


def pairs_of(value: object) -> Iterator[tuple[str, str]]:
    """``NAME=value`` as two."""
    for each in as_list(value):
        name, _, text = text_of(each).partition("=")
        yield name, text


def maintainers(value: object) -> Iterator[str]:
    for each in map(as_object, as_list(value)):
        name, mail = text_of(each.get("name")), text_of(each.get("email"))
        if name or mail:
            yield f"{name} <{mail}>" if name and mail else name or mail


def texts(value: object) -> list[str]:
    return [text for each in as_list(value) if (text := text_of(each))]


def links(value: object) -> list[Link]:
    return [Link(text, text if WEB.match(text) else "") for text in texts(value)]


def dependencies(value: object) -> Iterator[Dependency]:
    for each in map(as_object, as_list(value)):
        said = [text_of(each.get(name)) for name in ("name", "version", "repository")]
        if said[0]:
            yield Dependency(*said)


def moment(value: object) -> Time | None:
    """A time of RFC 3339, with however many digits of a second; ``None`` for anything else."""
    try:
        found = msgspec.convert(value, datetime)
        return Time(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (msgspec.ValidationError, OverflowError):
        return None
