"""What is kept: robots, and whose tokens they sign in with."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text
from harbor.core.security import OF_SYSTEM

BY_USER, BY_ROBOT = "local", "robot"  # types of creators


class Robot(Table):
    """An account of a machine. Its name is kept without the prefix, which is a setting."""

    __tablename__ = "robot"
    __table_args__ = (
        UniqueConstraint("name", "project_id"),  # to sign in
        Index(None, "project_id", "name"),  # to list
        {"sqlite_autoincrement": True},  # an id in a token never means another robot
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(default=OF_SYSTEM)  # 0: of the system
    name: Mapped[str] = mapped_column(ascii_text(255))
    description: Mapped[str] = mapped_column(Text, default="")
    secret: Mapped[str] = mapped_column(String(255))  # a hash: service/secrets.py
    duration: Mapped[int]  # days; -1: for ever
    expires_at: Mapped[int] = mapped_column(BigInteger)  # seconds since 1970; -1: never
    disabled: Mapped[bool] = mapped_column(default=False)
    editable: Mapped[bool] = mapped_column(default=True)  # not, if an older Harbor made it
    creator_type: Mapped[str] = mapped_column(String(16))  # BY_USER or BY_ROBOT
    creator_ref: Mapped[int]
    permissions: Mapped[str] = mapped_column(Text)  # JSON: core/machines.py
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class RobotTrust(Table):
    """An issuer of tokens that a robot may sign in with, in place of its secret."""

    __tablename__ = "robot_trust"
    __table_args__ = ({"sqlite_autoincrement": True},)  # as above

    id: Mapped[int] = mapped_column(primary_key=True)
    robot_id: Mapped[int] = mapped_column(ForeignKey("robot.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    audience: Mapped[str] = mapped_column(String(255))
    rules: Mapped[str] = mapped_column(Text)  # JSON: a list of schemas.ClaimRule
    verify: Mapped[bool] = mapped_column(default=True)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
