"""What is done: say what stands above every page of a repository and of its artifacts.

Such a page begins with ``await header.of(ctx, repository_name, "artifacts-tab")``; its template
shows that with the macros of ``artifacts/header.html``.
"""

from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import addresses, repositories
from harbor.artifacts.service.kinds import Kind, pull_command
from harbor.core.api import Ctx
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.projects.service import commands
from harbor.projects.service.header import may, name_in

ARTIFACTS, INFO = "artifacts-tab", "info-tab"


class Header(Struct, frozen=True, kw_only=True):
    """What every page of a repository shows of it."""

    project_id: int
    project_name: str
    repository: schemas.Repository
    host: str
    current: str  # the tab that is open; "" on the page of an artifact
    back: str  # the query of the list that one came from
    may_push: bool
    may_delete: bool

    @property
    def name(self) -> str:
        """Without the project."""
        return self.repository.name.partition("/")[2]

    @property
    def image(self) -> str:
        """The repository as clients name it."""
        return f"{self.host}/{self.repository.name}"

    @property
    def place(self) -> Place:
        return Place(self.project_id, self.repository.name)

    @property
    def path(self) -> str:
        """Where the artifacts are listed; actions are below that."""
        return addresses.of_repository(self.project_id, self.repository.name)

    @property
    def info(self) -> str:
        return addresses.of_info(self.project_id, self.repository.name)

    @property
    def list_path(self) -> str:
        """The list as the reader left it."""
        return f"{self.path}?{self.back}" if self.back else self.path

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:
        return (
            ("/harbor/projects", _("Projects")),
            (addresses.of_project(self.project_id), self.project_name),
        )

    @property
    def tabs(self) -> tuple[tuple[str, str, bool, int] | tuple[str, str, bool], ...]:
        artifacts, info = self.current == ARTIFACTS, self.current == INFO
        count = self.repository.artifact_count
        return (
            (self.path, _("Artifacts"), artifacts, count),
            (self.info, _("Info"), info),
        )

    def of_artifact(self, digest: str, back: str = "", parent: str = "", tab: str = "") -> str:
        """The page of an artifact, from which one comes back to the list as it is, or through the
        index *parent*.
        """
        path = addresses.of_artifact(self.project_id, self.repository.name, digest)
        return asking(f"{path}/{tab}" if tab else path, back=back or self.back, parent=parent)

    def of_children(self, digest: str, back: str = "") -> str:
        path = addresses.of_children(self.project_id, self.repository.name, digest)
        return asking(path, back=back or self.back)

    def pull(self, kind: Kind, reference: str, program: str) -> str:
        """The command that gets what *reference* names."""
        return pull_command(kind, self.image, reference, program)


def asking(path: str, back: str, parent: str = "") -> str:
    return f"{path}?{query_of(back, parent)}" if back or parent else path


@lru_cache(maxsize=1024)  # it is the same for all lines of a list
def query_of(back: str, parent: str) -> str:
    given = {"back": back, "parent": parent}
    return urlencode({name: value for name, value in given.items() if value})


async def of(ctx: Ctx, repository: RepositoryName, current: str = "", back: str = "") -> Header:
    """The header of a repository, as the caller sees it; ``NotFound``."""
    place = await place_of(ctx, repository)
    name = place.repository.partition("/")[0]
    return Header(
        project_id=place.project_id,
        project_name=name,
        repository=await repositories.see(ctx.session, place),
        host=commands.host_of(ctx),
        current=current,
        back=urlencode(parse_qsl(back)),
        may_push=await may(ctx, "repository", "push", place.repository),
        may_delete=await may(ctx, "repository", "delete", place.repository),
    )


async def place_of(ctx: Ctx, repository: RepositoryName) -> Place:
    """The repository in the path, which may not be there; ``NotFound`` if the project is gone."""
    name = await name_in(ctx)
    if name is None:
        raise NotFound(f"project {ctx.known_project_id} not found")
    return Place(ctx.known_project_id, f"{name}/{repository}")
