"""What is shown: the system settings."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field
from starlette.responses import RedirectResponse, Response

from harbor.configuration import service as configuration
from harbor.configuration.schemas import EVENT_TYPES, Values
from harbor.configuration.service import Configuration
from harbor.core import mail, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.mail import MailError
from harbor.core.security import system

routes = Routes(prefix="/harbor", tag="configurationPages", pages=True)
HERE = "/harbor/configs/setting"
EMAIL = "/harbor/configs/email"
Word = Annotated[str, Meta(max_length=255)]
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
NO_BANNER: dict[str, object] = {"message": "", "closable": True, "type": "info"}


class SettingsForm(Struct, kw_only=True):
    """What the form sends: the names are those of the settings, but for the banner's parts."""

    project_creation_restriction: Literal["everyone", "adminonly"] = "everyone"
    self_registration: bool = False
    session_timeout: Word = ""  # minutes
    token_expiration: Word = ""  # minutes
    robot_name_prefix: Word = ""
    robot_token_duration: Word = ""  # days
    workload_issuers: Annotated[str, Meta(max_length=16_384)] = ""
    quota_per_project_enable: bool = False
    trash_days: Word = ""
    read_only: bool = False
    notification_enable: bool = False
    scanner_skip_update_pulltime: bool = False
    audit_log_forward_endpoint: Word = ""
    skip_audit_log_database: bool = False
    recorded: list[str] = field(default_factory=list)  # the events that are not disabled
    banner: Annotated[str, Meta(max_length=4096)] = ""
    banner_type: Literal["info", "success", "warning", "danger"] = "info"
    banner_closable: bool = False
    banner_from: Day = ""
    banner_to: Day = ""

    @property
    def told(self) -> dict[str, object]:
        """The settings by name."""
        given = msgspec.structs.asdict(self)
        told = {name: value for name, value in given.items() if name in Values.__struct_fields__}
        disabled = [name for name in EVENT_TYPES if name not in self.recorded]
        return told | {
            "disabled_audit_log_event_types": ",".join(disabled),
            "banner_message": self._banner(),
        }

    def _banner(self) -> str:
        if not self.banner.strip():
            return ""
        said = {
            "message": self.banner.strip(),
            "closable": self.banner_closable,
            "type": self.banner_type,
            "fromDate": self.banner_from,
            "toDate": self.banner_to,
        }
        return msgspec.json.encode({name: value for name, value in said.items() if value}).decode()


EVENTS = {
    "create_artifact": later("An artifact is pushed"),
    "delete_artifact": later("An artifact is deleted"),
    "pull_artifact": later("An artifact is pulled"),
    "create_project": later("A project is created"),
    "delete_project": later("A project is deleted"),
    "delete_repository": later("A repository is deleted"),
    "login_user": later("Somebody signs in"),
    "logout_user": later("Somebody signs out"),
    "create_user": later("An account is created"),
    "delete_user": later("An account is deleted"),
    "update_user": later("An account is changed"),
    "create_robot": later("A robot is created"),
    "delete_robot": later("A robot is deleted"),
    "update_configuration": later("Settings are changed"),
    "create_member": later("A member is added"),
    "delete_member": later("A member is removed"),
    "update_member": later("The role of a member is changed"),
    "update_project": later("A project is changed"),
}  # what EVENT_TYPES mean
KINDS = ("artifact", "repository", "project", "member", "user", "robot", "configuration")
NUMBERS = (
    "email_port",
    "session_timeout",
    "token_expiration",
    "robot_token_duration",
    "trash_days",
)
FIELDS = {"banner_message": "banner", "disabled_audit_log_event_types": "recorded"}


class Settings(Struct, frozen=True):
    """The settings as the form shows them."""

    values: Values
    banner: dict[str, object]
    recorded: list[str]
    fixed: bool  # the environment decides, and nothing can be changed

    @property
    def events(self) -> list[tuple[str, str]]:
        """By what they are about, which is how the names end."""
        ordered = sorted(EVENT_TYPES, key=lambda name: KINDS.index(name.rpartition("_")[2]))
        return [(name, _(EVENTS[name])) for name in ordered]

    def said(self, name: str) -> object:
        """A part of the banner."""
        return self.banner.get(name, "")


class EmailForm(Struct, kw_only=True):
    """What the form of e-mail sends, by the names of the settings."""

    email_host: Word = ""
    email_port: Word = ""
    email_username: Word = ""
    email_password: Word = ""
    email_from: Word = ""
    email_ssl: bool = False
    email_insecure: bool = False


class EmailTo(Struct):
    """Whom a message is for."""

    to: Annotated[str, Meta(min_length=3, max_length=255)]


class EmailSettings(Struct, frozen=True):
    """The settings of e-mail as the form shows them."""

    values: Values
    fixed: bool
    is_set: bool  # messages can be sent
    has_password: bool
    has_address: bool  # links can lead here


class EmailTest(Struct, frozen=True):
    """The form of a test message."""


@routes.on("GET", "/configs", allow=system("configuration", "read"))
async def to_settings(ctx: Ctx) -> Response:
    """Go to the first page of the configuration."""
    return RedirectResponse(HERE, 303)


