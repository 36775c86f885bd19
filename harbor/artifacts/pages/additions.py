"""What is shown: what else is in an artifact: its documents, its values, its files."""

import asyncio
from collections.abc import Iterator, Sequence

import msgspec
from markupsafe import Markup
from msgspec import Struct

from harbor.artifacts.schemas import RepositoryName
from harbor.artifacts.service import additions, catalogue
from harbor.artifacts.service import subject as subjects
from harbor.artifacts.service.additions import Addition, Entry
from harbor.artifacts.service.subject import From, Subject
from harbor.core import highlight, markdown
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound, TooLarge
from harbor.core.i18n import Phrase
from harbor.core.oci import Reference
from harbor.core.security import project

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
ADDITION = (
    "/projects/{project_name_or_id}/repositories/{repository_name}"
    "/artifacts-tab/artifacts/{reference}/additions/{addition}"
)
MOST_SHOWN = 512 * 1024  # characters of a text
MOST_FILES = 1_000
NOTHING = Markup("")


class Row(Struct, frozen=True):
    """A file or a folder of a model, in the order of a tree."""

    depth: int
    name: str
    is_folder: bool
    size: int


class AdditionPage(Struct, kw_only=True):
    subject: Subject
    name: str
    size: int = 0
    prose: Markup = NOTHING
    code: Markup = NOTHING
    text: str = ""  # what the code says, to be copied
    rows: Sequence[Row] = ()
    more: int = 0  # rows that are not shown
    missing: bool = False  # the artifact could have it, but has not
    problem: str = ""

    @property
    def title(self) -> str:
        return next((title for _url, title, is_open in self.subject.tabs if is_open), self.name)

    @property
    def source(self) -> str:
        """Where it can be downloaded as it is."""
        return additions.path_of(self.subject.header.place.repository, self.digest, self.name)

    @property
    def digest(self) -> str:
        return self.subject.line.digest


@routes.on(
    "GET", ADDITION, allow=project("artifact-addition", "read"), fails=(NotFound, BadRequest)
)
async def artifact_addition_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    addition: str,
    query: From,
) -> View:
    """Show what else is in an artifact: a README, values, a license, files."""
    name = addition.lower()
    tab = f"additions/{name}"
    subject, known = await subjects.of(ctx, repository_name, reference, tab, query)
    if tab not in [path for path, _title in subject.documents]:
        raise NotFound(
            Phrase(
                "there is no %(addition)s of a %(kind)s",
                addition=addition,
                kind=subject.line.kind.type.lower(),
            )
        )
    page = AdditionPage(subject=subject, name=name)
    stored = await catalogue.stored(ctx.session, subject.header.place, known.digest)
    try:
        found = await additions.read(ctx.store, stored, name)
    except NotFound:
        page.missing = True
    except (BadRequest, TooLarge) as error:
        page.problem = error.told
    else:
        page.size = len(found.content)
        await asyncio.to_thread(fill, page, found)
    return View("artifacts/addition.html", page)


def fill(page: AdditionPage, found: Addition) -> None:
    """Put what was found into the page, in the form that suits it."""
    if page.name == "files":
        rows = list(flat(msgspec.json.decode(found.content, type=list[Entry])))
        page.rows, page.more = rows[:MOST_FILES], max(0, len(rows) - MOST_FILES)
        return
    text = found.content.decode(errors="replace")
    if len(text) > MOST_SHOWN:
        page.problem = "long"
    elif page.name == "readme.md":
        page.prose = markdown.rendered(text)
    elif page.name == "values.yaml":
        page.text, page.code = text, highlight.coloured(text, "yaml")
    elif page.name == "sbom":
        page.text = highlight.indented(found.content)
        page.code = highlight.coloured(page.text)
    else:
        page.text, page.code = text, Markup("{}").format(text)


def flat(entries: Sequence[Entry], depth: int = 0) -> Iterator[Row]:
    """A tree of files as rows, what is in a folder below it."""
    for entry in entries:
        yield Row(depth, entry.name, entry.type == "directory", entry.size)
        yield from flat(entry.children or (), depth + 1)
