"""The command line: ``python -m benchmarks``."""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import table
from benchmarks.bench import SHORT, Bench, Scale
from benchmarks.driving import DRIVER
from benchmarks.facts import facts
from benchmarks.processes import Failed, end_in_order
from benchmarks.registries import PEER_PROGRAM, Keys
from benchmarks.table import Outcome
from benchmarks.targets import Row, rows


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--short", action="store_true", help="one round, of little: does it all work?")
    add("--only", metavar="PATTERN", default="", help="rows whose name has this in it")
    add("--rounds", type=int, help="samples of each side (5; short: 1)")
    add("--no-peer", action="store_true", help="measure ours alone")
    add("--data", type=Path, help="where data lies (the folder for temporary files)")
    add("--json", type=Path, help="write all samples to this file")
    add("--markdown", type=Path, help="write the tables to this file")
    return parser.parse_args()


def main() -> int:
    told = options()
    scale = SHORT if told.short else Scale()
    chosen = [row for row in rows(scale) if told.only.lower() in row.name.lower()]
    nrounds = told.rounds or (1 if told.short else 5)
    end_in_order()
    known, outcomes = facts(), []
    try:
        check_tools(chosen)
        with session(scale, told.data) as bench:
            for row in chosen:
                outcomes.append(measure(bench, row, nrounds, alone=told.no_peer))
                print(table.progress(outcomes[-1]), flush=True)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("\n" + table.text(known, outcomes))
    if told.markdown:
        told.markdown.write_text(table.markdown(known, outcomes))
    if told.json:
        told.json.write_bytes(table.json(known, outcomes))
    return 0


def check_tools(chosen: list[Row]) -> None:
    if not chosen:
        raise Failed("no row has that in its name")
    for program in (DRIVER, PEER_PROGRAM):
        if not program.exists():
            raise Failed(f"{program} is missing: run benchmarks/install")


@contextlib.contextmanager
def session(scale: Scale, data: Path | None) -> Iterator[Bench]:
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-", dir=data) as folder,
        contextlib.ExitStack() as stack,
    ):
        yield Bench(Path(folder), scale, Keys(Path(folder)), stack)


def measure(bench: Bench, row: Row, nrounds: int, *, alone: bool) -> Outcome:
    """Sample after sample, of one side and of the other in turn."""
    found = Outcome(row, [], [])
    for _ in range(nrounds):
        for side, samples in zip(row.sides, (found.ours, found.peer), strict=True):
            if side.is_ours or not alone:
                samples.append(row.run(bench, side))
    return found


if __name__ == "__main__":
    sys.exit(main())