@routes.on("GET", "/configs/setting", allow=system("configuration", "read"))
async def settings_page(ctx: Ctx) -> View:
    """Show the system settings."""
    settings = ctx.the(Configuration)
    values = await settings.current()
    disabled = {name.strip() for name in values.disabled_audit_log_event_types.split(",")}
    page = Settings(
        values=values,
        banner=msgspec.json.decode(values.banner_message) if values.banner_message else NO_BANNER,
        recorded=[name for name in EVENT_TYPES if name not in disabled],
        fixed=settings.is_fixed,
    )
    return View("configuration/settings.html", page)


@routes.on(
    "POST",
    "/configs/setting",
    allow=system("configuration", "update"),
    fails=(BadRequest, Forbidden),
    audit=Audit("update", "configuration", "configuration"),
    stream=True,  # reaching another server takes long: the transaction begins after it
    read_only_ok=True,  # or nobody could end the read-only mode
)
async def save_settings(ctx: Ctx, form: SettingsForm) -> Response:
    """Change the system settings, from the form."""
    settings = ctx.the(Configuration)
    changes = await changed(settings, form.told)
    if endpoint := changes.get("audit_log_forward_endpoint"):
        with ui.at_field("audit_log_forward_endpoint"):
            await configuration.reach(str(endpoint))
    ctx.subject = ", ".join(changes) or None
    before = await settings.current()
    async with ctx.writing() as session:
        with ui.at_field("robot_name_prefix"):
            if name := await configuration.called_like_robots(session, before, changes):
                raise BadRequest(_("The name of %(name)s begins like that.") % {"name": name})
        with ui.at_field("skip_audit_log_database"):
            await configuration.change(ctx, changes)
    return ui.done(ctx.request, HERE, _("The settings were saved."))


@routes.on("GET", "/configs/email", allow=system("configuration", "read"))
async def email_page(ctx: Ctx) -> View:
    """Show the settings of the server that takes our e-mail."""
    settings = ctx.the(Configuration)
    return View("configuration/email.html", await email_settings(ctx, settings))


@routes.on(
    "POST",
    "/configs/email",
    allow=system("configuration", "update"),
    fails=(BadRequest, Forbidden),
    audit=Audit("update", "configuration", "configuration"),
    read_only_ok=True,
)
async def save_email(ctx: Ctx, form: EmailForm) -> Response:
    """Change the settings of e-mail, from the form; without a password it stays as it is."""
    settings = ctx.the(Configuration)
    told = msgspec.structs.asdict(form)
    if not form.email_password:
        del told["email_password"]
    if form.email_host.strip():
        with ui.at_field("email_from"):
            if not form.email_from.strip():
                raise BadRequest(_("Enter the address that messages come from."))
    changes = await changed(settings, told)
    ctx.subject = ", ".join(changes) or None
    await configuration.change(ctx, changes)
    return ui.done(ctx.request, EMAIL, _("The settings were saved."))


@routes.on("GET", "/configs/email/test", allow=system("configuration", "update"))
async def ask_for_test_message(ctx: Ctx) -> View:
    """Ask whom a test message is sent to."""
    return View("configuration/email_test.html", EmailTest())


@routes.on(
    "POST",
    "/configs/email/test",
    allow=system("configuration", "update"),
    fails=(BadRequest,),
    audit=Audit("create", "test-message", "{form.to}"),
    stream=True,  # it does not wait for another server within a transaction
)
async def send_test_message(ctx: Ctx, form: EmailTo) -> Response:
    """Send a message to see whether the settings, as they were saved, are right."""
    server = configuration.mail_server(await ctx.the(Configuration).current())
    if server is None:
        raise BadRequest(_("Save the server and the sender first."))
    text = _("If you can read this, e-mail from this registry arrives.")
    with ui.at_field("to"):
        try:
            await mail.send(server, form.to, _("Test message"), f"{text}\n")
        except MailError as error:
            said = {"error": str(error)[:500]}
            raise BadRequest(_("It was not taken: %(error)s") % said) from error
    async with ctx.writing():
        ctx.subject = form.to
    return ui.done(
        ctx.request, EMAIL, _("The message to %(address)s was taken.") % {"address": form.to}
    )


async def email_settings(ctx: Ctx, settings: Configuration) -> EmailSettings:
    values = await settings.current()
    return EmailSettings(
        values=values,
        fixed=settings.is_fixed,
        is_set=configuration.mail_server(values) is not None,
        has_password=bool(values.email_password),
        has_address=bool(ctx.settings.external_url),
    )


async def changed(settings: Configuration, told: dict[str, object]) -> dict[str, object]:
    """What a form changes of the settings; what is wrong is said at its field."""
    before = await settings.current()
    changes: dict[str, object] = {}
    for name, value in told.items():
        with ui.at_field(FIELDS.get(name, name)):
            given = number(value) if name in NUMBERS else value
            changes |= configuration.accepted(settings, {name: given})
    return {name: new for name, new in changes.items() if new != getattr(before, name)}


def number(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or not 0 < len(text) <= 10:  # noqa: PLR2004, digits
        raise BadRequest(_("Enter a whole number that is larger than 0."))
    return int(text)
