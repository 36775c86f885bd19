"""Where one can go: the navigation, the user menu, and the program in pull commands."""

import re

from starlette.requests import Request

from harbor.core.i18n import later
from harbor.portal.schemas import Caller, Entry, Section

PROGRAM = re.compile(r"[a-z][a-z0-9._-]{0,31}")
PROGRAMS = ("docker", "podman", "nerdctl", "ctr", "crictl")

EVERYBODY = (Entry("/harbor/projects", later("Projects"), "box"),)
SIGNED_IN = (Entry("/harbor/logs", later("Logs"), "logs"),)
ADMINISTRATION = (
    Entry("/harbor/users", later("Users"), "users"),
    Entry("/harbor/groups", later("Groups"), "users-round"),
    Entry("/harbor/robot-accounts", later("Robot accounts"), "bot"),
    Entry("/harbor/labels", later("Labels"), "tag"),
    Entry("/harbor/project-quotas", later("Project quotas"), "gauge"),
    Entry("/harbor/configs", later("Configuration"), "settings"),
)


# What opens an account beside its password, and where it is open.
OPENING = (
    Entry("/account/tokens", later("Access tokens"), "fingerprint"),
    Entry("/account/second-factor", later("Two-factor sign-in"), "shield-check"),
    Entry("/account/sessions", later("Sessions"), "monitor"),
)


def sections(caller: Caller | None) -> tuple[Section, ...]:
    """The navigation as *caller* may see it. A page's own permission is in its declaration."""
    first = Section("", EVERYBODY + SIGNED_IN if caller else EVERYBODY)
    if caller and caller.is_admin:
        return first, Section(later("Administration"), ADMINISTRATION)
    return (first,)


def account(caller: Caller | None) -> tuple[Entry, ...]:
    """The lines of the user menu."""
    preferences = Entry("/account/preferences", later("Preferences"), "sliders", dialog=True)
    about = Entry("/account/about", later("About Harbor"), "info", dialog=True)
    if caller is None:
        return (preferences,)
    profile = Entry("/account/profile", later("Profile"), "user-round", dialog=True)
    password = Entry("/account/password", later("Change password"), "key", dialog=True)
    own = (profile, password) if caller.local else (profile,)
    return (*own, *OPENING, preferences, about)


def pull_with(request: Request) -> str:
    """The program that this browser wants in pull commands."""
    told = request.cookies.get("harbor-pull", "")
    return told if PROGRAM.fullmatch(told) else PROGRAMS[0]
