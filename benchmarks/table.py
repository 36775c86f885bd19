"""Samples as a table: as text, as Markdown, as JSON."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.bench import Sample
from benchmarks.facts import NOTES
from benchmarks.targets import Row

Cells = Sequence[str]
PROGRESS = (46, 12, 26, 26, 6, 8, 3)  # widths, while nobody knows how wide the rest will be
COMPARED = ("what", "unit", "ours", "peer", "ratio", "target", "met")
COSTS = (
    "what",
    "CPU unit",
    "CPU, ours",
    "CPU, peer",
    "peak MB, ours",
    "peak MB, peer",
    "p50/p99 µs, ours",
    "p50/p99 µs, peer",
    "driver, ours/peer",
    "others, ours/peer",
)


@dataclass(frozen=True)
class Outcome:
    """All samples of a row; the second side's are empty if it was left out."""

    row: Row
    ours: list[Sample]
    peer: list[Sample]

    def ratio(self) -> float | None:
        """How many times as good as the second side."""
        if not self.peer:
            return None
        ratio = middle(self.ours, value_of) / middle(self.peer, value_of)
        return 1 / ratio if self.row.less_is_better else ratio

    def cpu_ratio(self) -> float | None:
        return middle(self.ours, cpu_of) / middle(self.peer, cpu_of) if self.peer else None

    def lines(self) -> list[Cells]:
        """The comparison itself, and a line for each limit that the row has."""
        row, ratio = self.row, self.ratio()
        lines: list[Cells] = [
            (
                row.name,
                row.unit,
                spread(self.ours, value_of),
                spread(self.peer, value_of),
                times(ratio),
                f"≥ {row.at_least:g}x",
                said(None if ratio is None else ratio >= row.at_least),
            )
        ]
        if row.cpu_at_most is not None:
            cpu = self.cpu_ratio()
            lines.append(
                (
                    "- server CPU",
                    row.cpu_unit,
                    spread(self.ours, cpu_of),
                    spread(self.peer, cpu_of),
                    times(cpu),
                    f"≤ {row.cpu_at_most:g}x",
                    said(None if cpu is None else cpu <= row.cpu_at_most),
                )
            )
        for what, limit, megabytes in (
            ("- peak memory", row.peak_at_most, peak_mb),
            ("- memory, growth", row.growth_at_most, growth_mb),
        ):
            if limit is not None:
                lines.append(self._memory_line(what, limit / 1e6, megabytes))
        return lines

    def _memory_line(self, what: str, limit: float, megabytes: "Read") -> Cells:
        worst = max(megabytes(sample) for sample in self.ours)
        ours, peer = spread(self.ours, megabytes), spread(self.peer, megabytes)
        return what, "MB", ours, peer, "", f"≤ {limit:.0f} MB", said(worst <= limit)

    def costs(self) -> Cells:
        both = (self.ours, self.peer)
        return (
            self.row.name,
            self.row.cpu_unit,
            *(spread(samples, cpu_of) for samples in both),
            *(spread(samples, peak_mb) for samples in both),
            *(latency(samples) for samples in both),
            *(
                " / ".join(f"{middle(each, share):.0%}" for each in both if each)
                for share in (driver_of, others_of)
            ),
        )


Read = Callable[[Sample], float]


def value_of(sample: Sample) -> float:
    return sample.value


def cpu_of(sample: Sample) -> float:
    return sample.cpu


def peak_mb(sample: Sample) -> float:
    return sample.peak_rss / 1e6


def growth_mb(sample: Sample) -> float:
    return sample.grown_rss / 1e6


def driver_of(sample: Sample) -> float:
    return sample.driver_share


def others_of(sample: Sample) -> float:
    return sample.others


def middle(samples: Sequence[Sample], read: Read) -> float:
    return statistics.median(read(sample) for sample in samples)


def spread(samples: Sequence[Sample], read: Read) -> str:
    """The median, and from where to where the others lie."""
    if not samples:
        return ""
    values = [read(sample) for sample in samples]
    if len(values) == 1:
        return number(values[0])
    return f"{number(middle(samples, read))} ({number(min(values))}-{number(max(values))})"


def latency(samples: Sequence[Sample]) -> str:
    if not samples or not samples[0].p50_us:
        return ""
    p50 = statistics.median(sample.p50_us for sample in samples)
    p99 = statistics.median(sample.p99_us for sample in samples)
    return f"{p50:,.0f} / {p99:,.0f}"


def number(value: float) -> str:
    """With three digits that say something."""
    digits = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:,.{min(max(digits, 0), 3)}f}"


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{number(ratio)}x"


def said(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "NO"


def in_columns(line: Cells, widths: Sequence[int] = PROGRESS) -> str:
    padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
    return "  ".join(padded).rstrip()


def progress(outcome: Outcome) -> str:
    return "\n".join(in_columns(line) for line in outcome.lines())


def tables(outcomes: Sequence[Outcome]) -> list[list[Cells]]:
    """The comparison, and what it cost, each with its title."""
    compared = [line for outcome in outcomes for line in outcome.lines()]
    return [[COMPARED, *compared], [COSTS, *(outcome.costs() for outcome in outcomes)]]


def text(facts: Mapping[str, str], outcomes: Sequence[Outcome]) -> str:
    parts = ["\n".join(f"{name}: {fact}" for name, fact in facts.items())]
    for lines in tables(outcomes):
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        parts.append("\n".join(in_columns(line, widths) for line in lines))
    parts.append(NOTES)
    return "\n\n".join(parts)


def markdown(facts: Mapping[str, str], outcomes: Sequence[Outcome]) -> str:
    parts = ["\n".join(f"- {name}: {fact}" for name, fact in facts.items()), NOTES.strip()]
    for title, *lines in tables(outcomes):
        ruled = (title, ["---"] * len(title), *lines)
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in ruled))
    return "\n\n".join(parts) + "\n"


def json(facts: Mapping[str, str], outcomes: Sequence[Outcome]) -> bytes:
    """All samples. Processor time is for each unit of work: seconds, or microseconds."""
    rows = [
        {
            "name": outcome.row.name,
            "unit": outcome.row.unit,
            "cpu_unit": outcome.row.cpu_unit,
            "ratio": outcome.ratio(),
            "at_least": outcome.row.at_least,
            "samples": {
                side.name: samples
                for side, samples in zip(
                    outcome.row.sides, (outcome.ours, outcome.peer), strict=True
                )
            },
        }
        for outcome in outcomes
    ]
    return msgspec.json.encode({"facts": facts, "rows": rows})
