"""What is kept: which files a layer holds, and what was made of that to be looked at."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.artifacts.models import DIGEST
from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text


class LayerIndex(Table):
    """Made once for a blob, for its bytes never change; it goes with the blob.

    What is large stands last: SQLite reads a row from its beginning.
    """

    __tablename__ = "layer_index"

    digest: Mapped[str] = mapped_column(
        DIGEST, ForeignKey("blob.digest", ondelete="CASCADE"), primary_key=True
    )
    nentries: Mapped[int]
    nbytes: Mapped[int] = mapped_column(BigInteger)  # of its files, unpacked
    problem: Mapped[str | None] = mapped_column(Text)  # why it was read no further, if it was not
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    entries: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # as packed by the service
    packages: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class FileView(Table):
    """The files of an image or of a layer alone, or how two images differ.

    It goes with what it is of, and may be made again at any time; the oldest go first.
    """

    __tablename__ = "file_view"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(ascii_text(271), unique=True)  # one digest, or two
    manifest_digest: Mapped[str | None] = mapped_column(
        DIGEST, ForeignKey("manifest.digest", ondelete="CASCADE"), index=True
    )
    base_digest: Mapped[str | None] = mapped_column(
        DIGEST, ForeignKey("manifest.digest", ondelete="CASCADE"), index=True
    )
    layer_digest: Mapped[str | None] = mapped_column(
        DIGEST, ForeignKey("blob.digest", ondelete="CASCADE"), index=True
    )
    nbytes: Mapped[int] = mapped_column(BigInteger)  # of its blocks
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class FileViewBlock(Table):
    """A part of a view, packed by the service: whoever looks at a page reads a few of them."""

    __tablename__ = "file_view_block"

    view_id: Mapped[int] = mapped_column(
        ForeignKey("file_view.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
