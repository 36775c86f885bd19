"""What went wrong, in words that say what to do next."""

from harbor.core.errors import HarborError
from harbor.core.i18n import gettext as _
from harbor.portal.schemas import Problem


def explain(error: HarborError, *, known: bool) -> Problem:
    """The error as a reader understands it; its own message is told beside that."""
    title, advice = words(error.status)
    return Problem(error.status, title, advice, error.told, not known, error.field)


def words(status: int) -> tuple[str, str]:
    if status in (409, 412):
        return (
            _("That does not fit what is there"),
            _("Look at the current state, then try again."),
        )
    if status in (400, 413, 422):
        return _("That cannot be done so"), _("Check what you entered, then try again.")
    if status in (429, 503):
        return _("Busy"), _("Wait a moment, then try again.")
    return ALONE.get(status, failed)()


def unknown() -> tuple[str, str]:
    return _("Not signed in"), _("What you asked for needs an account.")


def refused() -> tuple[str, str]:
    advice = _("Ask an administrator of the project or of the registry for the right to do it.")
    return _("You may not do this"), advice


def missing() -> tuple[str, str]:
    advice = _("It may have been renamed or deleted, or you may not be allowed to see it.")
    return _("Nothing here"), advice


def failed() -> tuple[str, str]:
    advice = _("Try again. If it goes on, tell an administrator.")
    return _("Something went wrong"), advice


def unanswered() -> tuple[str, str]:
    advice = _("Try again in a moment. If it goes on, tell an administrator.")
    return _("Another server did not answer"), advice


ALONE = {401: unknown, 403: refused, 404: missing, 405: missing, 502: unanswered}
