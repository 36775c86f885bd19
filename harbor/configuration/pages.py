"""What is shown: the system settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field
from starlette.responses import RedirectResponse, Response

from harbor.configuration import service as configuration
from harbor.configuration.schemas import EVENT_TYPES, Values
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.security import system

routes = Routes(prefix="/harbor", tag="configurationPages", pages=True)
HERE = "/harbor/configs/setting"
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
    quota_per_project_enable: bool = False
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
NUMBERS = ("session_timeout", "token_expiration", "robot_token_duration")
FIELDS = {"banner_message": "banner", "disabled_audit_log_event_types": "recorded"}


@dataclass(frozen=True, slots=True)
class Settings:
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
    told, before = form.told, await settings.current()
    changes: dict[str, object] = {}
    for name, value in told.items():
        with ui.at_field(FIELDS.get(name, name)):
            given = number(value) if name in NUMBERS else value
            changes |= configuration.accepted(settings, {name: given})
    changes = {name: new for name, new in changes.items() if new != getattr(before, name)}
    if endpoint := changes.get("audit_log_forward_endpoint"):
        with ui.at_field("audit_log_forward_endpoint"):
            await configuration.reach(str(endpoint))
    ctx.subject = ", ".join(changes) or None
    async with ctx.writing() as session:
        with ui.at_field("skip_audit_log_database"):
            await configuration.update(session, settings, changes)
    return ui.done(ctx.request, HERE, _("The settings were saved."))


def number(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or not 0 < len(text) <= 10:  # noqa: PLR2004, digits
        raise BadRequest(_("Enter a whole number that is larger than 0."))
    return int(text)
