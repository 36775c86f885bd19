"""What is done: write rules, and tell which tags they keep as they are."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from harbor.core import query as q
from harbor.core import selectors
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.query import Listing
from harbor.core.quick import Pen
from harbor.core.selectors import REPOSITORIES, TAGS, Selector
from harbor.immutability import schemas
from harbor.immutability.models import ImmutableRule
from harbor.immutability.schemas import ACTION, REPOSITORY, TEMPLATE, ImmutableRuleReq
from harbor.projects.events import ProjectDeleted

MOST_RULES = 1_000  # of a project, since each push of a tag that is there compares it with all
MOST_PARAMS = 4_096  # bytes of JSON
FIELDS: q.Fields = {
    "id": ImmutableRule.id,
    "project_id": ImmutableRule.project_id,
    "priority": ImmutableRule.priority,
    "disabled": ImmutableRule.disabled,
    "creation_time": ImmutableRule.creation_time,
}


async def search(
    session: AsyncSession, project_id: int, query: Listing
) -> tuple[list[schemas.ImmutableRule], int]:
    """One page of the rules of a project, and how many there are."""
    wanted = [ImmutableRule.project_id == project_id, *q.conditions(query.q, FIELDS)]
    total = await session.scalar(select(func.count()).select_from(ImmutableRule).where(*wanted))
    page = (
        select(ImmutableRule)
        .where(*wanted)
        .order_by(*q.order(query.sort, FIELDS), ImmutableRule.id)
        .limit(query.page_size)
        .offset(query.offset)
    )
    return [shown_rule(rule) for rule in await session.scalars(page)], total or 0


async def get(session: AsyncSession, project_id: int, rule_id: int) -> ImmutableRule:
    """The rule of that id, if the project has it, until the commit; ``NotFound``."""
    wanted = select(ImmutableRule).where(
        ImmutableRule.id == rule_id, ImmutableRule.project_id == project_id
    )
    found = await session.scalar(wanted.with_for_update())
    if found is None:
        raise NotFound(
            Phrase(
                "immutable tag rule %(rule_id)s not found in project %(project_id)s",
                rule_id=rule_id,
                project_id=project_id,
            )
        )
    return found


async def create(session: AsyncSession, project_id: int, wanted: ImmutableRuleReq) -> ImmutableRule:
    """A new rule; ``BadRequest`` if it makes no sense, ``Conflict`` if it is there already."""
    own = ImmutableRule.project_id == project_id
    count = await session.scalar(select(func.count()).select_from(ImmutableRule).where(own))
    if (count or 0) >= MOST_RULES:
        raise BadRequest(
            Phrase(
                "the project has %(most)s immutable tag rules, which is the limit", most=MOST_RULES
            )
        )
    rule = ImmutableRule(project_id=project_id, disabled=wanted.disabled)
    session.add(describe(rule, wanted))
    await keep(session)
    return rule


async def change(session: AsyncSession, rule: ImmutableRule, wanted: ImmutableRuleReq) -> None:
    """Switch a rule on or off; or, if that is no change, let it say what is *wanted*.

    Source: Harbor src/controller/immutable/controller.go.
    """
    if rule.disabled != wanted.disabled:
        rule.disabled = wanted.disabled
    else:
        describe(rule, wanted)
    await keep(session)


async def remove(session: AsyncSession, rule: ImmutableRule) -> None:
    await session.delete(rule)


def describe(rule: ImmutableRule, wanted: ImmutableRuleReq) -> ImmutableRule:
    """*rule* with what it is to say; ``BadRequest``."""
    for name, said, known in (
        ("action", wanted.action, ACTION),
        ("template", wanted.template, TEMPLATE),
    ):
        if said not in ("", known):
            raise BadRequest(
                Phrase(
                    "the %(name)s of the rule is %(known)s, not %(given)s",
                    name=name,
                    known=known,
                    given=shown(said),
                )
            )
    scopes = wanted.scope_selectors or {}
    if not wanted.tag_selectors or not scopes.get(REPOSITORY):
        raise BadRequest(
            Phrase("a rule needs tag_selectors, and scope_selectors for the repository")
        )
    for each in wanted.tag_selectors:
        selectors.check(each, TAGS)
    for each in (one for several in scopes.values() for one in several):
        selectors.check(each, REPOSITORIES)
    params = msgspec.json.encode(wanted.params or {})
    if len(params) > MOST_PARAMS:
        raise BadRequest(
            Phrase("the params of a rule have at most %(most)s bytes", most=MOST_PARAMS)
        )
    rule.priority = wanted.priority
    rule.params = params.decode()
    tags = msgspec.json.encode(wanted.tag_selectors)
    repositories = msgspec.json.encode(scopes, order="deterministic")
    rule.tag_selectors, rule.scope_selectors = tags.decode(), repositories.decode()
    rule.fingerprint = hashlib.sha256(tags + repositories).hexdigest()
    return rule


async def keep(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            Phrase("the project has an immutable tag rule that says the same")
        ) from error


def apply_to(project_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether the project has a rule that is in force, as a condition."""
    return exists().where(ImmutableRule.project_id == project_id, ImmutableRule.disabled.is_(False))


class Rule(Struct, frozen=True):
    repositories: Selector
    tags: Selector


class Rules(Struct, frozen=True):
    """The rules of a project that are in force."""

    rules: Sequence[Rule]

    def __bool__(self) -> bool:
        return bool(self.rules)

    async def held(self, repository: str, tags: Iterable[str]) -> list[str]:
        """Those of *tags* of the repository, a name with its project, that are immutable."""

        def found() -> list[str]:
            rules = self._about(repository)
            return [tag for tag in tags if any(rule.tags.chooses(tag) for rule in rules)]

        # There may be thousands of tags, and of rules.
        return await asyncio.to_thread(found) if self.rules else []

    def _about(self, repository: str) -> list[Rule]:
        name = repository.partition("/")[2]
        return [rule for rule in self.rules if rule.repositories.chooses(name)]


IN_FORCE = select(ImmutableRule.tag_selectors, ImmutableRule.scope_selectors).where(
    ImmutableRule.project_id == bindparam("project_id"), ImmutableRule.disabled.is_(False)
)
FORGOTTEN = (
    delete(ImmutableRule)
    .where(ImmutableRule.project_id == bindparam("project_id"))
    .execution_options(synchronize_session=False)
)

TAG_SELECTORS = msgspec.json.Decoder(list[Selector])
SCOPE_SELECTORS = msgspec.json.Decoder(dict[str, list[Selector]])


def shown_rule(rule: ImmutableRule) -> schemas.ImmutableRule:
    return schemas.ImmutableRule(
        id=rule.id,
        project_id=rule.project_id,
        priority=rule.priority,
        disabled=rule.disabled,
        params=msgspec.json.decode(rule.params),
        tag_selectors=TAG_SELECTORS.decode(rule.tag_selectors),
        scope_selectors=SCOPE_SELECTORS.decode(rule.scope_selectors),
    )


async def in_force(pen: Pen, project_id: int) -> Rules:
    """The rules of a project that are not switched off."""
    rows = await pen.run(IN_FORCE, project_id=project_id)
    return Rules(
        [
            Rule(SCOPE_SELECTORS.decode(scopes)[REPOSITORY][0], TAG_SELECTORS.decode(tags)[0])
            for tags, scopes in rows
        ]
    )


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    await pen.run(FORGOTTEN, project_id=event.project_id)
