"""What is shown: the tab of the configuration that says where people come from."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.configuration import service as configuration
from harbor.configuration.schemas import ELSEWHERE, SECRETS, AuthMode, OidcFields, Values
from harbor.configuration.service import Configuration
from harbor.core import origin, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.security import system
from harbor.directory import schemas
from harbor.directory.service.desk import Directory

routes = Routes(prefix="/harbor", tag="configurationPages", pages=True)
HERE = "/harbor/configs/auth"
MODES = {
    "db_auth": (later("Local accounts"), later("They are made here, with a password here.")),
    "ldap_auth": (later("LDAP"), later("Also Active Directory.")),
    "oidc_auth": (later("OIDC"), later("Sign-in at an identity provider.")),
    "http_auth": (later("HTTP auth proxy"), later("It checks passwords, and a TokenReview.")),
    "uaa_auth": (later("UAA"), later("Of Cloud Foundry.")),
}
PREFIXES = {
    "db_auth": ("self_registration",),
    "ldap_auth": ("ldap_",),
    "http_auth": ("http_authproxy_",),
    "uaa_auth": ("uaa_",),
    "oidc_auth": ("oidc_",),
}
Entered = Annotated[str, Meta(max_length=64 * 1024)]
Scope = Literal["0", "1", "2"]


class AuthenticationForm(OidcFields, kw_only=True):
    """What the form sends: the names are those of the settings. An empty secret stays as it is."""

    auth_mode: AuthMode = "db_auth"
    beside: list[str] = field(default_factory=list)
    primary_auth_mode: bool = False
    self_registration: bool = False
    ldap_url: Entered = ""
    ldap_verify_cert: bool = False
    ldap_search_dn: Entered = ""
    ldap_search_password: Entered = ""
    ldap_base_dn: Entered = ""
    ldap_filter: Entered = ""
    ldap_uid: Entered = ""
    ldap_scope: Scope = "2"
    ldap_timeout: Entered = ""
    ldap_group_base_dn: Entered = ""
    ldap_group_search_filter: Entered = ""
    ldap_group_attribute_name: Entered = ""
    ldap_group_search_scope: Scope = "2"
    ldap_group_membership_attribute: Entered = ""
    ldap_group_admin_dn: Entered = ""
    ldap_group_nested: bool = False
    http_authproxy_endpoint: Entered = ""
    http_authproxy_tokenreview_endpoint: Entered = ""
    http_authproxy_admin_groups: Entered = ""
    http_authproxy_admin_usernames: Entered = ""
    http_authproxy_verify_cert: bool = False
    http_authproxy_skip_search: bool = False
    http_authproxy_server_certificate: Entered = ""
    uaa_endpoint: Entered = ""
    uaa_client_id: Entered = ""
    uaa_client_secret: Entered = ""
    uaa_verify_cert: bool = False

    def told(self, shown: tuple[str, ...]) -> dict[str, object]:
        """The settings by name, of those modes whose fields the form had."""
        given = msgspec.structs.asdict(self)
        names = tuple(prefix for mode in shown for prefix in PREFIXES[mode])
        told = {name: value for name, value in given.items() if name.startswith(names)}
        for name in NUMBERS & told.keys():
            told[name] = number(name, str(told[name]))
        told = {name: value for name, value in told.items() if name not in SECRETS or value}
        beside = [mode for mode in ELSEWHERE if mode in self.beside and mode != self.auth_mode]
        if "oidc_auth" in shown:
            told["primary_auth_mode"] = self.primary_auth_mode
        return {**told, "auth_mode": self.auth_mode, "auth_sources": ",".join(beside)}


class Shown(Struct):
    """Which mode's fields to show; none: those of the mode that there is."""

    mode: AuthMode | None = None


NUMBERS = frozenset(("ldap_scope", "ldap_group_search_scope", "ldap_timeout"))


class Authentication(Struct, frozen=True):
    """The settings as the form shows them."""

    values: Values
    mode: str
    fixed: bool  # the environment decides, and nothing can be changed
    base: str  # scheme and host under which people know the registry

    @property
    def modes(self) -> list[tuple[str, str, str]]:
        return [(mode, _(title), _(hint)) for mode, (title, hint) in MODES.items()]

    @property
    def others(self) -> list[tuple[str, str]]:
        return [(mode, _(MODES[mode][0])) for mode in ELSEWHERE if mode != self.mode]

    @property
    def beside(self) -> list[str]:
        """What goes on beside; with another mode, the one that there is, so that nobody is lost."""
        return [mode for mode in self.values.sources if mode != self.mode]

    @property
    def scopes(self) -> list[tuple[str, str]]:
        return [("0", _("Base")), ("1", _("One level")), ("2", _("Subtree"))]

    def has(self, secret: str) -> bool:
        """Whether that secret is stored; it is never shown."""
        return bool(getattr(self.values, secret))


class Tried(Struct, frozen=True):
    """How the LDAP server answered."""

    success: bool
    message: str


@routes.on("GET", "/configs/auth", allow=system("configuration", "read"))
async def authentication_page(ctx: Ctx, query: Shown) -> View:
    """Show where people come from."""
    settings = ctx.the(Configuration)
    values = await settings.current()
    base = ctx.settings.external_url or origin.of(ctx.request, "")
    page = Authentication(values, query.mode or values.auth_mode, settings.is_fixed, base)
    return View("directory/authentication.html", page)


@routes.on(
    "POST",
    "/configs/auth",
    allow=system("configuration", "update"),
    fails=(BadRequest, Forbidden),
    audit=Audit("update", "configuration", "configuration"),
    read_only_ok=True,
)
async def save_authentication(ctx: Ctx, form: AuthenticationForm) -> Response:
    """Change where people come from, from the form."""
    settings = ctx.the(Configuration)
    before = await settings.current()
    changes: dict[str, object] = {}
    for name, value in form.told((form.auth_mode,)).items():
        # With another mode, what is chosen beside it counts as it is, also if that is nothing.
        moves = name == "auth_sources" and form.auth_mode != before.auth_mode
        if value != getattr(before, name) or moves:
            with ui.at_field(name):
                changes |= configuration.accepted(settings, {name: value})
    ctx.subject = ", ".join(changes) or None
    await configuration.change(ctx, changes)
    return ui.done(ctx.request, HERE, _("The settings were saved."))


@routes.on(
    "POST",
    "/configs/auth/ldap",
    allow=system("configuration", "read"),
    fails=(BadRequest,),
    stream=True,  # the server may take its time
    read_only_ok=True,
)
async def try_ldap(ctx: Ctx, form: AuthenticationForm) -> View:
    """Try the LDAP settings that were entered, and say how the server answers."""
    with ui.at_field("ldap_url"):
        answer = await ctx.the(Directory).ping(
            schemas.LdapConf(
                ldap_url=form.ldap_url,
                ldap_search_dn=form.ldap_search_dn,
                ldap_search_password=form.ldap_search_password,
                ldap_base_dn=form.ldap_base_dn,
                ldap_verify_cert=form.ldap_verify_cert,
            )
        )
    return View("directory/tried.html", Tried(answer.success, answer.message))


def number(name: str, text: str) -> int:
    """A whole number; ``BadRequest``, at its field."""
    with ui.at_field(name):
        if not (text.isascii() and text.isdigit()) or len(text) > 10:  # noqa: PLR2004, digits
            raise BadRequest(_("Enter a whole number that is larger than 0."))
        return int(text)
