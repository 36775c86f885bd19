"""The front desk: who is calling, and may they do this?"""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from starlette.requests import Request

from harbor.artifacts.schemas import RepositoryName
from harbor.auth import cookies, personal
from harbor.auth.csrf import COOKIELESS, SAFE, Csrf
from harbor.auth.machines import Machines
from harbor.auth.oidc import workloads
from harbor.auth.oidc.desk import Oidc, takes_secret
from harbor.auth.personal import PersonalTokens
from harbor.auth.rights import Rights, anyway, purpose, reach_of, reach_of_robot, rights_in
from harbor.auth.service import Accounts
from harbor.auth.sessions import Sessions
from harbor.auth.tokens import AUDIENCE, KeyRing
from harbor.configuration.service import Configuration
from harbor.core import origin
from harbor.core.api import Ctx, Op, Seen
from harbor.core.db import Database
from harbor.core.errors import Denied, Forbidden, NotFound, Unauthorized
from harbor.core.security import (
    NOBODY,
    NOBODY_AFTER_TRYING,
    OWN_CREDENTIALS,
    Grant,
    Limits,
    Permission,
    Principal,
    system,
)
from harbor.core.settings import Settings
from harbor.projects import service as projects
from harbor.projects.models import SYSTEM
from harbor.projects.service import Standing
from harbor.users import service as users

OF_REPOSITORY = ("repository_name", "chart_name")  # parameters of paths
NONE: frozenset[str] = frozenset()
REPOSITORY = re.compile(r"[a-z0-9._/-]{1,255}")  # fit to be quoted in a header
SKEW = timedelta(seconds=60)
BASIC = {"WWW-Authenticate": 'Basic realm="harbor"'}
GIVES_TOKENS = "/service/token"
CHALLENGED = ("/chartrepo/", "/api/chartrepo/")  # for helm; a browser would ask for a password


REGISTER = system("user", "create")


@dataclass(frozen=True)
class Credentials:
    """Each kind of credentials, and what knows it."""

    accounts: Accounts  # name and password
    machines: Machines  # name and secret of a robot, or a token of an issuer that it trusts
    keys: KeyRing  # the registry's tokens
    sessions: Sessions  # cookies
    csrf: Csrf  # what must come with a cookie
    personal: PersonalTokens  # what people made to stand for their passwords
    oidc: Oidc  # who comes from an OpenID provider


