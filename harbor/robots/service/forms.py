"""What is done: tell of robots as the pages do, and read what their forms send."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct, field

from harbor.core import clock, grantable, machines, ui
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.core.security import OF_SYSTEM
from harbor.core.wire import Time
from harbor.projects.service.header import Header
from harbor.robots import schemas
from harbor.robots.models import RobotTrust
from harbor.robots.service import names
from harbor.robots.service.permissions import ALL, ALLOW, PROJECT, ROOT, SYSTEM
from harbor.robots.service.robots import Named, get
from harbor.users.service import check_password
from harbor.users.service.forms import broken_rule, worded

SOON_DAYS = 7
MAX_GROUPS = 12  # a form has at most 1,000 fields
Matrix = tuple[tuple[str, tuple[str, ...]], ...]  # resources with what can be done to them
Pair = Annotated[str, Meta(max_length=64)]
Names = Annotated[str, Meta(max_length=8192)]  # of projects, with commas
Groups = Annotated[list[Names], Meta(max_length=MAX_GROUPS)]


class RobotForm(Struct):
    """What the dialogs of a new and of a changed robot send."""

    name: schemas.Name = ""
    description: schemas.Description = ""
    days: Annotated[str, Meta(max_length=20)] = ""  # empty: for ever
    # In projects, each after the number of a group: "0 repository:pull".
    allow: Annotated[list[Pair], Meta(max_length=1_000)] = field(default_factory=list)
    system: Annotated[list[Pair], Meta(max_length=500)] = field(default_factory=list)
    projects: Groups = field(default_factory=list)  # of a robot of the system


class GroupQuery(Struct):
    """The groups that a form has already."""

    projects: Groups = field(default_factory=list)


class Group(Struct, frozen=True):
    """Projects in which a robot may do the same."""

    number: int
    projects: str = ""  # names, with commas
    allow: frozenset[str] = frozenset()

    @property
    def rows(self) -> Matrix:
        return tuple(grantable.PROJECT.items())


class Chosen(Struct, frozen=True):
    """What is ticked in a form."""

    system: frozenset[str] = frozenset()
    groups: Sequence[Group] = (Group(0),)


class Row(Struct, frozen=True):
    """A robot in a list."""

    id: int
    name: str
    description: str
    disabled: bool
    editable: bool
    duration: int
    expires_at: int
    created: Time
    permissions: Sequence[tuple[str, Mapping[str, Sequence[str]]]]  # where: actions by resource
    issuers: Sequence[str]  # whose tokens do for its secret

    @property
    def count(self) -> int:
        return sum(len(each) for _place, actions in self.permissions for each in actions.values())

    @property
    def days(self) -> int:
        """How many days are left, begun ones included."""
        return -int((clock.now().timestamp() - self.expires_at) // names.DAY_S)

    @property
    def is_over(self) -> bool:
        return self.expires_at != machines.NEVER and self.days <= 0

    @property
    def is_soon(self) -> bool:
        return self.expires_at != machines.NEVER and self.days <= SOON_DAYS

    @property
    def left(self) -> float:
        """How much of its life is left, in per cent."""
        left_s = self.expires_at - clock.now().timestamp()
        return max(0.0, min(100.0, 100 * left_s / (self.duration * names.DAY_S)))

    @property
    def expires(self) -> str:
        if self.expires_at == machines.NEVER:
            return _("Never")
        if self.is_over:
            return _("Expired")
        return ngettext("In %(num)s day", "In %(num)s days", self.days) % {"num": self.days}


class RobotList(Struct, frozen=True):
    header: Header | None  # None: the robots of the system
    path: str
    grid: ui.Grid
    robots: list[Row]
    may_create: bool
    may_update: bool
    may_delete: bool


class RobotDialog(Struct, frozen=True):
    """The form for a new robot, or for *robot_id*."""

    path: str  # of the list
    robot_id: int | None
    before: str  # what stands before its name
    name: str
    description: str
    days: str
    chosen: Chosen
    of_system: bool
    is_plain: bool = True  # what it was given can be shown in this form

    @property
    def action(self) -> str:
        return f"{self.path}/new" if self.robot_id is None else f"{self.path}/{self.robot_id}/edit"

    @property
    def in_system(self) -> Matrix:
        return tuple(grantable.SYSTEM.items())


class SecretForm(Struct):
    secret: schemas.Secret = ""  # empty: one is made


class RefreshDialog(Struct, frozen=True):
    """The form that gives a robot another secret."""

    path: str  # of the list
    action: str
    name: str


class SecretDialog(Struct, frozen=True):
    """A name and a secret, which is shown this once."""

    path: str
    name: str
    secret: str
    is_new: bool

    @property
    def file(self) -> str:
        """Both as a file that a browser can save."""
        told = msgspec.json.encode({"name": self.name, "secret": self.secret})
        return f"data:application/json,{quote(told)}"


def row_of(found: Named, prefix: str, trusts: Sequence[RobotTrust]) -> Row:
    robot = found.robot
    return Row(
        id=robot.id,
        name=machines.displayed(prefix, found.stored),
        description=robot.description,
        disabled=robot.disabled,
        editable=robot.editable,
        duration=robot.duration,
        expires_at=robot.expires_at,
        created=Time(robot.creation_time),
        permissions=[
            (place_name(each.namespace), by_resource(each.access)) for each in found.permissions
        ],
        issuers=list(dict.fromkeys(each.issuer for each in trusts)),
    )


def place_name(namespace: str) -> str:
    return {ROOT: _("System"), ALL: _("All projects")}.get(namespace, namespace)


def by_resource(access: Sequence[schemas.Access]) -> dict[str, list[str]]:
    """The actions on each resource, in words."""
    found: dict[str, list[str]] = {}
    for each in access:
        action = each.action
        said = action if each.effect == ALLOW else _("not %(action)s") % {"action": action}
        found.setdefault(each.resource, []).append(said)
    return found


def pairs_of(access: Sequence[schemas.Access]) -> frozenset[str]:
    return frozenset(f"{each.resource}:{each.action}" for each in access)


def chosen_of(found: Named) -> Chosen | None:
    """What is to be ticked for a robot; ``None`` if the form cannot say what it was given."""
    given = {each.namespace: each.access for each in found.permissions}
    if any(access.effect != ALLOW for each in given.values() for access in each):
        return None
    own = pairs_of(given.pop(ROOT, []))
    alike: dict[frozenset[str], list[str]] = {}
    for place, accesses in given.items():
        alike.setdefault(pairs_of(accesses), []).append(place)
    if len(alike) > MAX_GROUPS:
        return None
    groups = [
        Group(number, ", ".join(places), allow)
        for number, (allow, places) in enumerate(alike.items())
    ]
    return Chosen(own, groups or (Group(0),))


def permissions_in(form: RobotForm, project_name: str | None) -> list[schemas.RobotPermission]:
    """What the form gives to a robot; ``BadRequest`` at the field that is wrong."""
    told = []
    for number, text in enumerate([project_name] if project_name else form.projects):
        before = f"{number} "
        pairs = [each.removeprefix(before) for each in form.allow if each.startswith(before)]
        places = names_in(text)
        if bool(pairs) != bool(places) and not project_name:
            said = _("Name projects and choose what may be done in them, or neither.")
            with ui.at_field(f"projects_{number}"):
                raise BadRequest(said)
        access = accesses_of(pairs)
        told += [schemas.RobotPermission(PROJECT, place, access) for place in places if pairs]
    if form.system and not project_name:
        told.append(schemas.RobotPermission(SYSTEM, ROOT, accesses_of(form.system)))
    if not told:
        raise BadRequest(_("Choose at least one permission."))
    return told


def names_in(text: str) -> list[str]:
    return list(dict.fromkeys(name for each in text.split(",") if (name := each.strip())))


def accesses_of(pairs: Sequence[str]) -> list[schemas.Access]:
    split = (pair.partition(":") for pair in pairs)
    return [schemas.Access(resource, action) for resource, _colon, action in split]


def duration_in(form: RobotForm) -> int:
    """For how many days the form lets a robot live; ``BadRequest``."""
    text = form.days.strip()
    if not text:
        return machines.NEVER
    with ui.at_field("days"):
        whole = text.isascii() and text.isdigit()
        if not whole or not 0 < int(text[:11]) <= names.MAX_DURATION:
            raise BadRequest(_("Enter a number of days, or nothing."))
    return int(text)


@contextmanager
def at_fields(form: RobotForm) -> Iterator[None]:
    """Say in the reader's words, and at its field, what is wrong with a robot."""
    try:
        yield
    except Conflict as error:
        with ui.at_field("name"):
            raise Conflict(_("There is an account of that name already.")) from error
    except NotFound as error:
        said = _("One of these projects does not exist.")
        if len(form.projects) > 1:  # above all of them: it may be in any
            raise BadRequest(said) from error
        with ui.at_field("projects_0"):
            raise BadRequest(said) from error


def check_secret(form: SecretForm) -> None:
    """``BadRequest`` at its field if the chosen secret breaks the rule."""
    if form.secret:
        with worded("secret", broken_rule()):
            check_password(form.secret)


def checked_name(form: RobotForm, project_name: str | None) -> str:
    with ui.at_field("name"):
        try:
            names.check_name(form.name.strip(), project_name)
        except BadRequest as error:
            said = _("Small letters and digits, with single dots, dashes or underscores between.")
            raise BadRequest(said) from error
    return form.name.strip()


async def belonging(ctx: Ctx, robot_id: int, *, hold: bool = False) -> Named:
    """The robot of that id, if it is one of those that the request is about."""
    found = await get(ctx.session, robot_id, hold=hold)
    if found.robot.project_id != (ctx.project_id or OF_SYSTEM):
        raise NotFound(f"robot {robot_id} not found")
    return found
