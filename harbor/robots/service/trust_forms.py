"""What is done: tell whose tokens a robot signs in with as the pages do, and read their form."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from harbor.configuration.schemas import Values
from harbor.core import ui
from harbor.core.errors import BadRequest, Denied
from harbor.core.i18n import gettext as _
from harbor.core.wire import Id
from harbor.robots import schemas
from harbor.robots.schemas import MAX_RULES, ClaimRule, Trust
from harbor.robots.service.trusts import MAX_EACH

Line = Annotated[str, Meta(max_length=255)]


class Example(NamedTuple):
    """What tokens of a well-known kind say."""

    name: str
    issuer: str
    rules: str


EXAMPLES = (
    Example(
        "GitHub Actions",
        "https://token.actions.githubusercontent.com",
        "repository = my-org/my-app\nref = refs/heads/main",
    ),
    Example(
        "GitLab CI",
        "https://gitlab.example.com",
        "project_path = my-group/my-app\nref_protected = true",
    ),
    Example(
        "Kubernetes",
        "https://cluster.example.com",
        "sub = system:serviceaccount:builds:pusher",
    ),
)


class TrustForm(Struct):
    """What the dialog of a robot's trusts sends."""

    issuer: Line = ""
    audience: Line = ""
    rules: Annotated[str, Meta(max_length=32_768)] = ""  # "claim = pattern" on each line
    unchecked: bool = False  # the certificate


class TrustGone(Struct):
    trust_id: Id


class TrustDialog(Struct, frozen=True):
    """Whose tokens a robot signs in with, and the form that adds another issuer."""

    path: str  # of the list
    robot_id: int
    name: str
    trusts: Sequence[schemas.RobotTrust]
    issuers: Sequence[str]  # that an administrator has listed
    is_admin: bool
    examples: Sequence[Example] = EXAMPLES

    @property
    def action(self) -> str:
        return f"{self.path}/{self.robot_id}/trusts"

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(each, each) for each in self.issuers]

    @property
    def is_full(self) -> bool:
        return len(self.trusts) >= MAX_EACH


def listed(values: Values) -> list[str]:
    return list(dict.fromkeys(values.workload_issuers.split()))


def trust_in(form: TrustForm) -> Trust:
    """What the form says; ``BadRequest`` at the field that is wrong."""
    lines = [line.strip() for line in form.rules.splitlines() if line.strip()]
    rules = []
    with ui.at_field("rules"):
        for line in lines[: MAX_RULES + 1]:
            claim, _equals, pattern = line.partition("=")
            if not claim.strip() or not pattern.strip() or len(line) > schemas.MAX_PATTERN:
                raise BadRequest(wrong_rules())
            rules.append(ClaimRule(claim.strip(), pattern.strip()))
    audience = form.audience.strip()
    return Trust(form.issuer.strip(), audience, tuple(rules), verify=not form.unchecked)


@contextmanager
def at_fields() -> Iterator[None]:
    """Say in the reader's words what is wrong with a trust."""
    try:
        yield
    except (BadRequest, Denied) as error:
        said = {
            "issuer": _("Choose one of the issuers; without TLS, its certificate goes unchecked."),
            "audience": _("Without an audience, tokens that are made for others would count."),
            "rules": wrong_rules(),
            "verify": _("Only an administrator may leave the certificate unchecked."),
        }.get(error.field)
        if said is None:
            raise
        with ui.at_field("unchecked" if error.field == "verify" else error.field):
            raise BadRequest(said) from error


def wrong_rules() -> str:
    return _("One rule on each line, as in claim = pattern. They must not let everybody in.")
