"""What is kept: projects, their members and their metadata."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text

SYSTEM = 0  # in place of the id of a project
PERSON = "u"  # an entity type; "g" is a group
OPEN = ("true", "1")  # values of "public"; we write the first, an older Harbor wrote either


class Project(Table):
    __tablename__ = "project"

    project_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ascii_text(255), unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("harbor_user.user_id"))
    deleted: Mapped[bool] = mapped_column(default=False)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class ProjectMember(Table):
    """A role of a person (or, with LDAP and OIDC, of a group) in a project."""

    __tablename__ = "project_member"
    __table_args__ = (
        UniqueConstraint("project_id", "entity_type", "entity_id"),
        Index(None, "entity_type", "entity_id"),
        Index(None, "project_id", "entity_type", "role", "entity_id"),  # to count roles
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id", ondelete="CASCADE"))
    entity_id: Mapped[int]
    entity_type: Mapped[str] = mapped_column(String(1))  # PERSON or a group
    role: Mapped[int]
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class ProjectMetadata(Table):
    """One key and value; every value is text, as in Harbor's API."""

    __tablename__ = "project_metadata"
    __table_args__ = (
        Index(
            "ix_project_metadata_public",  # to list what everybody may see
            "value",
            "project_id",
            sqlite_where=text("name = 'public'"),
            postgresql_where=text("name = 'public'"),
        ),
    )

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[str] = mapped_column(String(4096))
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class CVEAllowlist(Table):
    """Vulnerabilities that do not stop a pull, in one project or, with ``SYSTEM``, everywhere."""

    __tablename__ = "cve_allowlist"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(unique=True)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)  # seconds since 1970
    items: Mapped[list[str]] = mapped_column(JSON, default=list)  # ids, in their order
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)
