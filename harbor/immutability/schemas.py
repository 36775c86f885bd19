"""What is said: rules, as callers write and see them."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from harbor.core.selectors import Selector
from harbor.core.wire import MAX_ID, Id

ACTION, TEMPLATE = "immutable", "immutable_template"
REPOSITORY = "repository"  # the only kind of scope
Name = Annotated[str, Meta(max_length=64)]
Priority = Annotated[int, Meta(ge=-MAX_ID, le=MAX_ID)]
# Only the first counts.
Selectors = Annotated[list[Selector], Meta(max_length=15)]


class ImmutableRuleReq(Struct, kw_only=True):
    """A rule to create, or what to make of one. What is left out of the last four is nothing."""

    id: Id | None = None
    priority: Priority = 0
    disabled: bool = False
    action: Name = ACTION
    template: Name = TEMPLATE
    params: Annotated[dict[Name, Any], Meta(max_length=15)] | None = None
    tag_selectors: Selectors | None = None
    scope_selectors: Annotated[dict[Name, Selectors], Meta(max_length=15)] | None = None


class ImmutableRule(Struct, kw_only=True):
    """A rule: which tags of which repositories never change."""

    id: int
    project_id: int
    priority: int
    disabled: bool
    action: str = ACTION
    template: str = TEMPLATE
    params: dict[str, Any]
    tag_selectors: list[Selector]
    scope_selectors: dict[str, list[Selector]]
