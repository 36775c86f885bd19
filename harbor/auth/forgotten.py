"""Forgotten passwords: a link by e-mail, with which its reader chooses another one.

Who asks gets the same answer at once, whoever they name: whose account that is, and whether a
message can be sent, is found out afterwards.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth import sessions, tickets
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration, mail_server
from harbor.core import mail
from harbor.core.db import Database
from harbor.core.errors import Forbidden, NotFound
from harbor.core.mail import MailError
from harbor.core.settings import Settings
from harbor.users import service as users
from harbor.users.service import Login

log = logging.getLogger(__name__)
PURPOSE = "forgotten password"
LIFE_S = 1800  # of a link
AGAIN_S = 300  # until the same account gets another message
MAX_WAITING = 100  # who have asked, and were not answered yet
MAX_KNOWN = 10_000  # accounts that got a message lately
LATE = "this link was used before, or is too old"


class Letter(Struct, frozen=True):
    """What is written to whoever has forgotten a password: in their language."""

    subject: str
    text: str  # with %(name)s and %(link)s


@dataclass
class Forgotten:
    """The messages on their way, and who got one a moment ago."""

    db: Database
    configuration: Configuration
    settings: Settings
    now: Callable[[], float] = time.monotonic
    _sent: dict[int, float] = field(default_factory=dict)
    _on_the_way: set[asyncio.Task[None]] = field(default_factory=set)

    def is_open(self, values: Values) -> bool:
        """Whether links can be sent.

        They lead to the configured address only: the one in a request is its sender's choice.
        """
        is_here = values.auth_mode == users.DB_AUTH
        return is_here and bool(self.settings.external_url) and mail_server(values) is not None

    def ask(self, name: str, letter: Letter) -> None:
        """Have a link sent to whoever has that name or address, if somebody does."""
        if len(self._on_the_way) >= MAX_WAITING:
            log.warning("too many have forgotten their passwords at once")
            return
        task = asyncio.create_task(self.answer(name, letter))
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)

    async def answer(self, name: str, letter: Letter) -> None:
        try:
            await self._write(name, letter)
        except (MailError, SQLAlchemyError) as error:
            log.warning("a link for a new password was not sent", extra={"error": str(error)})

    async def _write(self, name: str, letter: Letter) -> None:
        server = mail_server(await self.configuration.current())
        login = await users.find_login(self.db.quick, name)
        if server is None or login is None or login.source or not self._is_due(login.user_id):
            return
        async with self.db.reading() as session:
            address = (await users.get(session, login.user_id)).email
        if not address:
            return
        ticket = tickets.make(self.configuration.box, PURPOSE, login, LIFE_S, address=address)
        link = f"{self.settings.external_url.rstrip('/')}/account/new-password?ticket={ticket}"
        text = letter.text % {"name": login.username, "link": link}
        await mail.send(server, address, letter.subject, text)

    def _is_due(self, user_id: int) -> bool:
        """Whether somebody may get a message now: nobody's mailbox is filled by others."""
        now, last = self.now(), self._sent.pop(user_id, None)
        if last is not None and now - last < AGAIN_S:
            self._sent[user_id] = last
            return False
        if len(self._sent) >= MAX_KNOWN:
            del self._sent[next(iter(self._sent))]
        self._sent[user_id] = now
        return True

    async def whose(self, ticket: str) -> Login:
        """Whose password a link may change; ``Forbidden`` if it may not, or not any more."""
        said = tickets.read(self.configuration.box, PURPOSE, ticket)
        login = await users.find_login(self.db.quick, said.name) if said else None
        if said is None or login is None or not tickets.is_still_right(said, login):
            raise Forbidden(LATE)
        async with self.db.reading() as session:
            address = (await users.get(session, login.user_id)).email
        if address != said.address:  # who no longer owns the old mailbox has changed it
            raise Forbidden(LATE)
        return login


async def set_password(session: AsyncSession, login: Login, password_hash: str) -> None:
    """Give somebody another password, and end all sessions.

    ``Forbidden`` if it was changed meanwhile, with the same link perhaps.
    """
    try:
        await users.replace_password(
            session, login.user_id, password_hash=password_hash, instead_of=login.password
        )
    except (Forbidden, NotFound) as error:
        raise Forbidden(LATE) from error
    await sessions.end_all(session, login.user_id)
