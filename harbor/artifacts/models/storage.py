"""What is kept: how much there is, and was."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core.db import Table, Time


class StorageDay(Table):
    """How many bytes a project was charged for at the end of a day, by UTC; of the store as a whole
    under the project 0. A day on which nothing changed has no row.
    """

    __tablename__ = "storage_day"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    nbytes: Mapped[int] = mapped_column(BigInteger)


class RepositoryStorage(Table):
    """What a repository of a large project holds, counted some time ago."""

    __tablename__ = "repository_storage"
    __table_args__ = (Index(None, "project_id", "freed_bytes"),)

    repository_id: Mapped[int] = mapped_column(
        ForeignKey("repository.repository_id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"))
    nbytes: Mapped[int] = mapped_column(BigInteger)
    freed_bytes: Mapped[int] = mapped_column(BigInteger)  # in no other repository of the project
    unique_bytes: Mapped[int] = mapped_column(BigInteger)  # nor in another project


class ProjectStorage(Table):
    """What a large project holds, counted some time ago."""

    __tablename__ = "project_storage"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), primary_key=True
    )
    unique_bytes: Mapped[int] = mapped_column(BigInteger)  # in no other project
    count_time: Mapped[datetime] = mapped_column(Time)
