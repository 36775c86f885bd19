"""What is kept: people, and who they are at an OpenID provider."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time

ADMIN_ID = 1
LOCAL = ""  # the source of an account that has its password here
ANONYMOUS_ID = 2  # a deleted placeholder, as in Harbor, so that ids of a migrated database fit


class User(Table):
    __tablename__ = "harbor_user"

    user_id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str | None] = mapped_column(String(255), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))  # a hash: core/crypto.py
    realname: Mapped[str] = mapped_column(String(255), default="")
    comment: Mapped[str] = mapped_column(String(30), default="")
    sysadmin_flag: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(16), default=LOCAL, server_default=LOCAL)
    source_id: Mapped[str] = mapped_column(String(255), default="", server_default="")
    # What the source said at the last sign-in; only the source takes it away.
    admin_role_in_auth: Mapped[bool] = mapped_column(default=False, server_default=false())
    deleted: Mapped[bool] = mapped_column(default=False)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)

    @property
    def is_admin(self) -> bool:
        return self.sysadmin_flag or self.admin_role_in_auth


class OidcUser(Table):
    """Somebody at an OpenID provider, and the account here that is theirs.

    There is no account yet as long as a name is to be chosen; then ``pending`` is a hash of what
    the browser that may choose it holds.
    """

    __tablename__ = "oidc_user"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), unique=True
    )
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    username: Mapped[str] = mapped_column(String(255), default="")  # as the provider proposed
    email: Mapped[str] = mapped_column(String(255), default="")
    group_names: Mapped[list[str]] = mapped_column(JSON, default=list)  # as last told
    admin_group: Mapped[str] = mapped_column(String(255), default="")  # if they are in it, as told
    secret: Mapped[str] = mapped_column(Text, default="")  # for clients; encrypted: core/crypto.py
    refresh_token: Mapped[str | None] = mapped_column(Text)  # encrypted; none once it is refused
    id_token: Mapped[str | None] = mapped_column(Text)  # encrypted; to sign out there
    pending: Mapped[str | None] = mapped_column(String(64), unique=True)  # SHA-256, hexadecimal
    pending_until: Mapped[datetime | None] = mapped_column(Time)
    told_time: Mapped[datetime] = mapped_column(Time, default=clock.now)  # groups and rights
    tried_time: Mapped[datetime] = mapped_column(Time, default=clock.now)  # to be told them again
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)
