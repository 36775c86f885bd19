"""What is said: labels, as callers name and see them."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.query import Listing
from harbor.core.wire import Id, Time

Name = Annotated[str, Meta(max_length=128)]
Description = Annotated[str, Meta(max_length=4096)]


class LabelReq(Struct):
    """A label to create, or what to change of one; a null says nothing."""

    name: Name | None = None
    description: Description | None = None
    color: str | None = None  # "#" and six hexadecimal digits, or nothing
    scope: str | None = None  # "g" or "p"; it never changes
    project_id: Id | None = None


class LabelQuery(Listing, kw_only=True):
    """Which labels to list."""

    name: str = ""  # a part of it
    scope: str = ""
    project_id: Id = 0


class Label(Struct, kw_only=True, omit_defaults=True):
    """A word with a colour, of the whole registry or of one project."""

    id: int
    name: str
    description: str = ""
    color: str = ""
    scope: str
    project_id: int = 0
    creation_time: Time
    update_time: Time
