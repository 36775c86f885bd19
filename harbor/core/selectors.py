"""Selectors: which tags or repositories a rule is about.

Rules of immutability, of retention and of replication choose alike; what they do with what they
have chosen is theirs.
"""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.errors import BadRequest
from harbor.core.oci import shown
from harbor.core.patterns import PatternInvalid, compiled

DOUBLESTAR = "doublestar"
TAGS = ("matches", "excludes")
REPOSITORIES = ("repoMatches", "repoExcludes")


class Selector(Struct, kw_only=True):
    """A pattern, and whether it names what is chosen or what is left out."""

    kind: Annotated[str, Meta(max_length=32)] = DOUBLESTAR
    decoration: Annotated[str, Meta(max_length=32)] = ""
    pattern: str = ""
    extras: Annotated[str, Meta(max_length=1024)] = ""

    def __post_init__(self) -> None:
        self.kind = self.kind or DOUBLESTAR

    def chooses(self, text: str) -> bool:
        return compiled(self.pattern).fits(text) != self.decoration.lower().endswith("excludes")


def check(selector: Selector, decorations: tuple[str, str]) -> None:
    """``BadRequest`` unless the selector is of one of *decorations* and has a pattern."""
    if selector.kind != DOUBLESTAR:
        raise BadRequest(f"the kind of a selector is {DOUBLESTAR}, not {shown(selector.kind)}")
    if selector.decoration not in decorations:
        raise BadRequest(
            f"the decoration of a selector is {' or '.join(decorations)} here, "
            f"not {shown(selector.decoration)}"
        )
    try:
        compiled(selector.pattern)
    except PatternInvalid as error:
        raise BadRequest(f"invalid pattern {shown(selector.pattern)}: {error}") from error
