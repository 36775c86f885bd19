"""What is said: charts as Helm describes them, and the answers of the API of charts.

Source: Helm 3 pkg/chart/metadata.go and pkg/repo/index.go; Harbor 1.10 src/chartserver; ChartMuseum
0.13 API. Helm refuses a whole index for one field of another type, so these types are strict.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Raw, Struct, field

from harbor.labels.schemas import Label


def empty() -> str:
    """For a text that is said although it is empty."""
    return ""


class Maintainer(Struct, omit_defaults=True):
    name: str = ""
    email: str = ""
    url: str = ""


class Dependency(Struct, omit_defaults=True, rename={"import_values": "import-values"}):
    """A chart that another one needs."""

    name: str
    version: str = ""
    repository: str = field(default_factory=empty)
    condition: str = ""
    tags: list[str] = field(default_factory=list)
    enabled: bool = False
    import_values: list[Any] = field(default_factory=list)
    alias: str = ""


class Metadata(Struct, omit_defaults=True, rename="camel", kw_only=True):
    """Chart.yaml, its fields in Helm's order."""

    name: str = ""
    home: str = ""
    sources: list[str] = field(default_factory=list)
    version: str = ""
    description: str = ""
    keywords: list[str] = field(default_factory=list)
    maintainers: list[Maintainer] = field(default_factory=list)
    icon: str = ""
    api_version: str = ""
    condition: str = ""
    tags: str = ""
    app_version: str = ""
    deprecated: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    kube_version: str = ""
    dependencies: list[Dependency] = field(default_factory=list)
    type: str = ""


class Entry(Metadata, kw_only=True):
    """A version in an index: what Chart.yaml says, where the archive is, and since when."""

    urls: list[str]
    created: str
    digest: str = ""  # SHA-256 of the archive, in hexadecimal


class Listed(Struct, frozen=True):
    """A version that an index lists, ready to be written into one."""

    version: str
    artifact_id: int
    created: str
    key: Any  # what sorts versions
    raw: bytes  # an ``Entry`` as JSON, its address relative to the project


class ChartInfo(Struct):
    """A chart, summed up."""

    name: str
    total_versions: int
    latest_version: str
    created: str  # when the first of the versions came that are here
    updated: str
    icon: str
    home: str
    deprecated: bool


class Signature(Struct):
    signed: bool
    prov_file: str


class Security(Struct):
    signature: Signature


class ChartDetails(Struct):
    """A version, and what is in its archive."""

    metadata: Raw
    dependencies: Sequence[Dependency]
    values: Raw  # of values.yaml, with keys like "image.tag"
    files: dict[str, str]  # README.md and values.yaml
    security: Security
    labels: Sequence[Label]


class Saved(Struct):
    saved: bool


class Deleted(Struct):
    deleted: bool


class Health(Struct):
    healthy: bool


class UploadQuery(Struct):
    """With *force*, whatever its value, an upload takes the place of what is there."""

    force: str | None = None


class Archive(Struct, frozen=True):
    """Where the archive of a version is, and what a download of it counts as."""

    repository: str  # with its project
    repository_id: int
    artifact_id: int
    tag: str
    content: bytes  # the manifest
