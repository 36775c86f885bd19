"""Who asks, and what they ask for. Pure data: deciding is left to the front desk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Permission:
    """An action on a resource, in a scope. The names are Harbor's."""

    scope: Literal["public", "signed-in", "self", "system", "project"]
    resource: str = ""
    action: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scope, self.resource, self.action) if part)


anyone = Permission("public")
signed_in = Permission("signed-in")


def own(resource: str, action: str) -> Permission:
    """What everybody may do with the account of the path's ``user_id`` that is their own.

    Others need the same right in the system.
    """
    return Permission("self", resource, action)


def system(resource: str, action: str) -> Permission:
    return Permission("system", resource, action)


def project(resource: str, action: str) -> Permission:
    return Permission("project", resource, action)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a registry token allows: actions by project, as they were when it was issued."""

    issued_at: datetime
    ends_at: float  # seconds since 1970, a minute of skew included
    actions: Mapping[str, frozenset[str]]
    projects: Mapping[str, int | None] = field(default_factory=dict)  # the ids behind the names
    user_id: int | None = None  # of the account that it was issued to; with it, the grant ends


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a person, the bearer of a token, or nobody."""

    name: str
    user_id: int | None = None
    is_admin: bool = False
    grant: Grant | None = None  # set for a bearer: then nothing but the grant counts
    csrf: str = field(default="", compare=False)  # what forms of a signed-in browser must send
    tried: bool = field(default=False, compare=False)  # an Authorization header was sent

    @property
    def known(self) -> bool:
        return self.user_id is not None

    @property
    def known_id(self) -> int:
        """The id of a caller who has signed in."""
        if self.user_id is None:
            raise RuntimeError("nobody has no id; the operation must be allow=signed_in or more")
        return self.user_id


NOBODY = Principal("")
NOBODY_AFTER_TRYING = Principal("", tried=True)
