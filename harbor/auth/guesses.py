"""Wrong passwords, as all processes have seen them: the counts of ``lockout`` in a table.

Whoever signs in waits for no write. A process counts at once what it sees, and tells the others
within a second, in one transaction, however many guesses there were. Of whoever tries, it asks the
table once a second at most.

What has been guessed at a lot is different: of all processes, one at a time may look at a password
then. That is a write before the password is looked at; each makes wait for longer, so there are
few. Right passwords that nobody guesses at cause none but the mark, once a day, that somebody has
come in there, which spares them what others do.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import Delete, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.sql.dml import UpdateBase

from harbor.auth.lockout import (
    ADDRESS,
    FORGET_S,
    NAME,
    PAIR,
    REMEMBERED,
    Key,
    Lock,
    Lockout,
    Told,
    keys_of,
    ladder_of,
)
from harbor.auth.models import SignInTry
from harbor.core import clock
from harbor.core.db import Database
from harbor.core.later import Later
from harbor.core.quick import Pen
from harbor.core.quick.statements import Either

OLD_S = 1.0  # how old what we know of other processes may be
TURN_S = 5.0  # for so long whoever is looked at keeps the others waiting, if nothing comes of it
WITHIN_S = 5  # all processes know of whatever happens
MAX_TOLD = 300  # counts in one transaction: a flood from everywhere is no reason to write more
MAX_ROWS = 200_000
TIDY_EVERY_S = 60.0
SAID_EVERY = timedelta(days=1)
KNOWN_FOR = timedelta(days=30)
THIS = (SignInTry.name == bindparam("of_name"), SignInTry.address == bindparam("of_address"))
LOOKED = select(
    SignInTry.name,
    SignInTry.address,
    SignInTry.wrong,
    SignInTry.last_time,
    SignInTry.until_time,
    SignInTry.known_time,
).where(
    or_(
        and_(*THIS),
        and_(SignInTry.name == "", SignInTry.address == bindparam("address_alone")),
        and_(SignInTry.name == bindparam("name_alone"), SignInTry.address == ""),
    )
)
IS_SHOWN = and_(
    SignInTry.wrong > 0,
    or_(
        SignInTry.until_time > bindparam("moment"),
        and_(
            SignInTry.last_time > bindparam("since"),
            or_(
                and_(SignInTry.name != "", SignInTry.address != "", SignInTry.wrong > PAIR.free),
                and_(SignInTry.name == "", SignInTry.wrong > ADDRESS.free),
                and_(SignInTry.address == "", SignInTry.wrong > NAME.free),
            ),
        ),
    ),
)
LISTED = (
    select(
        SignInTry.name,
        SignInTry.address,
        SignInTry.wrong,
        SignInTry.last_time,
        SignInTry.until_time,
    )
    .where(IS_SHOWN)
    .order_by(SignInTry.last_time.desc(), SignInTry.name, SignInTry.address)
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
COUNTED = select(func.count()).select_from(SignInTry).where(IS_SHOWN)
RAISED = (
    update(SignInTry)
    .where(*THIS, SignInTry.until_time < bindparam("at_least"))
    .values(until_time=bindparam("free_at"))
)
LET_GO = (
    update(SignInTry)
    .where(*THIS, SignInTry.until_time == bindparam("held_until"))
    .values(until_time=bindparam("free_at"))
)
RELEASED = (
    update(SignInTry)
    .where(*THIS, SignInTry.wrong > 0)
    .values(wrong=0, until_time=bindparam("free_at"))
    .returning(SignInTry.wrong)
)
OUTDATED = delete(SignInTry).where(
    SignInTry.last_time < bindparam("long_ago"),
    or_(SignInTry.known_time.is_(None), SignInTry.known_time < bindparam("very_long_ago")),
)


def all_but(many: int) -> Delete:
    """Removes all wrong passwords but the newest; whoever came in is no part of a flood."""
    newest = select(SignInTry.last_time).order_by(SignInTry.last_time.desc())
    oldest_kept = newest.offset(many).limit(1).scalar_subquery()
    return delete(SignInTry).where(
        SignInTry.known_time.is_(None), SignInTry.last_time <= oldest_kept
    )


SURPLUS = all_but(MAX_ROWS)


def put(dialect: Any, **more: Any) -> Any:
    """An INSERT of a try, with these columns and *more*."""
    names = ("name", "address", "wrong", "last_time", "until_time")
    return dialect.insert(SignInTry).values({name: bindparam(name) for name in names} | more)


def _added(dialect: Any) -> UpdateBase:
    new = put(dialect)
    is_fresh = SignInTry.last_time > bindparam("fresh_since")
    is_later = new.excluded.last_time > SignInTry.last_time
    return new.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["name", "address"],
        set_={
            "wrong": case(
                (is_fresh, SignInTry.wrong + new.excluded.wrong), else_=new.excluded.wrong
            ),
            "last_time": case((is_later, new.excluded.last_time), else_=SignInTry.last_time),
        },
    ).returning(SignInTry.wrong)


def _taken(dialect: Any) -> UpdateBase:
    new = put(dialect)
    return new.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["name", "address"],
        set_={"until_time": new.excluded.until_time},
        where=SignInTry.until_time <= new.excluded.last_time,
    ).returning(SignInTry.wrong)


def _came_in(dialect: Any) -> UpdateBase:
    new = put(dialect, known_time=bindparam("known_time"))
    names = ("wrong", "last_time", "until_time", "known_time")
    return new.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["name", "address"], set_={name: new.excluded[name] for name in names}
    )


ADDED, TAKEN, CAME_IN = Either(_added), Either(_taken), Either(_came_in)


class OthersTurn(Exception):
    """Another process is looking at a password of that name or from that address."""


class Turn(Struct, frozen=True):
    """Leave to look at a password; what nobody else may try meanwhile, and for how long."""

    keys: tuple[Key, ...]
    until: float


ANY_TURN = Turn((), 0.0)  # of what nobody has to wait for


class Seen(Struct, frozen=True):
    """What a process is about to tell: a wrong password, or else that the count begins anew."""

    key: Key
    at: float
    is_wrong: bool
    came_in: bool = False


class Guesses:
    """Who has to wait: what this process knows, and how it comes to know of others."""

    def __init__(self, db: Database, later: Later, delay_s: float) -> None:
        self._db, self._later = db, later
        self.here = Lockout(delay_s, now)
        self._asked: dict[Key, float] = {}  # when the table was, about a name at an address
        self._tidied = 0.0

    async def is_locked(self, name: str, address: str) -> bool:
        """Whether a password for *name* from *address* is not even looked at now."""
        await self._ask(name, address)
        return self.here.is_locked(name, address)

    async def enter(self, name: str, address: str) -> Turn | None:
        """Leave to look at one password; ``None`` as long as nobody may.

        It must not be asked within a transaction, which would keep others waiting too.
        """
        await self._ask(name, address)
        if self.here.is_locked(name, address):
            return None
        keys, at = self.here.contested(name, address), now()
        turn = Turn(tuple(sorted(keys)), at + TURN_S)
        if not keys:
            return turn
        self.here.hold(keys, turn.until)
        try:
            await self._db.quick.write(partial(take, turn, at))
        except OthersTurn:
            self.here.hold(keys, at)
            self._asked.pop(keys_of(name, address)[0], None)
            await self._ask(name, address)
            return None
        return turn

    def wrong(self, name: str, address: str) -> None:
        self.here.wrong(name, address)
        for key in dict.fromkeys(keys_of(name, address)):
            self._later.add(self._tell, Seen(key, now(), is_wrong=True))

    async def right(self, name: str, address: str, turn: Turn = ANY_TURN) -> None:
        """Forget what was mistyped, and remember that they have come in from there."""
        pair, *_ = keys_of(name, address)
        counted = self.here.right(name, address)
        said = self.here.is_said(pair, now() - SAID_EVERY.total_seconds())
        if counted or not said:
            self._later.add(self._tell, Seen(pair, now(), is_wrong=False, came_in=True))
        if turn.keys:
            self.here.hold(turn.keys, now())
            await self._db.quick.write(partial(let_go, turn))

    async def release(self, pen: Pen, name: str, address: str) -> bool:
        """Forget a count of wrong passwords; whether there was one."""
        key, *_ = keys_of(name, address)
        was_here, at = self.here.release(key), now()
        if was_here:  # what is about to be told of it is over, too
            self._later.add(self._tell, Seen(key, at, is_wrong=False))
        found = await pen.run(RELEASED, of_name=key[0], of_address=key[1], free_at=moment(at))
        return bool(found) or was_here

    async def listed(self, *, offset: int, limit: int) -> tuple[list[Lock], int]:
        """Who is waiting, or has guessed a lot within the hour, the latest first; how many."""
        await self._later.flush()
        at = now()
        which = {"moment": moment(at), "since": moment(at - FORGET_S)}
        rows = await self._db.quick.fetch(LISTED, most=limit, skipped=offset, **which)
        ((total,),) = await self._db.quick.fetch(COUNTED, **which)
        return [Lock(*row) for row in rows], total

    async def _ask(self, name: str, address: str) -> None:
        pair, _, _ = keys_of(name, address)
        if not self.here.delay_s or time.monotonic() - self._asked.get(pair, -OLD_S) < OLD_S:
            return
        rows = await self._db.quick.fetch(
            LOOKED,
            of_name=pair[0],
            of_address=pair[1],
            address_alone=pair[1],
            name_alone=pair[0],
        )
        self.here.learn(name, address, [told(*row) for row in rows])
        self._asked.pop(pair, None)
        if len(self._asked) >= REMEMBERED:
            del self._asked[next(iter(self._asked))]
        self._asked[pair] = time.monotonic()

    async def _tell(self, pen: Pen, seen: Sequence[Seen]) -> None:
        """Add to the table what was seen."""
        by_key: dict[Key, list[Seen]] = {}
        for each in seen:
            by_key.setdefault(each.key, []).append(each)
        anew = {each.key for each in seen if not each.is_wrong}  # no flood hides who came in
        guessed = sorted(by_key.keys() - anew, key=lambda key: len(by_key[key]), reverse=True)
        for key in sorted(
            anew.union(guessed[:MAX_TOLD])
        ):  # in one order, so that no two processes wait for each other
            await tell_one(pen, key, by_key[key], self.here.delay_s)
            await asyncio.sleep(0)  # of many, each takes its time on SQLite
        if time.monotonic() - self._tidied > TIDY_EVERY_S:
            self._tidied = time.monotonic()
            await tidy(pen)


async def take(turn: Turn, at: float, pen: Pen) -> None:
    """Keep all others from trying; ``OthersTurn`` if somebody else does."""
    times = {"last_time": moment(at), "until_time": moment(turn.until)}
    for name, address in turn.keys:
        if not await pen.run(TAKEN, name=name, address=address, wrong=0, **times):
            raise OthersTurn


async def let_go(turn: Turn, pen: Pen) -> None:
    """Let others try again; unless something was wrong meanwhile, which keeps them waiting."""
    times = {"held_until": moment(turn.until), "free_at": clock.now()}
    for name, address in turn.keys:
        await pen.run(LET_GO, of_name=name, of_address=address, **times)


async def tell_one(pen: Pen, key: Key, seen: Sequence[Seen], delay_s: float) -> None:
    place = {"of_name": key[0], "of_address": key[1]}
    anew = max((at for at, each in enumerate(seen) if not each.is_wrong), default=-1)
    if anew >= 0:
        at = moment(seen[anew].at)
        if any(each.came_in for each in seen):
            row = {"name": key[0], "address": key[1], "last_time": at, "until_time": at}
            await pen.run(CAME_IN, wrong=0, known_time=at, **row)
        else:
            await pen.run(RELEASED, **place, free_at=at)
    wrong = seen[anew + 1 :]
    if not wrong:
        return
    last = wrong[-1].at
    times = {"last_time": moment(last), "until_time": moment(last)}
    ((count,),) = await pen.run(
        ADDED,
        name=key[0],
        address=key[1],
        wrong=len(wrong),
        fresh_since=moment(last - FORGET_S),
        **times,
    )
    until = moment(last + ladder_of(key).wait_s(count, delay_s))
    await pen.run(RAISED, **place, at_least=until, free_at=until)


async def tidy(pen: Pen) -> None:
    """Forget what nobody asks for any more, and the oldest of what a flood has left."""
    at = clock.now()
    long_ago = at - timedelta(seconds=FORGET_S)
    await pen.run(OUTDATED, long_ago=long_ago, very_long_ago=at - KNOWN_FOR)
    await pen.run(SURPLUS)


def told(
    name: str, address: str, wrong: int, last: datetime, until: datetime, known: datetime | None
) -> Told:
    when = known.timestamp() if known else None
    return Told((name, address), wrong, last.timestamp(), until.timestamp(), when)


def now() -> float:
    return clock.now().timestamp()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
