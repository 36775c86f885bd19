from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harbor.core import rbac

# Harbor's matrix, one line for each permission: project admin, maintainer, developer, guest,
# limited guest, and anyone at all in a public project.
MATRIX = """
project              delete   x - - - - -
project              read     x x x x x x
project              update   x - - - - -
accessory            list     x x x x x x
artifact             create   x x x - - -
artifact             delete   x x - - - -
artifact             list     x x x x x x
artifact             read     x x x x x x
artifact-addition    read     x x x x x x
artifact-label       create   x x x - - -
artifact-label       delete   x x x - - -
configuration        read     x x x x x -
configuration        update   x - - - - -
export-cve           create   x x x - - -
export-cve           list     x x x - - -
export-cve           read     x x x - - -
immutable-tag        create   x x - - - -
immutable-tag        delete   x x - - - -
immutable-tag        list     x x - - - -
immutable-tag        update   x x - - - -
label                create   x x - - - -
label                delete   x x - - - -
label                list     x x x x - x
label                read     x x x x - x
label                update   x x - - - -
log                  list     x - - - - -
member               create   x - - - - -
member               delete   x - - - - -
member               list     x x x x - -
member               read     x x x x - -
member               update   x - - - - -
metadata             create   x - - - - -
metadata             delete   x - - - - -
metadata             read     x x - - - -
metadata             update   x - - - - -
notification-policy  create   x - - - - -
notification-policy  delete   x - - - - -
notification-policy  list     x x - - - -
notification-policy  read     x x - - - -
notification-policy  update   x - - - - -
preheat-policy       create   x - - - - -
preheat-policy       delete   x - - - - -
preheat-policy       list     x - - - - -
preheat-policy       read     x - - - - -
preheat-policy       update   x - - - - -
quota                read     x x x x x -
repository           create   x x x - - -
repository           delete   x x - - - -
repository           list     x x x x x x
repository           pull     x x x x x x
repository           push     x x x - - -
repository           read     x x x x x -
repository           update   x x x - - -
robot                create   x - - - - -
robot                delete   x - - - - -
robot                list     x x x x - -
robot                read     x x x x - -
robot                update   x - - - - -
sbom                 create   x x - - - -
sbom                 read     x x x x x -
sbom                 stop     x x - - - -
scan                 create   x x - - - -
scan                 read     x x x x x x
scan                 stop     x x - - - -
scanner              create   x - - - - -
scanner              read     x x x x x x
tag                  create   x x x - - -
tag                  delete   x x - - - -
tag                  list     x x x x x x
tag-retention        create   x x x - - -
tag-retention        delete   x x x - - -
tag-retention        list     x x x - - -
tag-retention        operate  x x x - - -
tag-retention        read     x x x - - -
tag-retention        update   x x x - - -
"""
COLUMNS = (1, 4, 2, 3, 5, None)  # role ids as in the lines above; None is anyone
POWER = {1: 50, 4: 40, 2: 30, 3: 20, 5: 10}
ROWS = [line.split() for line in MATRIX.strip().splitlines()]
roles = st.frozensets(st.sampled_from(sorted(rbac.ROLES)))
permissions = st.sampled_from([(row[0], row[1]) for row in ROWS])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}:{row[1]}")
def test_each_role_may_do_what_harbor_lets_it_do(row: list[str]) -> None:
    resource, action, *marks = row
    for who, mark in zip(COLUMNS, marks, strict=True):
        allowed = (
            rbac.public_allows(resource, action)
            if who is None
            else rbac.role_allows(frozenset({who}), resource, action)
        )
        assert allowed == (mark == "x"), who


def test_nothing_else_is_allowed_to_anybody() -> None:
    assert set(rbac.ALLOWED) == {(row[0], row[1]) for row in ROWS}
    everything = frozenset(rbac.ROLES)
    assert not rbac.role_allows(everything, "metadata", "list")
    assert not rbac.role_allows(everything, "project", "push")
    assert not rbac.role_allows(everything, "nonsense", "read")
    assert not rbac.public_allows("nonsense", "read")


def test_no_role_allows_nothing() -> None:
    assert not any(rbac.role_allows(frozenset(), row[0], row[1]) for row in ROWS)


@given(roles, roles, permissions)
def test_roles_add_up(
    some: frozenset[int], more: frozenset[int], permission: tuple[str, str]
) -> None:
    together = rbac.role_allows(some | more, *permission)
    assert together == (rbac.role_allows(some, *permission) or rbac.role_allows(more, *permission))


def test_the_highest_role_is_the_one_with_most_power() -> None:
    every = chain.from_iterable(combinations(POWER, size) for size in range(1, 6))
    for held in map(frozenset, every):
        assert rbac.highest(held) == max(held, key=POWER.__getitem__)


@given(roles, st.frozensets(st.integers(min_value=6)))
def test_unknown_roles_are_never_the_highest(known: frozenset[int], other: frozenset[int]) -> None:
    assert rbac.highest(known | other) == rbac.highest(known)
    assert rbac.highest(other) is None
