"""What is done: keep whose tokens a robot may sign in with, in place of its secret.

Whoever signs in is checked in ``auth/oidc/workloads.py``. This server asks no issuer for anything
unless an administrator has listed it: docs/decisions/0018.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.schemas import Values
from harbor.configuration.service.rules import check_address
from harbor.core import ui
from harbor.core.errors import BadRequest, Denied, Forbidden, NotFound
from harbor.core.oci import shown
from harbor.core.patterns import compiled
from harbor.core.quick import Quick
from harbor.core.security import Principal
from harbor.core.wire import Time
from harbor.robots import schemas
from harbor.robots.models import RobotTrust
from harbor.robots.schemas import MAX_RULES, ClaimRule, Trust
from harbor.robots.service.robots import Named, refuse_inherited

MAX_EACH = 10
ANYBODY = ("some:body", "some/body:else")  # a rule that fits one of them fits nearly all
SHARED = frozenset(("iss", "aud"))  # claims that are alike in all tokens that come here
MARK = "trust "  # no secret's id has a space
OF_ROBOT = (
    select(
        RobotTrust.id,
        RobotTrust.issuer,
        RobotTrust.audience,
        RobotTrust.rules,
        RobotTrust.verify,
    )
    .where(RobotTrust.robot_id == bindparam("robot_id"))
    .order_by(RobotTrust.id)
)
THERE = select(RobotTrust.id, RobotTrust.issuer).where(
    RobotTrust.id == bindparam("trust_id"), RobotTrust.robot_id == bindparam("robot_id")
)


class TrustInvalid(ValueError):
    """A trust that would believe too much, or can never hold; *field* is where that is said."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check(trust: Trust) -> None:
    """``TrustInvalid``."""
    try:
        check_address(trust.issuer)
    except ValueError as error:
        raise TrustInvalid("issuer", str(error)) from error
    if not trust.issuer.startswith(("https://", "http://")):
        raise TrustInvalid("issuer", "the issuer is an address that begins with https://")
    if trust.verify and trust.issuer.startswith("http://"):
        said = "an issuer without TLS cannot be verified: verify must be false"
        raise TrustInvalid("issuer", said)
    if not trust.audience:
        said = "an audience is needed, or tokens that are made for others would count"
        raise TrustInvalid("audience", said)
    try:
        check_rules(trust.rules)
    except ValueError as error:
        raise TrustInvalid("rules", str(error)) from error


def check_rules(rules: Sequence[ClaimRule]) -> None:
    if not 1 <= len(rules) <= MAX_RULES:
        raise ValueError(f"1 to {MAX_RULES} rules are needed")
    for rule in rules:
        if not rule.claim or not rule.pattern:
            raise ValueError("a rule names a claim, and a pattern for its value")
        compiled(rule.pattern)  # PatternInvalid is a ValueError
    if not any(map(tells_apart, rules)):
        raise ValueError("these rules would let everybody in who has a token of this issuer")


def tells_apart(rule: ClaimRule) -> bool:
    """Whether the rule keeps anybody out who has a token of the issuer."""
    return rule.claim not in SHARED and not any(map(compiled(rule.pattern).fits, ANYBODY))


async def add(
    session: AsyncSession, found: Named, wanted: Trust, *, who: Principal, values: Values
) -> RobotTrust:
    """Let the robot, which is held, sign in with such tokens, for somebody who may change it.

    ``BadRequest``; ``Denied`` for issuers that no administrator has listed, and to all but
    administrators for one whose certificate is not checked.
    """
    refuse_machine(who)
    refuse_inherited(found.robot)
    try:
        check(wanted)
    except TrustInvalid as error:
        with ui.at_field(error.field):
            raise BadRequest(f"bad request: {error}") from error
    with ui.at_field("issuer"):
        if not values.believes(wanted.issuer):
            raise Denied(
                f"tokens of {shown(wanted.issuer)} are not accepted: an administrator must first "
                "add it to the setting workload_issuers"
            )
    with ui.at_field("verify"):
        if not wanted.verify and not who.is_admin:
            raise Denied("only an administrator may leave the certificate of an issuer unchecked")
    count = select(func.count()).where(RobotTrust.robot_id == found.robot.id)
    if (await session.scalar(count) or 0) >= MAX_EACH:
        raise BadRequest(f"bad request: a robot trusts at most {MAX_EACH} kinds of tokens")
    made = RobotTrust(
        robot_id=found.robot.id,
        issuer=wanted.issuer,
        audience=wanted.audience,
        rules=msgspec.json.encode(wanted.rules).decode(),
        verify=wanted.verify,
    )
    session.add(made)
    await session.flush()
    return made


def refuse_machine(who: Principal) -> None:
    """``Forbidden`` to robots: what signs in for one must not be able to stay."""
    if who.robot is not None:
        raise Forbidden(f"{who.name} is a robot; people say whose tokens are believed")


async def remove(session: AsyncSession, found: Named, trust_id: int, *, who: Principal) -> None:
    """Believe such tokens no more; those issued for them end at once. ``NotFound``."""
    refuse_machine(who)
    wanted = RobotTrust.id == trust_id, RobotTrust.robot_id == found.robot.id
    kept = await session.scalar(select(RobotTrust).where(*wanted))
    if kept is None:
        raise NotFound(f"trust {trust_id} not found")
    await session.delete(kept)


async def of(session: AsyncSession, robots: Iterable[int]) -> dict[int, list[RobotTrust]]:
    """What robots trust, by their ids, in the order in which it was added; there is little."""
    ids = sorted(robots)
    found: dict[int, list[RobotTrust]] = {each: [] for each in ids}
    wanted = select(RobotTrust).where(RobotTrust.robot_id.in_(ids)).order_by(RobotTrust.id)
    for kept in await session.scalars(wanted):
        found[kept.robot_id].append(kept)
    return found


async def trusts_of(quick: Quick, robot_id: int) -> dict[Trust, int]:
    """What a robot that signs in trusts, with the ids."""
    return {
        Trust(str(issuer), str(audience), rules_in(str(rules)), bool(verify)): trust_id
        for trust_id, issuer, audience, rules, verify in await quick.fetch(
            OF_ROBOT, robot_id=robot_id
        )
    }


async def still(quick: Quick, robot_id: int, mark: str, values: Values) -> bool:
    """Whether the robot trusts, and may trust, what it was marked with when it signed in."""
    rows = await quick.fetch(THERE, robot_id=robot_id, trust_id=int(mark.removeprefix(MARK)))
    return any(values.believes(str(issuer)) for _id, issuer in rows)


def mark_of(trust_id: int) -> str:
    """What stands for the secret's id where a robot signed in without its secret."""
    return f"{MARK}{trust_id}"


def is_mark(secret_id: str) -> bool:
    return secret_id.startswith(MARK)


def told(kept: RobotTrust) -> schemas.RobotTrust:
    """A trust as callers see it."""
    return schemas.RobotTrust(
        kept.id,
        kept.issuer,
        kept.audience,
        rules_in(kept.rules),
        kept.verify,
        Time(kept.creation_time),
    )


def rules_in(text: str) -> tuple[ClaimRule, ...]:
    return msgspec.json.decode(text, type=tuple[ClaimRule, ...])
