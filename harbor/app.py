"""The building: which rooms there are, and how they are wired."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from harbor import __version__
from harbor.apidocs import pages as apidocs_pages
from harbor.artifacts.service import releases
from harbor.artifacts.service.pulls import Pulls
from harbor.audit import routes as audit_routes
from harbor.audit.service import AuditTrail, Syslog
from harbor.auth import jobs as auth_jobs
from harbor.auth import sessions, tokens
from harbor.auth.access import Credentials, FrontDesk
from harbor.auth.csrf import Csrf
from harbor.auth.pages import account as account_pages
from harbor.auth.pages import passwords as password_pages
from harbor.auth.pages import session as session_pages
from harbor.auth.pages import sign_up as sign_up_pages
from harbor.auth.routes import internal as internal_routes
from harbor.auth.routes import session as session_routes
from harbor.auth.routes import token as token_routes
from harbor.auth.routes import user as own_routes
from harbor.auth.service import Accounts
from harbor.auth.sessions import Sessions
from harbor.auth.tokens import KeyRing
from harbor.configuration import pages as configuration_pages
from harbor.configuration import routes as configuration_routes
from harbor.configuration.service import Configuration
from harbor.core import api, clock, migrations, openapi, web
from harbor.core.crypto import Box, generate_password, hash_password, key_from
from harbor.core.db import Database, Table
from harbor.core.errors import HarborError
from harbor.core.events import Events
from harbor.core.express import Front
from harbor.core.later import Later
from harbor.core.logs import AccessLog
from harbor.core.metrics import LoopLag
from harbor.core.settings import Settings
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import Store
from harbor.labels import pages as label_pages
from harbor.labels import routes as label_routes
from harbor.portal import frame
from harbor.portal import pages as portal_pages
from harbor.portal.live import Live
from harbor.projects import service as projects
from harbor.projects.events import ProjectCreated, ProjectDeleted
from harbor.projects.pages import allowlists as allowlist_pages
from harbor.projects.pages import configuration as project_configuration_pages
from harbor.projects.pages import creation as project_creation_pages
from harbor.projects.pages import listing as project_list_pages
from harbor.projects.pages import logs as log_pages
from harbor.projects.pages import members as project_member_pages
from harbor.projects.pages import summary as project_summary_pages
from harbor.projects.routes import allowlist as allowlist_routes
from harbor.projects.routes import members as member_routes
from harbor.projects.routes import metadata as metadata_routes
from harbor.projects.routes import projects as project_routes
from harbor.projects.service import members
from harbor.quotas import pages as quota_pages
from harbor.quotas import service as quotas
from harbor.quotas.routes import internal as internal_quota_routes
from harbor.quotas.routes import quotas as quota_routes
from harbor.registry import jobs as registry_jobs
from harbor.registry import routes as registry_routes
from harbor.registry.dispatch import RegistryApp
from harbor.system import pages as system_pages
from harbor.system import routes as system_routes
from harbor.users import pages as user_pages
from harbor.users import routes as user_routes
from harbor.users import service as users
from harbor.users.events import UserDeleted

log = logging.getLogger(__name__)
DOORS = (
    configuration_routes,
    token_routes,
    session_routes,
    own_routes,
    internal_routes,
    user_routes,
    project_routes,
    member_routes,
    metadata_routes,
    allowlist_routes,
    label_routes,
    quota_routes,
    internal_quota_routes,
    audit_routes,
    project_list_pages,
    project_creation_pages,
    project_summary_pages,
    project_member_pages,
    project_configuration_pages,
    allowlist_pages,
    log_pages,
    label_pages,
    quota_pages,
    configuration_pages,
    session_pages,
    sign_up_pages,
    account_pages,
    password_pages,
    user_pages,
    system_pages,
    system_routes,
    portal_pages,
    apidocs_pages,
)
METADATA = Table.metadata  # complete once this module is loaded
SWEEP_EVERY_S = 24 * 3600
STOP_S = 5  # that background work gets to come to an end
ADMIN = "admin"


def operations() -> list[api.Op]:
    """Every operation that this program serves."""
    rest = [op for door in DOORS for op in door.routes.ops]
    return [*registry_routes.routes.ops, *rest]


@dataclass(frozen=True)
class FirstStart:
    """What a first start made up, to be shown once."""

    admin_password: str | None  # None if it was given, or the account was there already


async def prepare(settings: Settings) -> FirstStart:
    """Bring the database to this version and make what must exist; safe to run side by side."""
    settings.data.mkdir(mode=0o750, parents=True, exist_ok=True)
    box = box_of(settings)
    db = Database(settings.database)
    configuration_of(settings, db)  # what it refuses, it refuses before tables are made
    password = settings.admin_password or generate_password()
    hashed = await hash_password(password)
    try:
        async with db.writing() as session:
            await migrations.upgrade(session)
            made = await users.seed(session, admin_password_hash=hashed)
            await projects.seed_library(session)
            await quotas.seed(session)
            await tokens.seed(session, box)
    finally:
        await db.close()
    return FirstStart(password if made and not settings.admin_password else None)


def box_of(settings: Settings) -> Box:
    return Box(settings.secret_key or key_from(settings.data / "secret.key"))


def configuration_of(settings: Settings, db: Database) -> Configuration:
    return Configuration(db, box_of(settings), settings.config_overwrite_json)


class Building:
    """The ASGI application: the registry first, then everything else."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.db = Database(settings.database)
        self.store = store or FileStore(settings.data, reserve=settings.disk_reserve)
        self.later = Later(self.db)
        self.access_log = AccessLog() if settings.access_log else None
        self.keys = KeyRing(self.db, box_of(settings))
        self.configuration = configuration_of(settings, self.db)
        self.syslog = Syslog()
        self.trail = AuditTrail(self.configuration, self.syslog)
        self.pulls = Pulls(self.later, self.trail, self.configuration)
        self.live = Live(self.db.quick)
        self.events = Events()
        self.events.on(ProjectCreated, partial(quotas.add, self.configuration))
        self.events.on(ProjectDeleted, quotas.remove)
        self.events.on(ProjectDeleted, releases.forget)
        self.events.on(UserDeleted, members.forget)
        self.events.on(UserDeleted, sessions.forget)
        self.known = Credentials(
            Accounts(self.db, settings.failed_login_delay_s),
            self.keys,
            Sessions(self.db, self.later, self.configuration),
            Csrf(box_of(settings).key_for("csrf"), settings),
        )
        self.desk = FrontDesk(self.db, settings, self.configuration, self.known)
        ops = operations()
        self.registry = RegistryApp(
            registry_routes.routes.ops, self.wiring(self.desk.authorize_registry), self.pulls
        )
        rest = [op for op in ops if op.tag != registry_routes.routes.tag]
        wiring = self.wiring(self.desk.authorize)
        self.router = Router(
            [Route("/openapi.json", describe(ops)), *api.routes(rest, wiring)],
            default=frame.nowhere(wiring),
            lifespan=self.lifespan,
        )
        note = self.access_log.note if self.access_log else None
        self.app: ASGIApp = web.Around(self.route, note, frame.broken)
        self.front = Front(self.registry.hot.at_once, note)

    def wiring(self, authorize: Any) -> api.Wiring:
        return api.Wiring(
            db=self.db,
            store=self.store,
            settings=self.settings,
            later=self.later,
            authenticate=self.desk.authenticate,
            authorize=authorize,
            may=self.desk.may,
            record=self.trail.record,
            show=frame.show,
            show_error=frame.show_error,
            events=self.events,
            things={
                KeyRing: self.keys,
                Accounts: self.known.accounts,
                Sessions: self.known.sessions,
                Csrf: self.known.csrf,
                Configuration: self.configuration,
                Pulls: self.pulls,
                Live: self.live,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] + "/").startswith("/v2/"):
            await self.registry(scope, receive, send)
            return
        scope["app"] = self  # Starlette raises its 404 and 405 only inside an application
        await self.router(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        stopping, lag = asyncio.Event(), LoopLag()
        tasks: list[asyncio.Task[None]] = []
        try:
            await self.keys.load()
            lag.start()
            work = [self.later.run(stopping), self.sweep(stopping), self.syslog.run(stopping)]
            if self.access_log:
                work.append(self.access_log.run(stopping))
            tasks += [asyncio.create_task(each) for each in work]
            yield
        finally:
            stopping.set()
            lag.stop()
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)
            await self.syslog.close()
            await self.db.close()

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Now, for leftovers of a crash, and once a day."""
        idle_s = self.settings.upload_idle_s
        while not stopping.is_set():
            try:
                await auth_jobs.sweep(self.db)
                await registry_jobs.sweep(
                    self.db, self.store, upload_idle_s=idle_s, stopping=stopping
                )
            except (SQLAlchemyError, HarborError, OSError):
                log.exception("leftovers could not be removed; tried again tomorrow")
            await clock.pause(SWEEP_EVERY_S, stopping)


def describe(ops: Sequence[api.Op]) -> Any:
    """The endpoint that serves the OpenAPI document of *ops*, which is made on first demand."""
    made: list[bytes] = []

    async def endpoint(request: Request) -> Response:
        if not made:
            made.append(msgspec.json.encode(openapi.document(ops, "Harbor", __version__)))
        return Response(made[0], media_type="application/json")

    return endpoint
