"""What Harbor serves is served here, under the same name: method, path, operationId and tag.

``parity.csv`` lists the operations of Harbor's API by their tags, without the ``/api/v2.0``.
"""

import csv
from pathlib import Path

from harbor.core.openapi import camel
from harbor.doors import operations

BASE = "/api/v2.0"
# They are about scanners, for which there is no room yet. An operation
# leaves this list in the change that adds it.
LATER = {
    "getScannerOfProject",
    "listScannerCandidatesOfProject",
    "setScannerOfProject",
}
Row = tuple[str, str, str, str]


def harbors() -> set[Row]:
    with Path(__file__).with_name("parity.csv").open() as file:
        return {
            (row["method"], BASE + row["path"].rstrip("/"), row["operationId"], row["tag"])
            for row in csv.DictReader(file)
        }


def ours() -> set[Row]:
    return {
        (op.method, op.path.rstrip("/"), op.id or camel(op.handler.__name__), op.tag)
        for op in operations()
    }


def test_nothing_of_harbors_is_missing() -> None:
    missing = sorted(harbors() - ours())
    for method, path, name, tag in missing:
        print(f"missing: {method} {path} {name} ({tag})")
    assert {name for _, _, name, _ in missing} == LATER
