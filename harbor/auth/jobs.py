"""What happens unasked: sessions that are over are forgotten, and so are old wrong passwords."""

from sqlalchemy import delete

from harbor.auth import guesses
from harbor.auth.models import Session
from harbor.core import clock
from harbor.core.db import Database
from harbor.core.quick import SessionPen


async def sweep(db: Database) -> None:
    """Nothing looks at these rows any more; this only frees space."""
    async with db.writing() as session:
        await session.execute(delete(Session).where(Session.expires_at < clock.now()))
        await guesses.tidy(SessionPen(session))
