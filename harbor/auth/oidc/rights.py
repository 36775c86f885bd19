"""What the provider told of somebody, and what follows: administrators, and members of groups.

It is kept where that of other sources is, so that it counts wherever theirs does; and brought up to
date when people are told of, and when the settings change.
"""

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.schemas import Values
from harbor.configuration.service import SettingsChanged
from harbor.core.quick import Pen
from harbor.directory.models import OIDC, UserGroup, UserGroupMember
from harbor.directory.service import groups
from harbor.directory.service.groups import Known
from harbor.users.models import OidcUser, User
from harbor.users.service import has_oidc, oidc
from harbor.users.service.oidc import Linked

# Who of the members of OIDC's groups does not come from the provider that is configured.
LEFT = delete(UserGroupMember).where(
    UserGroupMember.group_id.in_(select(UserGroup.id).where(UserGroup.group_type == OIDC)),
    ~select(OidcUser.id)
    .where(
        OidcUser.user_id == UserGroupMember.user_id,
        func.rtrim(OidcUser.issuer, "/") == bindparam("issuer"),
    )
    .exists(),
)


async def follow(session: AsyncSession, values: Values, row: OidcUser) -> None:
    """Let count what was told last of somebody, if they have an account."""
    user = None if row.user_id is None else await session.get(User, row.user_id)
    if user is None or user.deleted:
        return
    counts = is_from(values, row)
    user.admin_role_in_auth = counts and oidc.is_in(row, values.oidc_admin_group)
    told = [Known(name) for name in row.group_names] if counts else []
    await groups.follow(session, user.user_id, OIDC, told)


async def settle(pen: Pen, values: Values) -> None:
    """Let count what was told last of everybody, as the settings are now.

    Who does not come from the provider that is configured leads nothing, and is in none of its
    groups. Whoever comes from it is put into them when they are told of next.
    """
    issuer = issuer_of(values)
    await oidc.judge(pen, issuer=issuer, admin_group=values.oidc_admin_group)
    await pen.run(LEFT, issuer=issuer)


async def on_change(pen: Pen, event: SettingsChanged) -> None:
    """Settle at once what other settings mean, and ask for the rest with the next use."""
    if asked_by(event.before) == asked_by(event.after):
        return
    await settle(pen, event.after)
    await oidc.ask_all_again(pen)


def asked_by(values: Values) -> tuple[str, ...]:
    """What decides who leads, and which groups are told."""
    told = values.oidc_groups_claim, values.oidc_group_filter, values.oidc_admin_group
    return (issuer_of(values), *told)


def issuer_of(values: Values) -> str:
    """The provider that people come from now; "" if from none."""
    return values.oidc_endpoint.rstrip("/") if has_oidc(values) else ""


def is_from(values: Values, found: Linked | OidcUser) -> bool:
    """Whether they come from the provider that is configured now, and not from one before it.

    Another provider is not shown their tokens, and its groups are not those told of them.
    """
    return found.issuer.rstrip("/") == issuer_of(values)
