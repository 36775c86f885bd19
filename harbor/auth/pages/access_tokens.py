"""What is shown: one's own personal access tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.auth import personal, schemas
from harbor.auth.models import AccessToken
from harbor.core import clock, ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import own_credentials
from harbor.core.ui import Batch, Column, Confirm, Grid, Listed
from harbor.core.wire import Id, Time

routes = Routes(prefix="/account", tag="portal", pages=True)
HERE = "/account/tokens"
SOON = timedelta(days=7)
DAYS = (7, 30, 90, 180, 365)
COLUMNS = (
    Column(later("Name")),
    Column(later("Allows"), key="actions"),
    Column(later("Projects"), key="projects"),
    Column(later("Last used"), key="used"),
    Column(later("Expires"), key="expires"),
    Column("", narrow=True),
)
BATCH = (Batch(f"{HERE}/revoke", later("Revoke"), icon="trash", danger=True),)


class TokenForm(Struct):
    """What the dialog of a new token sends."""

    name: Annotated[str, Meta(max_length=64)] = ""
    actions: Annotated[list[schemas.TokenAction], Meta(max_length=10)] = field(default_factory=list)
    projects: Annotated[str, Meta(max_length=4096)] = ""  # names, parted by commas or spaces
    duration: schemas.TokenDays = 30

    @property
    def wanted(self) -> schemas.AccessTokenReq:
        names = self.projects.replace(",", " ").split()
        return schemas.AccessTokenReq(self.name, self.actions, names or None, self.duration)


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class Row(Struct, frozen=True):
    """A token as a line of the list."""

    id: int
    name: str
    actions: list[str]
    projects: list[str] | None  # None: all
    used: Time | None
    address: str
    expires: Time | None
    is_over: bool
    ends_soon: bool


class TokenList(Struct, frozen=True):
    grid: Grid
    rows: list[Row]


class TokenDialog(Struct, frozen=True):
    """The form of a new token."""

    actions: list[tuple[str, str, str]]
    durations: list[tuple[int, str]]


class MadeToken(Struct, frozen=True):
    """A new token with its secret, which is shown this once."""

    name: str
    username: str
    secret: str
    host: str


@routes.on("GET", "/tokens", allow=own_credentials)
async def access_tokens_page(ctx: Ctx, query: Listed) -> View:
    """Show the caller's personal access tokens."""
    asked = ui.remembered(ctx.request, "tokens", query)
    found = await personal.owned_by(ctx.session, ctx.principal.known_id)
    names = await personal.names_of(ctx.session, found)
    page = TokenList(
        grid=ui.grid(ctx.request, "tokens", asked, len(found), COLUMNS, batch=BATCH),
        rows=[row_of(each, names) for each in found[asked.offset :][: asked.page_size]],
    )
    return View("account/tokens.html", page)


@routes.on("GET", "/tokens/new", allow=own_credentials)
async def new_access_token(ctx: Ctx) -> View:
    """Show the form of a new personal access token."""
    page = TokenDialog(
        actions=[
            ("pull", _("Pull"), _("images, charts and whatever else is in repositories")),
            ("push", _("Push"), _("and pull")),
            ("delete", _("Delete"), _("artifacts and tags, and pull")),
            (
                "read",
                _("Read through the API"),
                _("what you see of projects, members and settings"),
            ),
            ("write", _("Change through the API"), _("whatever you may change, and read")),
        ],
        durations=[
            *(
                (days, ngettext("%(num)s day", "%(num)s days", days) % {"num": days})
                for days in DAYS
            ),
            (-1, _("No end")),
        ],
    )
    return View("account/token_new.html", page)


@routes.on(
    "POST",
    "/tokens/new",
    allow=own_credentials,
    fails=(BadRequest, Conflict, NotFound),
    audit=Audit("create", "access-token", "{form.name}"),
)
async def make_access_token(ctx: Ctx, form: TokenForm) -> View:
    """Make a personal access token, from the form, and show its secret this once."""
    with worded():
        token, secret = await personal.make(ctx, form.wanted)
    host = ctx.request.headers.get("host", "")
    return View("account/token_made.html", MadeToken(token.name, ctx.principal.name, secret, host))


@routes.on("GET", "/tokens/revoke", allow=own_credentials, fails=(NotFound,))
async def ask_to_revoke_access_tokens(ctx: Ctx, query: Chosen) -> View:
    """Ask before personal access tokens are revoked."""
    found = await chosen(ctx, query.id)
    asked = Confirm(
        title=_("Revoke access tokens"),
        action=f"{HERE}/revoke",
        submit=_("Revoke"),
        text=_("Whatever signs in with them is refused from now on. This cannot be undone."),
        names=[token.name for token in found],
        fields=[("id", str(token.id)) for token in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    "/tokens/revoke",
    allow=own_credentials,
    fails=(NotFound,),
    audit=Audit("delete", "access-token", "{form.id}"),
)
async def revoke_access_tokens(ctx: Ctx, form: Chosen) -> Response:
    """Revoke the chosen personal access tokens."""
    found = await chosen(ctx, form.id)
    for token in found:
        name = await personal.revoke(ctx.session, ctx.principal.known_id, token.id)
        ctx.batch.append(Done(name, True, None))
    said = ngettext("%(num)s token was revoked.", "%(num)s tokens were revoked.", len(found))
    return ui.done(ctx.request, HERE, said % {"num": len(found)})


@contextmanager
def worded() -> Iterator[None]:
    """Say in the reader's words what is wrong with a field."""
    try:
        yield
    except (BadRequest, Conflict, NotFound) as error:
        words = {
            (BadRequest, "name"): _("Enter a name."),
            (Conflict, "name"): _("You have a token of that name already."),
            (BadRequest, "actions"): _("Choose at least one."),
            (NotFound, "projects"): _(
                "One of these projects does not exist, or is not yours to see."
            ),
        }.get((type(error), error.field))
        if words is None:
            raise
        told = type(error)(words)
        told.field = error.field
        raise told from error


async def chosen(ctx: Ctx, ids: list[int]) -> list[AccessToken]:
    """Those of the caller's tokens that have these ids; ``NotFound`` if none is left."""
    owned = await personal.owned_by(ctx.session, ctx.principal.known_id)
    found = [token for token in owned if token.id in ids]
    if not found:
        raise NotFound(_("None of these tokens is there any more."))
    return found


def row_of(token: AccessToken, names: personal.Names) -> Row:
    now, ends = clock.now(), token.expires_at
    ids = personal.ids_in(token.projects or "")
    return Row(
        id=token.id,
        name=token.name,
        actions=token.actions.split(),
        projects=None
        if token.projects is None
        else sorted(names[each] for each in ids if each in names),
        used=Time(token.last_used) if token.last_used else None,
        address=token.last_address,
        expires=Time(ends) if ends else None,
        is_over=ends is not None and ends <= now,
        ends_soon=ends is not None and now < ends <= now + SOON,
    )
