"""What is done: word the question before a former name ends, of whatever had it, and the answer."""

from harbor.core.i18n import gettext as _
from harbor.core.ui import Confirm


def asked(name: str, action: str) -> Confirm:
    """The question before *name* leads nowhere; *action* is where the answer is sent."""
    return Confirm(
        title=_("End a former name"),
        action=action,
        submit=_("End"),
        text=_("Clients that still pull by this name will find nothing."),
        names=[name],
        fields=[("name", name)],
    )


def ended(name: str) -> str:
    return _("%(name)s leads here no longer.") % {"name": name}
