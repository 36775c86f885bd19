"""Selectors: which tags or repositories a rule is about.

Rules of immutability, of retention and of replication choose alike; what they do with what they
have chosen is theirs.
"""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.errors import BadRequest
from harbor.core.i18n import Phrase
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
        raise BadRequest(
            Phrase(
                "the kind of a selector is %(kind)s, not %(given)s",
                kind=DOUBLESTAR,
                given=shown(selector.kind),
            )
        )
    if selector.decoration not in decorations:
        raise BadRequest(
            Phrase(
                "the decoration of a selector is %(one)s or %(other)s here, not %(given)s",
                one=decorations[0],
                other=decorations[1],
                given=shown(selector.decoration),
            )
        )
    try:
        compiled(selector.pattern)
    except PatternInvalid as error:
        raise BadRequest(
            Phrase(
                "invalid pattern %(pattern)s: %(why)s",
                pattern=shown(selector.pattern),
                why=error.why,
            )
        ) from error
