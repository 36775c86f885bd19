"""Wrong passwords: what is counted, who has to wait, and for how long.

Three things are counted, and each makes wait for longer the more there is of it:

- wrong passwords for one name from one address, which is what somebody mistypes or guesses;
- wrong passwords from one address, for whatever names: one password tried on everybody;
- wrong passwords for one name, from whatever addresses: many machines that try one account.

The last two would let anybody keep others out. So they leave alone whoever has signed in with
that name from that address before, and the last one never makes wait for longer than a minute.
Whether there is an account of the name makes no difference anywhere. Names that differ in nothing
but capitals are one: some sources of people take them for one, so that each would be a guess more.
"""

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from harbor.core import clock

REMEMBERED = 10_000  # of each kind
FORGET_S = 3600  # after the last wrong password
MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Ladder:
    """How waiting grows: *free* wrong passwords cost *first* delays each, then twice that, …"""

    free: int
    first: int  # 0 or 1
    max_s: float

    def wait_s(self, wrong: int, delay_s: float) -> float:
        steps = min(wrong - self.free, MAX_DOUBLINGS)
        return min(self.max_s, delay_s * (2.0**steps if steps > 0 else self.first))


def folded(name: str) -> str:
    """The name, as all names are written that a directory may take for the same."""
    return unicodedata.normalize("NFKC", name).casefold()


@dataclass(slots=True)
class Count:
    """Wrong passwords in a row, and until when nobody may try again."""

    wrong: int
    last: float
    until: float


@dataclass(frozen=True, slots=True)
class Lock:
    """Somebody who guesses, as an administrator sees it."""

    name: str  # "": whatever names
    address: str  # "": from wherever
    wrong: int
    last: datetime
    until: datetime


class Counter:
    """The counts of one kind, by what they are about."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.counts: dict[tuple[str, str], Count] = {}

    def is_locked(self, key: tuple[str, str], now: float) -> bool:
        count = self.counts.get(key)
        return count is not None and count.until > now

    def add(self, key: tuple[str, str], now: float, delay_s: float) -> None:
        before = self.counts.pop(key, None)  # put back as the newest
        wrong = before.wrong + 1 if before and now - before.last < FORGET_S else 1
        if len(self.counts) >= REMEMBERED:
            del self.counts[next(iter(self.counts))]
        self.counts[key] = Count(wrong, now, now + self.ladder.wait_s(wrong, delay_s))


PAIR = Ladder(free=3, first=1, max_s=15 * 60)
ADDRESS = Ladder(free=20, first=0, max_s=5 * 60)
NAME = Ladder(free=50, first=0, max_s=60)


@dataclass
class Lockout:
    """What this process has seen of wrong passwords."""

    delay_s: float  # of a first wrong password; 0: nobody ever waits
    now: Callable[[], float] = time.monotonic
    _pairs: Counter = field(default_factory=lambda: Counter(PAIR))
    _addresses: Counter = field(default_factory=lambda: Counter(ADDRESS))
    _names: Counter = field(default_factory=lambda: Counter(NAME))
    _known: dict[tuple[str, str], None] = field(default_factory=dict)  # who has come in before

    def is_locked(self, name: str, address: str) -> bool:
        """Whether a password for *name* from *address* is not even looked at now."""
        now, name = self.now(), folded(name)
        if self._pairs.is_locked((name, address), now):
            return True
        if (name, address) in self._known:
            return False
        return self._addresses.is_locked(("", address), now) or self._names.is_locked(
            (name, ""), now
        )

    def wrong(self, name: str, address: str) -> None:
        now, name = self.now(), folded(name)
        self._pairs.add((name, address), now, self.delay_s)
        self._addresses.add(("", address), now, self.delay_s)
        self._names.add((name, ""), now, self.delay_s)

    def right(self, name: str, address: str) -> None:
        """Forget what was mistyped. An address gains nothing: one's own account is no licence."""
        key = folded(name), address
        self._pairs.counts.pop(key, None)
        self._known.pop(key, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = None

    def listed(self) -> list[Lock]:
        """Who is waiting now, or has guessed a lot within the hour; the latest first."""
        now, moment = self.now(), clock.now()

        def at(seconds: float) -> datetime:
            return moment + timedelta(seconds=seconds - now)

        found = [
            Lock(name, address, count.wrong, at(count.last), at(count.until))
            for counter in (self._pairs, self._addresses, self._names)
            for (name, address), count in counter.counts.items()
            if count.until > now
            or (count.wrong > counter.ladder.free and now - count.last < FORGET_S)
        ]
        return sorted(found, key=lambda lock: lock.last, reverse=True)

    def release(self, name: str, address: str) -> bool:
        """Forget a count of wrong passwords; whether there was one."""
        counters, key = (self._pairs, self._addresses, self._names), (folded(name), address)
        gone = [counter.counts.pop(key, None) for counter in counters]
        return any(each is not None for each in gone)
