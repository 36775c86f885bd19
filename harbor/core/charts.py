"""The geometry of charts: shares, arcs and lines as the attributes of SVG elements."""

from collections.abc import Sequence
from datetime import date
from math import tau
from typing import Protocol, TypeVar

from msgspec import Struct

RADIUS = 42.0  # of a donut in a box of 100
AROUND = tau * RADIUS


class Slice(Struct, frozen=True):
    """One part of a whole: ``label``, ``value``, and a ``kind`` that chooses its colour."""

    label: str
    value: float
    kind: str = "1"  # "critical", "good", ... or "1" to "8"


class Placed(Struct, frozen=True):
    """A slice with where it begins and how long it is, in the units of the chart."""

    slice: Slice
    start: float
    length: float
    share: float  # 0 to 1


class Daily(Protocol):
    """The bytes of a day."""

    @property
    def day(self) -> date: ...
    @property
    def nbytes(self) -> int: ...


AnyDaily = TypeVar("AnyDaily", bound=Daily)


def placed(slices: Sequence[Slice], length: float = 100.0, gap: float = 0.0) -> list[Placed]:
    """The slices with a value, one after the other, over *length*."""
    kept = [each for each in slices if each.value > 0]
    total = sum(each.value for each in kept)
    room = length - gap * (len(kept) if len(kept) > 1 else 0)
    found, start = [], 0.0
    for each in kept:
        share = each.value / total
        found.append(Placed(each, round(start, 3), round(share * room, 3), share))
        start += share * room + gap
    return found


def arcs(slices: Sequence[Slice]) -> list[Placed]:
    """The slices around a donut, for ``stroke-dasharray`` and ``stroke-dashoffset``."""
    return placed(slices, AROUND, gap=2.0)


def line(values: Sequence[float], width: float = 100.0, height: float = 30.0) -> str:
    """The points of a polyline through *values*, from nought at the bottom to the largest."""
    highest = max(values, default=0) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{at * step:.2f},{height - value / highest * height:.2f}"
        for at, value in enumerate(values)
    )


def area(values: Sequence[float], width: float = 100.0, height: float = 30.0) -> str:
    """The same, closed along the bottom."""
    return f"0,{height} {line(values, width, height)} {width},{height}" if values else ""


def tallest(values: Sequence[float]) -> float:
    """The largest of *values*, as what the longest bar stands for; never nought."""
    return max(values, default=0) or 1


def level(used: float, limit: float) -> str:
    """How full: ``ok``, ``near`` from 80 %, ``full`` from 95 %; ``open`` without a limit."""
    if limit <= 0:
        return "open"
    share = used / limit
    return "full" if share >= 0.95 else "near" if share >= 0.8 else "ok"  # noqa: PLR2004


def percent(used: float, limit: float) -> float:
    """Between 0 and 100."""
    return round(min(max(used / limit, 0), 1) * 100, 2) if limit > 0 else 0.0


def changes(days: Sequence[AnyDaily]) -> list[AnyDaily]:
    """Those of *days* that differ from the day before, the first and the last."""
    last = len(days) - 1
    return [
        each
        for at, each in enumerate(days)
        if at in (0, last) or each.nbytes != days[at - 1].nbytes
    ]
