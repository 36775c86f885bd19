"""What is done: show the layers of an artifact, and the steps of the build that made them."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Manifest
from harbor.artifacts.service import details
from harbor.artifacts.service.config import MOST, moment
from harbor.core import manifests
from harbor.core.errors import ManifestInvalid
from harbor.core.storage.interface import BlobMissing, Blobs
from harbor.core.wire import Time

MANY = 300  # layers, or steps, that a page shows
SHELL, NOTHING = "/bin/sh -c", "#(nop)"  # before what older builders did, and only noted
VERBS = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    "|STOPSIGNAL|USER|VOLUME|WORKDIR"
)


class Step(Struct):
    """An entry of the history in the config of an image."""

    created: object = None
    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class Built(Struct):
    history: list[Step] | None = None


class Layer(Struct, frozen=True):
    """A layer with the step that made it, or a step that made none."""

    number: int  # from 1; 0: no layer
    digest: str
    size: int
    media_type: str
    verb: str  # as a Dockerfile begins; "" if the step does not say
    command: str
    created: Time | None


class Layers(Struct, frozen=True):
    found: Sequence[Layer]
    count: int  # of layers
    size: int  # of all of them
    more: int  # that are not shown


async def content(session: AsyncSession, digest: str) -> bytes:
    """The bytes of a manifest that is here."""
    found = await session.scalar(select(Manifest.content).where(Manifest.digest == digest))
    assert found is not None
    return found


async def of(store: Blobs, media_type: str, raw: bytes) -> Layers:
    """The layers that a manifest names, each with what made it, if the config says so."""
    try:
        manifest = manifests.parse(media_type, raw)
    except ManifestInvalid:  # an older version took it
        return Layers((), 0, 0, 0)
    steps = await history(store, manifest)
    size = sum(layer.size for layer in manifest.layers)
    found = joined(manifest, steps)
    return Layers(found[:MANY], len(manifest.layers), size, max(0, len(found) - MANY))


async def history(store: Blobs, manifest: manifests.Manifest) -> list[Step]:
    """What the config says of the build; nothing, if it does not fit the layers."""
    if manifest.config is None:
        return []
    try:
        raw = await details.content(store, manifest.config)
        steps = msgspec.json.decode(raw or b"{}", type=Built).history or []
    except (BlobMissing, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    made = sum(not step.empty_layer for step in steps)
    return steps if made == len(manifest.layers) else []


def joined(manifest: manifests.Manifest, steps: Sequence[Step]) -> list[Layer]:
    layers = enumerate(manifest.layers, start=1)
    if not steps:
        return [
            Layer(n, each.digest, each.size, each.media_type, "", "", None) for n, each in layers
        ]
    found = []
    for step in steps:
        verb, command = instruction(step.created_by or step.comment)
        created = moment(step.created)
        if step.empty_layer:
            found.append(Layer(0, "", 0, "", verb, command, created))
        else:
            number, each = next(layers)
            made = Layer(number, each.digest, each.size, each.media_type, verb, command, created)
            found.append(made)
    return found


def instruction(said: str) -> tuple[str, str]:
    """What a builder says that it did, as a line of a Dockerfile: its first word, and the rest."""
    text = said.strip().removesuffix("# buildkit").strip()
    if text.startswith(SHELL):
        text = text[len(SHELL) :].strip()
        text = text[len(NOTHING) :].strip() if text.startswith(NOTHING) else f"RUN {text}"
    verb, _, rest = text.partition(" ")
    if not VERBS.fullmatch(verb):
        return "", text[:MOST]
    rest = rest.strip()
    return verb, (rest[len(SHELL) :].strip() if rest.startswith(SHELL) else rest)[:MOST]
