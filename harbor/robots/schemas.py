"""What is said: robots as callers name and see them."""

from typing import Annotated

from msgspec import Meta, Struct, field

from harbor.core.wire import Time

MAX_NAMESPACES = 1_000  # for which one robot is given something
MAX_RULES = 20
MAX_PATTERN = 1024  # characters
Word = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(max_length=255)]
Description = Annotated[str, Meta(max_length=4096)]
Secret = Annotated[str, Meta(max_length=4096)]


class Access(Struct):
    """An action on a resource, which is allowed or, with ``deny``, is not."""

    resource: Word
    action: Word
    effect: Word = "allow"


class RobotPermission(Struct):
    """What a robot may do in one place: the system (``/``), a project, or every one (``*``)."""

    kind: Word  # "system" or "project"
    namespace: Name
    access: Annotated[list[Access], Meta(max_length=500)]


Permissions = Annotated[list[RobotPermission], Meta(max_length=MAX_NAMESPACES)]


class RobotCreate(Struct):
    """A robot to create. Its secret is made here, and a new robot is never disabled."""

    name: Name = ""
    description: Description = ""
    level: Word = ""  # "system" or "project"
    duration: int = 0  # days; -1 for ever
    permissions: Permissions = field(default_factory=list)
    secret: Secret = ""  # as in Harbor, it is not read
    disable: bool = False  # nor is this


class RobotReq(Struct):
    """All that there is to say of a robot; its name and its level stay what they are."""

    name: Name = ""  # as it is shown, with the prefix
    description: Description = ""
    level: Word = ""
    duration: int | None = None  # days; null leaves it as it is
    disable: bool = False
    permissions: Permissions = field(default_factory=list)


class Robot(Struct, kw_only=True, omit_defaults=True):
    """An account of a machine."""

    id: int
    name: str
    description: str = ""
    level: str
    duration: int
    editable: bool
    disable: bool
    expires_at: int
    permissions: list[RobotPermission]
    creator_type: str
    creator_ref: int
    creation_time: Time
    update_time: Time


class RobotCreated(Struct):
    """A new robot, and its secret, which is told this once."""

    id: int
    name: str
    secret: str
    creation_time: Time
    expires_at: int


class RobotSec(Struct):
    """A secret of somebody's choice, or, as an answer, one that was made."""

    secret: Secret = ""


class ClaimRule(Struct, frozen=True):
    """One of the claim's values must be what *pattern* describes: ``core/patterns.py``."""

    # A name, or names parted by ``/`` where claims are in claims.
    claim: Annotated[str, Meta(max_length=255)]
    pattern: Annotated[str, Meta(max_length=MAX_PATTERN)]


class Trust(Struct, frozen=True):
    """Whose tokens are believed, made for whom, and which of them."""

    issuer: Annotated[str, Meta(max_length=255)]
    audience: Annotated[str, Meta(max_length=255)]
    rules: Annotated[tuple[ClaimRule, ...], Meta(max_length=MAX_RULES)]
    verify: bool = True  # the certificate of the issuer


class RobotTrust(Struct):
    """Whose tokens a robot may sign in with, in place of its secret."""

    id: int
    issuer: str
    audience: str
    rules: tuple[ClaimRule, ...]
    verify: bool
    creation_time: Time