class FrontDesk:
    """Knows every caller, and answers for every door."""

    def __init__(
        self, db: Database, settings: Settings, configuration: Configuration, known: Credentials
    ) -> None:
        self._db, self._settings, self._configuration = db, settings, configuration
        self._accounts, self._machines, self._keys = known.accounts, known.machines, known.keys
        self._sessions, self._csrf = known.sessions, known.csrf
        self._personal = known.personal
        self._oidc = known.oidc

    async def authenticate(self, request: Request) -> Principal:
        """The caller named by the ``Authorization`` header, or else by a cookie; else nobody.

        Whoever fails is a stranger, not an error: what is public stays open, as in Harbor.
        """
        header = request.headers.get("authorization")
        if header is None:
            return await self._by_cookie(request)
        scheme, _, value = header.strip().partition(" ")
        path, found = request.scope["path"], None
        if scheme.lower() == "basic":
            name, password = credentials(value)
            if name:
                found = await self._by_password(request, name, password)
        elif scheme.lower() == "bearer" and path.startswith("/v2"):
            bearer = await self._keys.verify(value.strip())
            found = bearer and await self._machines.behind(bearer)
        elif scheme.lower() == "bearer" and path.startswith(("/api", "/service/token")):
            found = await self._oidc.by_id_token(value.strip())
        return found or NOBODY_AFTER_TRYING

    async def _by_password(self, request: Request, name: str, password: str) -> Principal | None:
        """A person or a robot; each kind of secret is taken where it may be used."""
        address = request.client.host if request.client else ""
        if personal.is_one(password):
            found = await self._personal.find(name, password, address=address)
            await self._oidc.used(found)
            return found
        if workloads.is_one(password) and await self._machines.is_called(name):
            return await self._machines.by_token(name, password)
        if robot := await self._machines.log_in(name, password, address=address):
            return robot
        taken = takes_secret(request.method, request.scope["path"])
        is_secret = self._oidc.is_secret if taken else None
        return await self._accounts.log_in(name, password, address=address, is_secret=is_secret)

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
        await self._oidc.used(found)
        return replace(found or NOBODY, csrf=self._csrf.token(sid))

    async def may(
        self, who: Principal, wanted: Permission, name: str, seen: Seen | None = None
    ) -> int | None:
        """The id of the project of that *name* if *who* may do *wanted* there, else ``None``.

        With the name of a repository, which begins with that of its project, *who* is asked about
        in that repository; without, of what is in repositories, whether it may be done in any.
        What is wanted of the system is wanted of no project, whose id is ``SYSTEM``. What the
        same request has *seen* of a project, and of rights in it, is not looked up again.
        """
        if wanted.scope == "system":
            return SYSTEM if rules(who, wanted) else None
        seen = {} if seen is None else seen
        place = name.partition("/")[0]
        found = seen.get((Standing, place))
        if found is None:
            found = seen[Standing, place] = await projects.standing(self._db.quick, place)
        if found is None or not await self._may_in(who, wanted, found, name, seen):
            return None
        return cast(int, found.project_id)

    async def may_in(
        self, who: Principal, wanted: Permission, names: Collection[str]
    ) -> frozenset[str]:
        """Those repositories of *names*, all of one project, in which *who* may do *wanted*: as
        ``may`` says of each, with as many statements for all as for one.
        """
        if who.grant is not None:  # which ends with what it was issued to
            found = [name for name in names if await self.may(who, wanted, name) is not None]
            return frozenset(found)
        project = next((name.partition("/")[0] for name in names), "")
        known = await projects.standing(self._db.quick, project) if project else None
        if known is None:
            return frozenset()
        reach = await reach_of(self._db.quick, who, known)
        return frozenset(
            name for name in names if reach.at(name).allow(wanted.resource, wanted.action)
        )

    async def _may_in(
        self, who: Principal, wanted: Permission, project: Standing, name: str, seen: Seen
    ) -> bool:
        """Whether *who* may do *wanted* in *project*, or in the repository of that name."""
        if who.grant is not None:
            if not grants(who.grant, wanted.action, project, name):
                return False
            if who.robot is not None:
                # What a robot has may be taken from it again; its token ends with that.
                now = await reach_of_robot(self._db.quick, who.robot, project)
                return now.at(name).allow(wanted.resource, wanted.action)
            return await self._still_holds(who.grant)
        held = anyway(who, project).allow(wanted.resource, wanted.action)
        if held or not who.known:
            return held
        caller, rights = seen.get((Rights, name), (None, None))
        if caller is not who:
            rights = await rights_in(self._db.quick, who, project, name)
            seen[Rights, name] = who, rights
        return bool(rights.allow(wanted.resource, wanted.action))

    async def _still_holds(self, grant: Grant) -> bool:
        """Whether what a token was issued to is there: with it, a token ends before its time."""
        user_id, token_id = grant.user_id, grant.token_id
        return (user_id is None or await users.is_there(self._db.quick, user_id)) and (
            token_id is None or await personal.is_there(self._db.quick, token_id)
        )

    async def authorize(self, ctx: Ctx, op: Op) -> None:
        """Return if allowed; raise ``Unauthorized`` to strangers, ``Forbidden`` to the rest."""
        if op.method not in SAFE:
            self._csrf.check(ctx.request)
        await self._refuse_changes(op)
        if op.page and ctx.principal.robot is not None:
            raise Forbidden("pages are for people; robots use the API")
        if self._limits_fit(ctx, op) and await self._allows(ctx, op.allow):
            return
        if not ctx.principal.known:
            asks = ctx.request.scope["path"].startswith(CHALLENGED)
            raise Unauthorized("unauthorized", headers=BASIC if asks else None)
        if ctx.principal.limits is not None:
            raise Forbidden("the access token, or its owner, may not do this")
        raise Forbidden(f"{ctx.principal.name} may not {op.allow.action} {op.allow.resource}")

    def _limits_fit(self, ctx: Ctx, op: Op) -> bool:
        """Whether a personal access token, if the caller has one, is for that operation.

        Of what everybody may ask, who has a token that is not for it sees what strangers see.
        In projects, ``may`` looks at the token.
        """
        limits, wanted = ctx.principal.limits, op.allow
        if limits is None or wanted.scope == "project" or op.path == GIVES_TOKENS:
            return True
        if op.method not in SAFE and is_oneself(ctx):
            return False  # whoever has got hold of a token does not keep the account with it
        needed = "read" if op.method in SAFE else "write"
        fits = limits.projects is None and needed in limits.actions
        if wanted.scope == "public":
            if not fits:
                ctx.principal = NOBODY_AFTER_TRYING
            return True
        return fits and wanted.resource != OWN_CREDENTIALS

    async def _allows(self, ctx: Ctx, wanted: Permission) -> bool:
        who = ctx.principal
        match wanted.scope:
            case "public":
                return True
            case "signed-in":
                return who.known
            case "project":
                return await self._let_into_project(ctx, wanted)
            case "self" if who.user_id and ctx.request.path_params["user_id"] == str(who.user_id):
                return True
        registers = wanted == REGISTER and not (ctx.op and ctx.op.page)
        return rules(who, wanted) or (registers and await self._lets_register(ctx))

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
        found = await projects.standing_at(self._db.quick, reference, is_name=is_name)
        if found is None:
            if ctx.principal.is_admin:
                raise NotFound(f"project {reference} not found")
            return False
        seen: Seen = {} if ctx.seen is None else ctx.seen
        seen[Standing, found.name] = seen[Standing, found.project_id] = found
        name = named_in(named, found.name)
        ctx.project_id = await self.may(ctx.principal, wanted, name, seen)
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
            if rules(who, wanted):
                return
            raise Unauthorized("unauthorized to list catalog", headers=BASIC)
        name = ctx.request.path_params["name"]
        if who.tried:
            ctx.project_id = await self.may(who, wanted, name)
            if ctx.project_id is not None:
                return
        if who.is_admin and who.limits is None:
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
        value = f'Bearer realm="{self._base(request)}{GIVES_TOKENS}",service="{AUDIENCE}"'
        if scopes:
            value += f',scope="{scopes}"'
        return {"WWW-Authenticate": value}

    def _base(self, request: Request) -> str:
        return origin.of(request, self._settings.external_url)


