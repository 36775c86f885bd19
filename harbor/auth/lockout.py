"""Wrong passwords: what is counted, who has to wait, and for how long.

Three things are counted, and each makes wait for longer the more there is of it:

- wrong passwords for one name from one address, which is what somebody mistypes or guesses;
- wrong passwords from one address, for whatever names: one password tried on everybody;
- wrong passwords for one name, from whatever addresses: many machines that try one account.

The last two would let anybody keep others out. So they leave alone whoever has signed in with
that name from that address before, and the last one never makes wait for longer than a minute.
Whether there is an account of the name makes no difference anywhere. Names that differ in nothing
but capitals are one: some sources of people take them for one, so that each would be a guess more.

Here is what one process knows; ``guesses`` is how it learns what the others have seen.
"""

import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from msgspec import Struct

REMEMBERED = 10_000  # of each kind
FORGET_S = 3600  # after the last wrong password
OWN_S = 3.0  # for so long the others may not have been told yet of what was counted here
MAX_DOUBLINGS = 20
MAX_NAME, MAX_ADDRESS = 255, 64  # characters of what is kept
Key = tuple[str, str]  # a name, or "" for whatever names; an address, or "" for wherever from


class Ladder(Struct, frozen=True):
    """How waiting grows: *free* wrong passwords cost *first* delays each, then twice that, …"""

    free: int
    first: int  # 0 or 1
    max_s: float

    def wait_s(self, wrong: int, delay_s: float) -> float:
        steps = min(wrong - self.free, MAX_DOUBLINGS)
        return min(self.max_s, delay_s * (2.0**steps if steps > 0 else self.first))


def folded(name: str) -> str:
    """The name, as all names are written that a directory may take for the same.

    It can be kept: a database takes neither all signs nor any length.
    """
    plain = unicodedata.normalize("NFKC", name).casefold().replace("\0", "")[:MAX_NAME]
    return plain.encode(errors="replace").decode()


@lru_cache(maxsize=1024)  # it is asked five times for each password
def keys_of(name: str, address: str) -> tuple[Key, Key, Key]:
    """What is counted of a try: the pair, the address, the name."""
    name, address = folded(name), address[:MAX_ADDRESS]
    return (name, address), ("", address), (name, "")


class Count(Struct):
    """Wrong passwords in a row, and until when nobody may try again."""

    wrong: int
    last: float
    until: float


class Told(Struct, frozen=True):
    """What all processes together have counted."""

    key: Key
    wrong: int
    last: float
    until: float
    known: float | None  # when somebody came in with that name from that address


class Lock(Struct, frozen=True):
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
        self.counts: dict[Key, Count] = {}

    def is_locked(self, key: Key, now: float) -> bool:
        count = self.counts.get(key)
        return count is not None and count.until > now

    def is_contested(self, key: Key, now: float) -> bool:
        """Whether so many were wrong lately that only one at a time may try."""
        count = self.counts.get(key)
        return count is not None and count.wrong >= self.ladder.free and is_fresh(count.last, now)

    def add(self, key: Key, now: float, delay_s: float) -> None:
        before = self.counts.get(key)
        wrong = before.wrong + 1 if before and is_fresh(before.last, now) else 1
        self.put(key, Count(wrong, now, now + self.ladder.wait_s(wrong, delay_s)))

    def learn(self, key: Key, told: Told | None, now: float) -> None:
        """Take over what all have counted; what was counted here a moment ago is not in it yet."""
        own = self.counts.get(key)
        if own is not None and 0 <= now - own.last < OWN_S:
            if told is not None:
                own.wrong, own.until = max(own.wrong, told.wrong), max(own.until, told.until)
            return
        self.counts.pop(key, None)
        if told is not None and (told.wrong or told.until > now):
            # A clock that was wrong for a while locks nobody for longer than the ladder does.
            until = min(told.until, now + self.ladder.max_s)
            self.put(key, Count(told.wrong, told.last, until))

    def put(self, key: Key, count: Count) -> None:
        self.counts.pop(key, None)  # put back as the newest
        if len(self.counts) >= REMEMBERED:
            del self.counts[next(iter(self.counts))]
        self.counts[key] = count


PAIR = Ladder(free=3, first=1, max_s=15 * 60)
ADDRESS = Ladder(free=20, first=0, max_s=5 * 60)
NAME = Ladder(free=50, first=0, max_s=60)


def ladder_of(key: Key) -> Ladder:
    name, address = key
    return PAIR if name and address else NAME if name else ADDRESS


def is_fresh(last: float, now: float) -> bool:
    return now - last < FORGET_S


@dataclass
class Lockout:
    """What this process knows of wrong passwords."""

    delay_s: float  # of a first wrong password; 0: nobody ever waits
    now: Callable[[], float] = time.monotonic
    _pairs: Counter = field(default_factory=lambda: Counter(PAIR))
    _addresses: Counter = field(default_factory=lambda: Counter(ADDRESS))
    _names: Counter = field(default_factory=lambda: Counter(NAME))
    _known: dict[Key, float] = field(default_factory=dict)  # who has come in, and is said to have

    def is_locked(self, name: str, address: str) -> bool:
        """Whether a password for *name* from *address* is not even looked at now."""
        now = self.now()
        return any(self._of(key).is_locked(key, now) for key in self._concerned(name, address))

    def contested(self, name: str, address: str) -> list[Key]:
        """What has been guessed at so much that only one at a time may try."""
        if not self.delay_s:
            return []
        now, concerned = self.now(), self._concerned(name, address)
        return [key for key in concerned if self._of(key).is_contested(key, now)]

    def hold(self, keys: Iterable[Key], until: float) -> None:
        """Let nobody else try *keys* until then."""
        for key in keys:
            if count := self._of(key).counts.get(key):
                count.until = until

    def wrong(self, name: str, address: str) -> None:
        now = self.now()
        for key in dict.fromkeys(keys_of(name, address)):
            self._of(key).add(key, now, self.delay_s)

    def right(self, name: str, address: str) -> bool:
        """Forget what was mistyped; whether there was anything.

        An address gains nothing: one's own account is no licence.
        """
        key, *_ = keys_of(name, address)
        gone = self._of(key).counts.pop(key, None)
        self._note_known(key, self._known.get(key, 0.0))
        return gone is not None

    def is_said(self, key: Key, since: float) -> bool:
        """Whether the others were told since then that somebody came in there; now they are."""
        was = self._known.get(key, 0.0)
        if was < since:
            self._note_known(key, self.now())
        return was >= since

    def learn(self, name: str, address: str, told: Sequence[Told]) -> None:
        """Take over what all processes have counted of a name at an address."""
        now, by_key = self.now(), {each.key: each for each in told}
        keys = keys_of(name, address)
        for key in keys:
            self._of(key).learn(key, by_key.get(key), now)
        pair = by_key.get(keys[0])
        if pair is not None and pair.known is not None:
            self._note_known(keys[0], max(pair.known, self._known.get(keys[0], 0.0)))

    def release(self, key: Key) -> bool:
        """Forget a count of wrong passwords; whether there was one."""
        return self._of(key).counts.pop(key, None) is not None

    def _concerned(self, name: str, address: str) -> tuple[Key, ...]:
        """Whoever has come in there before does not pay for others."""
        keys = keys_of(name, address)
        return keys[:1] if keys[0] in self._known else keys

    def _of(self, key: Key) -> Counter:
        name, address = key
        return self._pairs if name and address else self._names if name else self._addresses

    def _note_known(self, key: Key, said: float) -> None:
        self._known.pop(key, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = said
