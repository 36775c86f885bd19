"""What is shown: the settings of a project."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.pages.allowlists import ListForm, Shown, shown, wanted
from harbor.projects.service import allowlists, commands, header, metadata, redirects
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ONE = "/projects/{project_name_or_id}/configs"


class Settings(Struct, frozen=True, kw_only=True):
    """The settings as the form shows them."""

    header: Header
    may_change: bool
    on: frozenset[str]  # the names of the metadata that are true
    severity: str
    own_list: bool  # the project has an allowlist of its own
    own: Shown
    system: Shown
    may_rename: bool
    former: Sequence[str]  # names that still lead here
    host: str


class Copied(Struct, frozen=True):
    """The allowlist of the whole registry, to be taken over."""

    cves: list[str]


class SettingsForm(ListForm):
    """What the form sends."""

    public: bool = False
    enable_content_trust_cosign: bool = False
    enable_content_trust: bool = False
    prevent_vul: bool = False
    severity: Literal["none", "low", "medium", "high", "critical"] = "low"
    auto_scan: bool = False
    auto_sbom_generation: bool = False
    allowlist: Literal["system", "project"] = "system"


SWITCHES = (
    "public",
    "enable_content_trust_cosign",
    "enable_content_trust",
    "prevent_vul",
    "auto_scan",
    "auto_sbom_generation",
)


@routes.on("GET", ONE, allow=project("configuration", "read"), fails=(NotFound,))
async def project_settings_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the settings of the project; who may not change them only reads."""
    head = await header.of(ctx, "configs")
    seen = await projects.see(ctx.session, head.project_id, who=ctx.principal)
    page = Settings(
        header=head,
        may_change=await header.may(ctx, "configuration", "update", head.name),
        on=frozenset(name for name, value in seen.metadata.items() if value in metadata.TRUE),
        severity=seen.metadata.get("severity", "low"),
        own_list=seen.metadata.get(allowlists.REUSE) in metadata.FALSE,
        own=shown(seen.cve_allowlist),
        system=shown(await allowlists.system(ctx.session)),
        may_rename=await header.may(ctx, "project", "update", head.name),
        former=await redirects.names(ctx.session, head.project_id),
        host=commands.host_of(ctx),
    )
    return View("projects/configuration.html", page)


@routes.on(
    "GET", f"{ONE}/system-allowlist", allow=project("configuration", "update"), fails=(NotFound,)
)
async def copy_system_allowlist(ctx: Ctx, project_name_or_id: str) -> View:
    """Offer the ids of the registry's allowlist, for the project's own."""
    return View("projects/cves.html", Copied((await allowlists.system(ctx.session)).items))


@routes.on(
    "POST",
    ONE,
    allow=project("configuration", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "project", "{project_name_or_id}"),
)
async def change_project_settings(
    ctx: Ctx, project_name_or_id: str, form: SettingsForm
) -> Response:
    """Keep the settings of the form."""
    held = await projects.hold(ctx.session, ctx.known_project_id)
    ctx.subject = held.name
    told = {name: str(getattr(form, name)).lower() for name in SWITCHES}
    told |= {"severity": form.severity, allowlists.REUSE: str(form.allowlist == "system").lower()}
    asked = schemas.ProjectReq(metadata=schemas.ProjectMetadata(**told))
    if form.allowlist == "project":
        own = (await allowlists.of(ctx.session, [held.project_id]))[held.project_id]
        asked.cve_allowlist = wanted(form, own)
    await projects.change(ctx.session, held, asked)
    return ui.done(ctx.request, f"{header.path_of(held.project_id)}/configs", _("Saved."))
