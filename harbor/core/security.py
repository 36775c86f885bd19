"""Who asks, and what they ask for. Pure data: deciding is left to the front desk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from msgspec import Struct

from harbor.core.errors import Forbidden


class Permission(Struct, frozen=True):
    """An action on a resource, in a scope. The names are Harbor's."""

    scope: Literal["public", "signed-in", "self", "system", "project"]
    resource: str = ""
    action: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scope, self.resource, self.action) if part)


OWN_CREDENTIALS = "credentials"
anyone = Permission("public")
signed_in = Permission("signed-in")
# What opens one's account: nobody who has got hold of a part of it makes the whole out of that.
own_credentials = Permission("signed-in", OWN_CREDENTIALS)


def own(resource: str, action: str) -> Permission:
    """What everybody may do with the account of the path's ``user_id`` that is their own.

    Others need the same right in the system.
    """
    return Permission("self", resource, action)


def system(resource: str, action: str) -> Permission:
    return Permission("system", resource, action)


def project(resource: str, action: str) -> Permission:
    return Permission("project", resource, action)


Action = tuple[str, str]  # a resource, and what is done with it
OF_SYSTEM = 0  # in place of the id of a project
EVERYWHERE = -1  # in place of the id of a project: every one that there is, or will be


class Given(Struct, frozen=True):
    """What a robot was given in one place. What is denied counts before what is allowed."""

    allowed: frozenset[Action] = frozenset()
    denied: frozenset[Action] = frozenset()


NOTHING = Given()


class Robot(Struct, frozen=True):
    """The account of a machine. It has no roles: what it may do was given to it."""

    id: int
    project_id: int  # of the project that it belongs to; 0 for the system
    expires_at: int  # seconds since 1970; -1 for never
    given: Mapping[int, Given]  # by the id of a project, OF_SYSTEM or EVERYWHERE
    secret_id: str = ""  # by what it signed in: with that, tokens that it was issued end

    def may(self, place: int, resource: str, action: str) -> bool:
        """Whether it may do that in the project of that id, ``OF_SYSTEM`` or ``EVERYWHERE``."""
        wanted = (resource, action)
        here = self.given.get(place, NOTHING)
        if place == EVERYWHERE and any(wanted in each.denied for each in self.projects.values()):
            return False
        wide = NOTHING if place == OF_SYSTEM else self.given.get(EVERYWHERE, NOTHING)
        allowed = wanted in here.allowed or wanted in wide.allowed
        return allowed and wanted not in here.denied and wanted not in wide.denied

    @property
    def projects(self) -> dict[int, Given]:
        """What it was given in projects by name."""
        return {place: given for place, given in self.given.items() if place > OF_SYSTEM}

    def is_in(self, place: int) -> bool:
        """Whether it may do anything at all in the project of that id."""
        here, wide = self.given.get(place, NOTHING), self.given.get(EVERYWHERE, NOTHING)
        return any(self.may(place, *each) for each in here.allowed | wide.allowed)

    def places(self, *wanted: Action) -> tuple[bool, list[int]]:
        """Where it may do anything of what is *wanted*: in every project but some, or in some.

        Without a wish: anything at all.
        """
        wide = self.given.get(EVERYWHERE, NOTHING)
        held = wide.allowed - wide.denied
        everywhere = not held.isdisjoint(wanted) if wanted else bool(held)
        fitting = [place for place in self.projects if self._has_some(place, wanted)]
        if everywhere:
            return True, [place for place in self.projects if place not in fitting]
        return False, fitting

    def _has_some(self, place: int, wanted: tuple[Action, ...]) -> bool:
        here, wide = self.given[place], self.given.get(EVERYWHERE, NOTHING)
        return any(self.may(place, *each) for each in wanted or here.allowed | wide.allowed)


class Grant(Struct, frozen=True):
    """What a registry token allows, as it was when it was issued.

    Actions hold in a whole project as long as nobody's rights differ there from one repository
    to another; else those of each repository that the token names hold in it alone.
    """

    issued_at: datetime
    ends_at: float  # seconds since 1970, a minute of skew included
    actions: Mapping[str, frozenset[str]]  # by project
    repositories: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by full name
    projects: Mapping[str, int | None] = field(default_factory=dict)  # the ids behind the names
    user_id: int | None = None  # of the account that it was issued to; with it, the grant ends
    robot_id: int | None = None  # the same, where that is a robot
    robot_secret_id: str = ""  # and of the secret, or the trust, that it came with
    token_id: int | None = None  # of the personal access token that it was issued for, likewise


class Limits(Struct, frozen=True):
    """What a personal access token is for: beyond it, its owner's rights do not count."""

    token_id: int
    actions: frozenset[str]  # what each means: auth/rights.py
    projects: frozenset[int] | None  # ids; None: all, and what is in no project
    ends_at: float | None  # seconds since 1970; None: never
    is_admin: bool  # whether the owner is an administrator

    def within(self, project_id: int) -> frozenset[str]:
        """The actions that the token is for in a project."""
        return self.actions if self.projects is None or project_id in self.projects else frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a person, a robot, the bearer of a token, or nobody."""

    name: str
    user_id: int | None = None
    is_admin: bool = False
    grant: Grant | None = None  # set for a bearer: then nothing but the grant counts
    robot: Robot | None = None  # of a bearer: whose token it is, which can do no more than that
    limits: Limits | None = None  # set for whoever came with a personal access token
    csrf: str = field(default="", compare=False)  # what forms of a signed-in browser must send
    tried: bool = field(default=False, compare=False)  # an Authorization header was sent

    @property
    def known(self) -> bool:
        return self.user_id is not None or (self.robot is not None and self.grant is None)

    @property
    def leads(self) -> bool:
        """Whether all projects are open, as far as the caller's token, if it is one, goes."""
        return self.is_admin if self.limits is None else self.limits.is_admin

    @property
    def known_id(self) -> int:
        """The id of a person who has signed in; ``Forbidden`` to robots, which have no account."""
        if self.user_id is None and self.robot is not None:
            raise Forbidden(f"{self.name} is a robot; only people may do this")
        if self.user_id is None:
            raise RuntimeError("nobody has no id; the operation must be allow=signed_in or more")
        return self.user_id


NOBODY = Principal("")
NOBODY_AFTER_TRYING = Principal("", tried=True)
