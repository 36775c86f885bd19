"""The front desk: who is calling, and may they do this?"""

import base64
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.requests import Request

from harbor.auth import cookies
from harbor.auth.csrf import COOKIELESS, SAFE, Csrf
from harbor.auth.rights import Rights, rights_in
from harbor.auth.service import Accounts
from harbor.auth.sessions import Sessions
from harbor.auth.tokens import AUDIENCE, KeyRing
from harbor.configuration.service import Configuration
from harbor.core import origin
from harbor.core.api import Ctx, Op
from harbor.core.db import Database
from harbor.core.errors import Denied, Forbidden, NotFound, Unauthorized
from harbor.core.security import NOBODY, NOBODY_AFTER_TRYING, Permission, Principal, system
from harbor.core.settings import Settings
from harbor.projects import service as projects
from harbor.projects.models import SYSTEM
from harbor.projects.service import Standing
from harbor.users import service as users

REPOSITORY = re.compile(r"[a-z0-9._/-]{1,255}")  # fit to be quoted in a header
SKEW = timedelta(seconds=60)
BASIC = {"WWW-Authenticate": 'Basic realm="harbor"'}


REGISTER = system("user", "create")


@dataclass(frozen=True)
class Credentials:
    """Each kind of credentials, and what knows it."""

    accounts: Accounts  # name and password
    keys: KeyRing  # the registry's tokens
    sessions: Sessions  # cookies
    csrf: Csrf  # what must come with a cookie


class FrontDesk:
    """Knows every caller, and answers for every door."""

    def __init__(
        self, db: Database, settings: Settings, configuration: Configuration, known: Credentials
    ) -> None:
        self._db, self._settings, self._configuration = db, settings, configuration
        self._accounts, self._keys = known.accounts, known.keys
        self._sessions, self._csrf = known.sessions, known.csrf

    async def authenticate(self, request: Request) -> Principal:
        """The caller named by the ``Authorization`` header, or else by a cookie; else nobody.

        Whoever fails is a stranger, not an error: what is public stays open, as in Harbor.
        """
        header = request.headers.get("authorization")
        if header is None:
            return await self._by_cookie(request)
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

    async def _by_cookie(self, request: Request) -> Principal:
        """Whose session that is. Whoever has the cookie is told what must be sent back with it."""
        if request.scope["path"].startswith(COOKIELESS):
            return NOBODY
        sid = cookies.sent(request, cookies.SID)
        if not sid:
            return NOBODY
        self._csrf.greet(request, sid)
        renew = "x-harbor-no-session-renewal" not in request.headers
        found = await self._sessions.find(sid, renew=renew)
        return replace(found or NOBODY, csrf=self._csrf.token(sid))

    async def may(self, who: Principal, wanted: Permission, project_name: str) -> int | None:
        """The id of the project of that name if *who* may do *wanted* there, else ``None``.

        What is wanted of the system is wanted of no project, whose id is ``SYSTEM``.
        """
        if wanted.scope == "system":
            return SYSTEM if who.is_admin else None
        found = await projects.standing(self._db.quick, project_name)
        if found is None or not await self._may_in(who, wanted, found):
            return None
        return found.project_id

    async def _may_in(self, who: Principal, wanted: Permission, project: Standing) -> bool:
        """Whether *who* may do *wanted* in *project*."""
        if who.grant is not None:
            # A token from before the project was made is about another project of the same name.
            same = who.grant.projects.get(project.name) in (None, project.project_id)
            fresh = same and who.grant.issued_at >= project.creation_time - SKEW
            granted = fresh and wanted.action in who.grant.actions.get(project.name, ())
            user_id = who.grant.user_id
            # Whose account is deleted keeps nothing, however long a token may live.
            return granted and (user_id is None or await users.is_there(self._db.quick, user_id))
        anyway = Rights(who.is_admin, project.is_public).allow(wanted.resource, wanted.action)
        if anyway or not who.known:
            return anyway
        rights = await rights_in(self._db.quick, who, project)
        return rights.allow(wanted.resource, wanted.action)

    async def authorize(self, ctx: Ctx, op: Op) -> None:
        """Return if allowed; raise ``Unauthorized`` to strangers, ``Forbidden`` to the rest."""
        if op.method not in SAFE:
            self._csrf.check(ctx.request)
        await self._refuse_changes(op)
        if await self._allows(ctx, op.allow):
            return
        if not ctx.principal.known:
            raise Unauthorized("unauthorized")
        raise Forbidden(f"{ctx.principal.name} may not {op.allow.action} {op.allow.resource}")

    async def _allows(self, ctx: Ctx, wanted: Permission) -> bool:
        who = ctx.principal
        match wanted.scope:
            case "public":
                return True
            case "signed-in":
                return who.known
            case "project":
                return await self._let_into_project(ctx, wanted)
            case "self" if who.known and ctx.request.path_params["user_id"] == str(who.user_id):
                return True
        registers = wanted == REGISTER and not (ctx.op and ctx.op.page)
        return who.is_admin or (registers and await self._lets_register(ctx))

    async def _lets_register(self, ctx: Ctx) -> bool:
        """Whether anybody may make an account; as in Harbor, only somebody before a browser."""
        if not (await self._configuration.current()).self_registration:
            return False
        if not ctx.principal.csrf:
            raise Forbidden("self-registration cannot be triggered via API")
        return True

    async def _refuse_changes(self, op: Op) -> None:
        if op.method in SAFE or op.read_only_ok:
            return
        if (await self._configuration.current()).read_only:
            raise Denied("The system is in read only mode. Any modification is prohibited.")

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
        await self._refuse_changes(op)
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
        return origin.of(request, self._settings.external_url)


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
