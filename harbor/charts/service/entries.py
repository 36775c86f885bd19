"""What is done: find the charts among the artifacts, and word each as an entry of an index.

A chart is a repository; its versions are the tags that are versions. Who pushed one may have
written into its config what they liked: one that names another chart or version than repository
and tag is not listed, and what is not of the form that Helm reads is left out.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Integer, String, bindparam, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from harbor.artifacts.models import Artifact, ArtifactDetails, Manifest, Repository, Tag
from harbor.artifacts.service.details import CHART
from harbor.charts.schemas import Archive, Entry, Listed, Metadata
from harbor.charts.service.documents import ALIAS, KINDS
from harbor.charts.service.versions import file_of, key, parts_of, tag_of, version_of
from harbor.core.errors import NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import DIGEST, Digest, shown
from harbor.core.quick import Quick, among
from harbor.core.wire import Time

CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
OLD_CONTENT = "application/tar+gzip"  # as Helm pushed charts while that was an experiment
MOST_MANIFEST = 64 * 1024  # bytes; Helm's have a few hundred
MOST_ENTRY = 16 * 1024  # bytes of an entry; of a larger one only the name is told
MANY = 1000  # rows that are read at once
SOME = 100  # manifests
FOLDED = "%252F"  # a slash in the name of a chart, once more encoded than in a path


def raw(time: InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    """A time as the driver gives it, to be compared only: thousands are read at once."""
    return type_coerce(time, String)


HOLDING = (
    select(Artifact.repository_id, func.count().label("count"))
    .where(
        Artifact.project_id == bindparam("project_id"),
        Artifact.type == CHART,
        Artifact.repository_id > bindparam("last"),
    )
    .group_by(Artifact.repository_id)
    .order_by(Artifact.repository_id)
    .limit(bindparam("limit", type_=Integer))
    .subquery()
)
# Whatever changes the tags of a repository touches it too; not so who finds out, after an upgrade,
# what its artifacts are.
SIGNS = (
    select(Repository.repository_id, Repository.name, raw(Repository.update_time), HOLDING.c.count)
    .join(HOLDING, HOLDING.c.repository_id == Repository.repository_id)
    .order_by(Repository.repository_id)
)
VERSIONS = (
    select(Tag.name, Artifact.digest, raw(Tag.push_time))
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(
        Tag.repository_id == bindparam("repository_id"),
        Tag.name > bindparam("last"),
        Artifact.type == CHART,
    )
    .order_by(Tag.name)
    .limit(bindparam("limit", type_=Integer))
)
FACTS = (
    select(Tag.name, Tag.push_time, Artifact.id, Manifest.content, ArtifactDetails.extra_attrs)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .join(Manifest, Manifest.digest == Artifact.digest)
    .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
    .where(
        Tag.repository_id == bindparam("repository_id"),
        among(Tag.name, "tags"),
        Artifact.manifest_size <= MOST_MANIFEST,
    )
)
ARCHIVES = (
    select(
        Repository.name, Repository.repository_id, Artifact.id, Tag.name.label("tag"),
        Manifest.content,
    )
    .join(Tag, Tag.repository_id == Repository.repository_id)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .join(Manifest, Manifest.digest == Artifact.digest)
    .where(
        Repository.project_id == bindparam("project_id"),
        among(Repository.name, "names"),
        among(Tag.name, "tags"),
        Artifact.type == CHART,
    )
)  # fmt: skip


class Layer(Struct, rename="camel"):
    digest: str = ""
    media_type: str = ""


class Layered(Struct):
    """Of a manifest, what holds the archive and its signature."""

    layers: list[Layer] = []

    def of(self, *kinds: str) -> Digest | None:
        for layer in self.layers:
            if layer.media_type in kinds and DIGEST.fullmatch(layer.digest):
                return Digest(layer.digest)
        return None

    @property
    def archive(self) -> Digest | None:
        return self.of(CONTENT, OLD_CONTENT)

    @property
    def provenance(self) -> Digest | None:
        return self.of(PROVENANCE)


def layered(content: bytes) -> Layered:
    return msgspec.json.decode(content, type=Layered)


class Fact(Struct, frozen=True):
    """What is known of a version before it is worded."""

    chart: str  # with its folders in the project
    tag: str
    push_time: datetime
    artifact_id: int
    content: bytes
    said: str | None


def worded(fact: Fact, *, brief: bool = False) -> Listed | None:
    """The entry of a version; ``None`` if it is not listed. With *brief*, only what must be."""
    try:
        return entry_of(fact, brief)
    except (msgspec.MsgspecError, RecursionError):  # nested as deeply as can just be kept
        return None


def entry_of(fact: Fact, brief: bool) -> Listed | None:
    version, archive = version_of(fact.tag), layered(fact.content).archive
    found = metadata_of(fact.said)
    if version is None or archive is None or not fits(found, fact.chart, version):
        return None
    folder, _, name = fact.chart.rpartition("/")
    place = folder.replace("/", FOLDED) + "/" if folder else ""
    algorithm, _, digest = archive.partition(":")
    created = str(Time(fact.push_time))
    needed: dict[str, Any] = {
        "name": name,
        "version": version,
        "api_version": found.api_version or "v1",
        "urls": [f"charts/{place}{file_of(fact.chart, version)}"],
        "created": created,
        "digest": digest if algorithm == "sha256" else "",
    }
    more = {} if brief else msgspec.structs.asdict(found)
    raw = msgspec.json.encode(Entry(**more | needed))
    if len(raw) > MOST_ENTRY:
        raw = msgspec.json.encode(Entry(**needed))
    return Listed(version, fact.artifact_id, created, key(version), raw)


def metadata_of(said: str | None) -> Metadata:
    """What a config says, in so far as Helm could read it."""
    raw = (said or "{}").encode()
    try:
        found = msgspec.json.decode(raw, type=Metadata)
    except msgspec.ValidationError:
        return named_only(raw)
    aliases = all(ALIAS.fullmatch(each.alias) for each in found.dependencies)
    return found if found.type in KINDS and aliases else named_only(raw)


class Named(Struct):
    name: object = ""
    version: object = ""


def named_only(raw: bytes) -> Metadata:
    said = msgspec.json.decode(raw, type=Named)
    return Metadata(name=str(said.name), version=str(said.version))


def fits(found: Metadata, chart: str, version: str) -> bool:
    """Whether a config that names a chart names this one."""
    return found.name in ("", chart.rpartition("/")[2]) and found.version in ("", version)


async def archive(
    quick: Quick, project: str, project_id: int, filename: str, folder: str
) -> Archive:
    """The version whose archive, or its signature, has this name; ``NotFound``."""
    meant, _ = parts_of(filename)
    place = f"{project}/{folder}/" if folder else f"{project}/"
    wanted = [(place + name, tag_of(version)) for name, version in meant]
    if not wanted:
        raise missing(filename)
    rows = await quick.fetch(
        ARCHIVES,
        project_id=project_id,
        names=[name for name, _ in wanted],
        tags=[tag for _, tag in wanted],
    )
    found = {(row[0], row[3]): Archive(*row) for row in rows}
    for each in wanted:
        if each in found:
            return found[each]
    raise missing(filename)


def missing(name: str) -> NotFound:
    return NotFound(Phrase("chart %(name)s not found", name=shown(name)))
