"""What is said: queries and lists of the OCI distribution API."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.manifests import OCI_INDEX


class UploadQuery(Struct, rename={"from_": "from"}):
    """How an upload begins: with a digest it is the whole blob, with mount it may need no bytes."""

    digest: str = ""
    mount: str = ""
    from_: str = ""


class FinishQuery(Struct):
    digest: str = ""


class ListQuery(Struct):
    """A part of a list: *n* names after *last*. Text, for ``n`` has its own error code."""

    n: str = ""
    last: Annotated[str, Meta(max_length=1024)] = ""


class ReferrersQuery(Struct, rename="camel"):
    artifact_type: Annotated[str, Meta(max_length=1024)] = ""


class Catalog(Struct):
    repositories: Sequence[str]


class TagList(Struct):
    name: str
    tags: Sequence[str]


class ReferrerDescriptor(Struct, rename="camel", omit_defaults=True):
    media_type: str
    digest: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str] | None = None


class Referrers(Struct, rename="camel"):
    """An OCI index."""

    manifests: list[ReferrerDescriptor]
    schema_version: int = 2
    media_type: str = OCI_INDEX
