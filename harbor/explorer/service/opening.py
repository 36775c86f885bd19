"""What is done: open the layers of one artifact for a page."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from harbor.artifacts.schemas import RepositoryName
from harbor.artifacts.service import subject as subjects
from harbor.artifacts.service.subject import Subject
from harbor.core.api import Ctx
from harbor.core.oci import Reference
from harbor.core.ui import Grid, Listed
from harbor.core.wire import PageSize
from harbor.explorer.schemas import FileList, PackageList
from harbor.explorer.service import listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers

Found = TypeVar("Found", FileList, PackageList)


class Address(Listed, kw_only=True):
    """The address of a list of what is in layers, and where one came from."""

    page_size: PageSize = 50
    back: Annotated[str, Meta(max_length=2000)] = ""
    parent: Annotated[str, Meta(max_length=135)] = ""


class Opened(Struct, Generic[Found], frozen=True, kw_only=True):
    """A page with what was found in the layers, as far as they have been read."""

    subject: Subject
    grid: Grid
    listed: Found

    @property
    def again(self) -> str:
        return self.grid.at()

    @property
    def percent(self) -> float:
        return listing.percent(self.listed.layers)


async def layers_of(
    ctx: Ctx, repository: RepositoryName, reference: Reference, tab: str, query: Address
) -> tuple[Subject, Layers]:
    """What stands above the page, and its layers after a glance; ``NotFound``, ``BadRequest``."""
    subject, known = await subjects.of(ctx, repository, reference, tab, query)
    found = await listing.subject_of(ctx.session, subject.header.place, known.digest)
    (layers,) = await listing.explored(ctx.the(Explorer), found, patience_s=listing.GLANCE_S)
    return subject, layers
