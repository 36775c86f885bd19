"""What is done: say which role holds in a repository, by the rules of its project.

The first rule that is about somebody and fits the name decides: rules about people stand before
those about groups, and these before those about every member. Where none fits, the role in the
project holds. Who leads the project is never ruled, and a rule about every member gives nothing
to who is none. Robots are concerned by the rules about them only: ``machines.py``.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, or_, select, true, union_all
from sqlalchemy.orm import aliased

from harbor.core.oci import MAX_NAME
from harbor.core.patterns import compiled
from harbor.core.quick import Quick
from harbor.directory.models import UserGroupMember
from harbor.projects.models import EVERYBODY, GROUP, PERSON, ROBOT, RepositoryRule

NO_ROLE = 0
PROJECT_ADMIN = 1  # whom no rule concerns
# The kinds of subjects, those that are asked first; robots are asked about by themselves.
ORDER = (PERSON, GROUP, EVERYBODY, ROBOT)
REMEMBERED = 20_000  # names, each with the patterns that it was compared with
Roles = frozenset[int]


class Subject(NamedTuple):
    """Whom a rule is about: a kind, and an id of that kind."""

    kind: str
    id: int


EVERY_MEMBER = Subject(EVERYBODY, 0)


class Rule(NamedTuple):
    """A rule, as far as it decides."""

    id: int
    kind: str
    pattern: str
    role: int

    @property
    def roles(self) -> Roles:
        return frozenset((self.role,)) if self.role else frozenset()


def about(subject: Subject) -> ColumnElement[bool]:
    """The rules of one subject, as a condition."""
    return and_(
        RepositoryRule.subject_type == subject.kind, RepositoryRule.subject_id == subject.id
    )


def about_them(
    user_id: int | BindParameter[int], within: Callable[[Any], ColumnElement[bool]] | None = None
) -> ColumnElement[bool]:
    """The rules about a person, and about the groups of that person, as a condition.

    In which projects is said by *within*, as in ``standing.held_by``.
    """
    rule = aliased(RepositoryRule)
    there = true() if within is None else within(rule.project_id)
    own = select(rule.id).where(rule.subject_type == PERSON, rule.subject_id == user_id, there)
    shared = (
        select(rule.id)
        .join(UserGroupMember, UserGroupMember.group_id == rule.subject_id)
        .where(rule.subject_type == GROUP, UserGroupMember.user_id == user_id, there)
    )
    return RepositoryRule.id.in_(union_all(own, shared))


ABOUT = (
    select(
        RepositoryRule.id,
        RepositoryRule.subject_type,
        RepositoryRule.pattern,
        RepositoryRule.role,
    )
    .where(
        RepositoryRule.project_id == bindparam("project_id"),
        or_(
            about_them(
                bindparam("user_id"), lambda project_id: project_id == bindparam("project_id")
            ),
            RepositoryRule.subject_type == EVERYBODY,
        ),
    )
    .order_by(RepositoryRule.position, RepositoryRule.id)
)


class Ruling(Struct, frozen=True):
    """What the rules of a project say of one person or robot, the first to be asked first."""

    roles: Roles  # in the project
    rules: tuple[Rule, ...]
    patterns: tuple[str, ...]  # of the rules

    @property
    def somewhere(self) -> Roles:
        """The roles that rules give in some repositories."""
        return frozenset(rule.role for rule in self.rules if rule.role)

    def of(self, name: str) -> Rule | None:
        """The rule that decides about the repository of that *name*, without its project."""
        number = first_that_fits(self.patterns, name)
        return None if number is None else self.rules[number]

    def roles_in(self, name: str) -> Roles:
        if len(name) > MAX_NAME:  # there is none, and comparing would take long
            return frozenset()
        found = self.of(name)
        return self.roles if found is None else found.roles


def ruled(roles: Roles, rules: Iterable[Rule]) -> Ruling:
    """What *rules*, in the order of the project, say of who has *roles* in it."""
    counting = [rule for rule in rules if roles or rule.kind != EVERYBODY]
    ordered = tuple(sorted(counting, key=lambda rule: ORDER.index(rule.kind)))
    return Ruling(roles, ordered, tuple(rule.pattern for rule in ordered))


@lru_cache(maxsize=REMEMBERED)
def first_that_fits(patterns: tuple[str, ...], name: str) -> int | None:
    fitting = (n for n, pattern in enumerate(patterns) if compiled(pattern).fits(name))
    return next(fitting, None)


async def ruling(quick: Quick, project_id: int, user_id: int, roles: Roles) -> Ruling:
    """What the rules of a project say of a person, whose *roles* there are known."""
    rows = await quick.fetch(ABOUT, project_id=project_id, user_id=user_id)
    return ruled(roles, [Rule(*row) for row in rows])
