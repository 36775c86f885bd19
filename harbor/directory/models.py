"""What is kept: groups of people, and who belongs to them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time

# Kinds of groups; the first three are Harbor's, whose databases and clients know the numbers.
LDAP, HTTP, OIDC, LOCAL = 1, 2, 3, 4


class UserGroup(Table):
    """Several people, who get a role in a project together."""

    __tablename__ = "user_group"
    __table_args__ = (UniqueConstraint("group_type", "identity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_name: Mapped[str] = mapped_column(String(255), index=True)
    group_type: Mapped[int]
    ldap_group_dn: Mapped[str] = mapped_column(String(512), default="")
    identity: Mapped[str] = mapped_column(String(512))  # the name, or the DN in one spelling
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class UserGroupMember(Table):
    """Somebody in a group: of a local one as was said here, else as the last sign-in told."""

    __tablename__ = "user_group_member"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("user_group.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), primary_key=True, index=True
    )
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
