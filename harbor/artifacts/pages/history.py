"""What is shown: what a tag has meant, and how long it stays."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import addresses, expiry, header, history, lines, rollback, tags
from harbor.core import clock, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound, Precondition
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.ui import own_path
from harbor.core.wire import Id, Time
from harbor.projects.service.header import may

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
ONE = "/projects/{project_name_or_id}/repositories/{repository_name}/artifacts-tab/tags/{tag_name}"
MOST_SHOWN = 100
CAUSES = {
    "push": later("Pushed"),
    "copy": later("Copied"),
    "create": later("Tag added"),
    "delete": later("Removed"),
    "expire": later("Expired"),
    "rollback": later("Rolled back"),
    "restore": later("Restored"),
}
ICONS = {
    "push": "upload",
    "copy": "copy",
    "create": "tag",
    "delete": "trash",
    "expire": "timer",
    "rollback": "history",
    "restore": "refresh",
}
NAMED = "{repository_name}:{tag_name}"


class From(Struct):
    """The page that the dialog is opened from."""

    back: Annotated[str, Meta(max_length=2000)] = ""


class RollbackForm(From):
    id: Id = 0


class ExpiryForm(From):
    """In how many days, or on which day; neither: never."""

    after: Literal["", "1", "7", "30", "90", "day"] = ""
    day: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""


class HistoryDialog(Struct, frozen=True):
    """The history of a tag."""

    tag: str
    path: str  # of the tag
    artifacts: str  # where artifacts are, without the digest
    trash: str  # "" for who may not open it
    back: str
    moves: list[schemas.TagMove]
    total: int
    may_roll_back: bool

    def cause(self, move: schemas.TagMove) -> str:
        return _(CAUSES[move.operation])

    def short(self, move: schemas.TagMove) -> str:
        return lines.shortened(move.digest or "")

    def icon(self, move: schemas.TagMove) -> str:
        return ICONS[move.operation]


class ExpiryDialog(Struct, frozen=True):
    """When a tag is to be removed."""

    tag: str
    path: str  # of the tag
    back: str
    expires_at: Time | None
    today: str

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [
            ("", _("Never")),
            ("1", _("In a day")),
            ("7", _("In a week")),
            ("30", _("In 30 days")),
            ("90", _("In 90 days")),
            ("day", _("On the day below")),
        ]

    @property
    def day(self) -> str:
        return self.expires_at.moment.date().isoformat() if self.expires_at else ""


@routes.on("GET", f"{ONE}/history", allow=project("tag", "list"), fails=(NotFound,))
async def tag_history(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, tag_name: str, query: From
) -> View:
    """Show what a tag has meant."""
    place = await header.place_of(ctx, repository_name)
    listing = Listing(page_size=MOST_SHOWN)
    moves, total = await history.search(ctx.session, place, tag_name, listing)
    opens_trash = await may(ctx, "repository", "push", place.repository.partition("/")[0])
    page = HistoryDialog(
        tag=tag_name,
        path=path_of(place, tag_name),
        artifacts=addresses.of_repository(place.project_id, place.repository) + "/artifacts/",
        trash=f"/harbor/projects/{place.project_id}/trash" if opens_trash else "",
        back=back_to(place, query.back),
        moves=moves,
        total=total,
        may_roll_back=await may(ctx, "tag", "create", place.repository),
    )
    return View("artifacts/tag_history.html", page)


@routes.on(
    "POST",
    f"{ONE}/rollback",
    allow=project("tag", "create"),
    fails=(NotFound, BadRequest, Precondition),
    audit=Audit("update", "tag", NAMED),
)
async def roll_back_tag_here(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    tag_name: str,
    form: RollbackForm,
) -> Response:
    """Let a tag mean again what it meant before."""
    place = await header.place_of(ctx, repository_name)
    ctx.subject = f"{place.repository}:{tag_name}"
    wanted = schemas.RollbackReq(id=form.id)
    digest = await rollback.roll_back(ctx.session, place, tag_name, wanted, ctx.principal.name)
    said = _("%(tag)s means %(digest)s again.")
    told = said % {"tag": tag_name, "digest": lines.shortened(digest)}
    return ui.done(ctx.request, back_to(place, form.back), told)


@routes.on("GET", f"{ONE}/expiry", allow=project("tag", "delete"), fails=(NotFound,))
async def edit_tag_expiry(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, tag_name: str, query: From
) -> View:
    """Show the form that says when a tag is removed."""
    place = await header.place_of(ctx, repository_name)
    found = await tags.expiry_of(ctx.session, place, tag_name)
    page = ExpiryDialog(
        tag=tag_name,
        path=path_of(place, tag_name),
        back=back_to(place, query.back),
        expires_at=Time(found) if found else None,
        today=clock.now().date().isoformat(),
    )
    return View("artifacts/tag_expiry.html", page)


@routes.on(
    "POST",
    f"{ONE}/expiry",
    allow=project("tag", "delete"),
    fails=(NotFound, BadRequest, Precondition),
    audit=Audit("update", "tag", NAMED),
)
async def save_tag_expiry(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    tag_name: str,
    form: ExpiryForm,
) -> Response:
    """Let a tag be removed at a moment, or stay, from the form."""
    place = await header.place_of(ctx, repository_name)
    ctx.subject = f"{place.repository}:{tag_name}"
    with ui.at_field("day" if form.after == "day" else "after"):
        await expiry.set_expiry(ctx.session, place, tag_name, moment(form))
    said = _("%(tag)s is removed then.") if form.after else _("%(tag)s stays.")
    return ui.done(ctx.request, back_to(place, form.back), said % {"tag": tag_name})


def moment(form: ExpiryForm) -> datetime | None:
    """When the form says; a day begins at midnight, UTC."""
    if form.after == "day":
        try:
            return datetime.combine(date.fromisoformat(form.day), time(), UTC)
        except ValueError as error:
            raise BadRequest(_("Choose a day.")) from error
    return clock.now() + timedelta(days=int(form.after)) if form.after else None


def path_of(place: Place, tag: str) -> str:
    return f"{addresses.of_repository(place.project_id, place.repository)}/tags/{tag}"


def back_to(place: Place, back: str) -> str:
    """The page that one came from, if it says so."""
    return own_path(back, addresses.of_repository(place.project_id, place.repository))