def rules(who: Principal, wanted: Permission) -> bool:
    """Whether *who* may do that to what the whole system has. A bearer of a token never does."""
    if who.robot is None or who.grant is not None:
        return who.is_admin and is_for(who.limits, wanted)
    return who.robot.may(SYSTEM, wanted.resource, wanted.action)


def is_oneself(ctx: Ctx) -> bool:
    """Whether the path is about the caller's own account."""
    try:
        return int(ctx.request.path_params.get("user_id", "")) == ctx.principal.user_id
    except ValueError:
        return False


def is_for(limits: Limits | None, wanted: Permission) -> bool:
    """Whether a token, if it is one, is for that in the system as a whole."""
    if limits is None:
        return True
    return limits.projects is None and purpose(wanted.resource, wanted.action) in limits.actions


def grants(grant: Grant, action: str, project: Standing, name: str) -> bool:
    """Whether a token allows *action* in *project*, or in the repository of that *name*."""
    # A token from before the project was made is about another project of the same name.
    if grant.issued_at < project.creation_time - SKEW:
        return False
    own = name.removeprefix(project.name)
    same = grant.projects.get(project.name) in (None, project.project_id)
    # The project may have had another name when the token was issued.
    former = (each for each, known in grant.projects.items() if known == project.project_id)
    return any(
        action in granted_in(grant, each, f"{each}{own}", exactly=project.has_rules)
        for each in (*([project.name] if same else []), *former)
    )


def granted_in(grant: Grant, project: str, repository: str, *, exactly: bool) -> frozenset[str]:
    """The actions that a token grants in a repository.

    Where a project has rules, only those count that were given for that very repository, however
    old the token is; where the rules are gone they still hold nowhere else.
    """
    exact = grant.repositories.get(repository, NONE)
    return exact if exactly else grant.actions.get(project, exact)


def named_in(path: Mapping[str, str], project_name: str) -> str:
    """The repository that a path names, read as the handler will read it; or just the project."""
    for parameter in OF_REPOSITORY:
        if parameter in path:
            return f"{project_name}/{RepositoryName(path[parameter])}"
    return project_name


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
