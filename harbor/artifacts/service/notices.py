"""What is done: say, before and after a deletion, whether it can be undone."""

from harbor.artifacts.service.trash import Terms
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.projects.service import header


def beforehand(terms: Terms) -> str:
    """Whether what is about to be deleted can be restored."""
    if not terms.days:
        return _("This cannot be undone.")
    said = ngettext(
        "The trash keeps what is deleted for %(num)s day.",
        "The trash keeps what is deleted for %(num)s days.",
        terms.days,
    )
    return said % {"num": terms.days}


def afterwards(project_id: int, said: str, terms: Terms) -> tuple[str, tuple[str, str] | None]:
    """What to say of a deletion, and the way to the trash if that keeps what was deleted."""
    if not terms.days:
        return said, None
    trash = f"{header.path_of(project_id)}/trash"
    return f"{said} {beforehand(terms)}", (trash, _("Open the trash"))
