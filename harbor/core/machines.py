"""Robots as other rooms must know them: how they are called, and what they were given.

It is kept by the ids of projects: a project keeps its robots under another name, and a new one
under an old name gets none.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from harbor.core.security import NOTHING, OF_SYSTEM, Action, Given, Robot

SEPARATOR = "+"  # between a project and its robot
MAX_SHOWN = 255
NEVER = -1  # when it expires
REMEMBERED = 1_000  # permissions of robots
PULL, PUSH = ("repository", "pull"), ("repository", "push")
Places = dict[int, Given]


def stored(name: str, project_name: str | None) -> str:
    """The name of a robot without the prefix."""
    return name if project_name is None else f"{project_name}{SEPARATOR}{name}"


def displayed(prefix: str, name: str) -> str:
    """The name that a robot is called by, and signs in with; a project may get a longer one."""
    return f"{prefix}{name}"[:MAX_SHOWN]


def packed(places: Places) -> str:
    """What is kept of what a robot was given."""
    told = {
        str(place): [sorted(map(":".join, each)) for each in (given.allowed, given.denied)]
        for place, given in sorted(places.items())
    }
    return msgspec.json.encode(told).decode()


@lru_cache(maxsize=REMEMBERED)
def unpacked(text: str) -> Places:
    told = msgspec.json.decode(text, type=dict[str, tuple[list[str], list[str]]])
    return {
        int(place): Given(split(allowed), split(denied))
        for place, (allowed, denied) in told.items()
    }


def mentions(place: int) -> str:
    """What is in the text of every robot that was given something in a place."""
    return f'"{place}":'


def split(texts: Iterable[str]) -> frozenset[Action]:
    found = (text.partition(":") for text in texts)
    return frozenset((resource, action) for resource, _, action in found)


@lru_cache(maxsize=REMEMBERED)
def effective(
    robot_id: int, project_id: int, expires_at: int, text: str, secret_id: str = ""
) -> Robot:
    """What a robot may do. As in Harbor, one of a project pulls where it pushes."""
    places = unpacked(text)
    if project_id != OF_SYSTEM:
        own = places.get(project_id, NOTHING)
        more = {PULL} if PUSH in own.allowed else set()
        places = {project_id: Given(own.allowed | more, own.denied)}
    return Robot(robot_id, project_id, expires_at, places, secret_id)
