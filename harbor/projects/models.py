"""What is kept: projects, their former names, their members and their metadata."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text

SYSTEM = 0  # in place of the id of a project
PERSON, GROUP = "u", "g"  # entity types
ROBOT = "r"  # in place of an entity type, in rules about repositories
EVERYBODY = "*"  # in place of the type of one subject: every member
OPEN = ("true", "1")  # values of "public"; we write the first, an older Harbor wrote either


class Project(Table):
    __tablename__ = "project"

    project_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ascii_text(255), unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("harbor_user.user_id"))
    deleted: Mapped[bool] = mapped_column(default=False)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class ProjectRedirect(Table):
    """A former name of a project: what is asked for by it is found until the name is given again.

    It may lead to a deleted project, whose repositories were moved elsewhere before.
    """

    __tablename__ = "project_redirect"

    name: Mapped[str] = mapped_column(ascii_text(255), primary_key=True)
    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), index=True
    )
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class ProjectMember(Table):
    """A role of a person, or of a group of people, in a project."""

    __tablename__ = "project_member"
    __table_args__ = (
        UniqueConstraint("project_id", "entity_type", "entity_id"),
        Index(None, "entity_type", "entity_id"),
        Index(None, "project_id", "entity_type", "role", "entity_id"),  # to count roles
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id", ondelete="CASCADE"))
    entity_id: Mapped[int]
    entity_type: Mapped[str] = mapped_column(String(1))  # PERSON or GROUP
    role: Mapped[int]
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class RepositoryRule(Table):
    """Which role somebody has in the repositories that a pattern names, in place of the usual one.

    It stands in place of what a robot was given in the project, too.
    """

    __tablename__ = "repository_rule"
    __table_args__ = (
        UniqueConstraint("project_id", "subject_type", "subject_id", "pattern"),
        Index(None, "subject_type", "subject_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id", ondelete="CASCADE"))
    subject_type: Mapped[str] = mapped_column(String(1))  # PERSON, GROUP, ROBOT or EVERYBODY
    subject_id: Mapped[int]  # 0 for EVERYBODY
    pattern: Mapped[str] = mapped_column(String(512))  # of names without the project
    role: Mapped[int]  # 0: none
    position: Mapped[int]  # among those of the project
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
