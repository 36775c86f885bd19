"""What is kept: which files a layer holds."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.artifacts.models import DIGEST
from harbor.core import clock
from harbor.core.db import Table, Time


class LayerIndex(Table):
    """Made once for a blob, for its bytes never change; it goes with the blob."""

    __tablename__ = "layer_index"

    digest: Mapped[str] = mapped_column(
        DIGEST, ForeignKey("blob.digest", ondelete="CASCADE"), primary_key=True
    )
    entries: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # as packed by the service
    packages: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    nentries: Mapped[int]
    nbytes: Mapped[int] = mapped_column(BigInteger)  # of its files, unpacked
    problem: Mapped[str | None] = mapped_column(Text)  # why it was read no further, if it was not
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
