"""What is said: what pages show, and the frame around them."""

from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta, Struct

from harbor.core.i18n import Code


class Entry(Struct, frozen=True):
    """A line of the navigation or of the user menu; ``title`` is English, marked by ``later``."""

    path: str
    title: str
    icon: str
    also: tuple[str, ...] = ()  # further paths whose pages belong to it
    dialog: bool = False


class Section(Struct, frozen=True):
    """A part of the navigation."""

    title: str
    entries: tuple[Entry, ...]


class Caller(Struct, frozen=True):
    """Who has signed in."""

    name: str
    is_admin: bool
    local: bool = True  # the account, with its password, is kept here

    @property
    def initial(self) -> str:
        return self.name[:1]


class Banner(Struct, frozen=True):
    """What the administrator says to everybody."""

    message: str
    kind: str  # success, info, warning, danger
    closable: bool
    key: str  # differs from that of every other message


class Frame(Struct, frozen=True, kw_only=True):
    """What stands around every page: ``frame`` in templates."""

    version: str  # no stranger need know it
    path: str
    here: str  # the path with its query
    caller: Caller | None
    csrf: str
    sections: tuple[Section, ...]
    account: tuple[Entry, ...]
    language: Code
    theme: str  # light, dark, or "" as the system has it
    iso: bool  # dates as 2006-01-02
    pull_with: str  # the program in pull commands
    collapsed: bool  # the navigation is a column of icons
    banner: Banner | None
    read_only: bool
    searched: str
    said: str  # what the page before this one wants to be said
    dialog: bool  # the answer stands in the dialog of a page

    @property
    def sign_in_url(self) -> str:
        home = self.here in ("/", "/account/sign-in")
        asked = "" if home else "?" + urlencode({"redirect_url": self.here})
        return f"/account/sign-in{asked}"

    def is_at(self, entry: Entry) -> bool:
        """Whether this page belongs to the entry."""
        return any(
            self.path == path or self.path.startswith(path + "/")
            for path in (entry.path, *entry.also)
        )


class Problem(Struct, frozen=True):
    """What went wrong, and what can be done about it."""

    status: int
    title: str
    advice: str
    message: str
    sign_in: bool  # signing in may help
    field: str = ""  # of the form, where the message belongs


class Home(Struct, frozen=True):
    """The start page: how to use this registry, with its own name in every command."""

    host: str  # with its port, as the browser knows it
    secure: bool
    steps: tuple["Step", ...]


class Step(Struct, frozen=True):
    """One thing to do, and the command that does it."""

    title: str
    command: str
    note: str = ""


class Preferences(Struct, frozen=True):
    """The dialog of the preferences."""

    languages: tuple[tuple[str, str], ...]
    back: str


class PreferencesForm(Struct):
    """What a browser shall remember; what is not sent stays as it is."""

    back: str = "/"
    theme: str | None = None
    language: str | None = None
    dates: str | None = None
    pull_with: str | None = None
    pull_other: str = ""


class LiveQuery(Struct):
    """How long to wait for changes."""

    wait_s: Annotated[float, Meta(ge=0, le=60)] = 60.0


class About(Struct, frozen=True):
    version: str
    python: str
    database: str
    host: str
