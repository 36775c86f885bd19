"""The front desk: who is calling, and may they do this?"""

import base64
import re
from datetime import timedelta

from starlette.requests import Request

from harbor.auth.service import Accounts
from harbor.auth.tokens import AUDIENCE, KeyRing
from harbor.core import rbac
from harbor.core.api import Ctx, Op
from harbor.core.db import Database
from harbor.core.errors import Forbidden, NotFound, Unauthorized
from harbor.core.security import NOBODY, NOBODY_AFTER_TRYING, Permission, Principal
from harbor.core.settings import Settings
from harbor.projects import service as projects
from harbor.projects.service import Standing

HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,260}")
REPOSITORY = re.compile(r"[a-z0-9._/-]{1,255}")  # fit to be quoted in a header
SKEW = timedelta(seconds=60)
BASIC = {"WWW-Authenticate": 'Basic realm="harbor"'}


class FrontDesk:
    """Knows every caller, and answers for every door."""

    def __init__(self, db: Database, settings: Settings, accounts: Accounts, keys: KeyRing) -> None:
        self._db, self._settings = db, settings
        self._accounts, self._keys = accounts, keys

    async def authenticate(self, request: Request) -> Principal:
        """The caller named by the ``Authorization`` header; nobody if it is absent or wrong.

        Whoever fails is a stranger, not an error: what is public stays open, as in Harbor.
        """
        header = request.headers.get("authorization")
        if header is None:
            return NOBODY
        scheme, _, value = header.strip().partition(" ")
        found = None
        if scheme.lower() == "basic":
            name, password = credentials(value)
            if name:
                address = request.client.host if request.client else ""
                found = await self._accounts.log_in(name, password, address=address)
        elif scheme.lower() == "bearer" and request.scope["path"].startswith("/v2"):
            found = await self._keys.verify(value.strip())
        return found or NOBODY_AFTER_TRYING

    async def may(self, who: Principal, wanted: Permission, project_name: str) -> int | None:
        """The id of the project of that name if *who* may do *wanted* there, else ``None``."""
        found = await projects.standing(self._db.quick, project_name)
        if found is None or not await self._may_in(who, wanted, found):
            return None
        return found.project_id

    async def _may_in(self, who: Principal, wanted: Permission, project: Standing) -> bool:
        """Whether *who* may do *wanted* in *project*."""
        if who.grant is not None:
            # A token from before the project was made is about another project of the same name.
            fresh = who.grant.issued_at >= project.creation_time - SKEW
            return fresh and wanted.action in who.grant.actions.get(project.name, ())
        if who.is_admin:
            return True
        if project.is_public and rbac.public_allows(wanted.resource, wanted.action):
            return True
        if not who.known:
            return False
        roles = await projects.roles_of(self._db.quick, project.project_id, who.known_id)
        return rbac.role_allows(roles, wanted.resource, wanted.action)

    async def authorize(self, ctx: Ctx, op: Op) -> None:
        """Return if allowed; raise ``Unauthorized`` to strangers, ``Forbidden`` to the rest."""
        who, wanted = ctx.principal, op.allow
        if wanted.scope == "public" or (wanted.scope == "signed-in" and who.known):
            return
        if wanted.scope == "system" and who.is_admin:
            return
        if wanted.scope == "project" and await self._let_into_project(ctx, wanted):
            return
        if not who.known:
            raise Unauthorized("unauthorized")
        raise Forbidden(f"{who.name} may not {wanted.action} {wanted.resource}")

    async def _let_into_project(self, ctx: Ctx, wanted: Permission) -> bool:
        """Whether the caller may; to all but administrators, a missing project is a closed one."""
        named = ctx.request.path_params
        reference = named.get("project_name_or_id") or named["project_name"]
        is_name = (
            "project_name" in named
            or ctx.request.headers.get("x-is-resource-name", "").lower() == "true"
        )
        try:
            async with self._db.reading() as session:
                found = await projects.find_by_reference(session, reference, is_name=is_name)
        except NotFound:
            if ctx.principal.is_admin:
                raise
            return False
        ctx.project_id = await self.may(ctx.principal, wanted, found.name)
        return ctx.project_id is not None

    async def authorize_registry(self, ctx: Ctx, op: Op) -> None:
        """The same for ``/v2``, where every refusal is a 401 that says how to get in.

        A request without ``Authorization`` is refused even where anyone may read, so that
        clients fetch a token. Source: Harbor src/server/middleware/v2auth/auth.go.
        """
        who, wanted = ctx.principal, op.allow
        if wanted.scope == "signed-in":
            # Anybody may fetch a token without a name, so that one is no sign of having signed in.
            if who.known or (who.grant is not None and who.name):
                return
            raise Unauthorized("unauthorized", headers=self._challenge(ctx.request, ""))
        if wanted.scope == "system":
            if who.is_admin:
                return
            raise Unauthorized("unauthorized to list catalog", headers=BASIC)
        name = ctx.request.path_params["name"]
        if who.tried:
            ctx.project_id = await self.may(who, wanted, name.partition("/")[0])
            if ctx.project_id is not None:
                return
        if who.is_admin:
            # Only an administrator learns that there is no such project, and gets no challenge:
            # other credentials would not help.
            raise Unauthorized(
                f"project {name.partition('/')[0]} not found", headers={"WWW-Authenticate": ""}
            )
        raise Unauthorized(
            f"unauthorized to access repository: {name}, action: {wanted.action}: "
            f"no such project, or no right to {wanted.action} in it",
            headers=self._challenge(ctx.request, scopes_of(ctx.request, name, wanted.action)),
        )

    def _challenge(self, request: Request, scopes: str) -> dict[str, str]:
        """How to get in: by a token, or, if credentials were sent, by better ones."""
        if "authorization" in request.headers:
            return BASIC
        value = f'Bearer realm="{self._base(request)}/service/token",service="{AUDIENCE}"'
        if scopes:
            value += f',scope="{scopes}"'
        return {"WWW-Authenticate": value}

    def _base(self, request: Request) -> str:
        """Scheme and host as the client sees them: a registry may be reached by several names."""
        external = self._settings.external_url
        host = request.headers.get("host", "")
        if not HOST.fullmatch(host):
            # What is no host is not repeated; Starlette's base_url would do so.
            listening = Request(dict(request.scope) | {"headers": []})
            return external or str(listening.base_url).rstrip("/")
        scheme = external.partition("://")[0] if external else request.url.scheme
        return f"{scheme}://{host}"


def scopes_of(request: Request, name: str, action: str) -> str:
    """The scopes that a token needs for this request: a push can read too; a mount needs two."""
    scope = f"repository:{name}:{'pull,push' if action == 'push' else action}"
    source = request.query_params.get("from", "")
    return f"{scope} repository:{source}:pull" if source and REPOSITORY.fullmatch(source) else scope


def credentials(value: str) -> tuple[str, str]:
    """Name and password of a Basic header; two empty texts if it is none."""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:  # no base64, no ASCII, no UTF-8
        return "", ""
    name, colon, password = text.partition(":")
    return (name, password) if colon and "\0" not in text else ("", "")
