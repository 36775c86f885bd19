"""The building: which rooms there are, and how they are wired."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from harbor import __version__
from harbor.artifacts import jobs as artifact_jobs
from harbor.artifacts.service import (
    expiry,
    history,
    purging,
    redirects,
    releases,
    renaming,
    trash,
)
from harbor.artifacts.service.pulls import Pulls
from harbor.artifacts.service.upload_ids import UploadIds
from harbor.audit.service import AuditTrail, Syslog
from harbor.auth import elsewhere, personal, second_factor, sessions, tokens
from harbor.auth import jobs as auth_jobs
from harbor.auth.access import Credentials, FrontDesk
from harbor.auth.csrf import Csrf
from harbor.auth.forgotten import Forgotten
from harbor.auth.machines import Machines
from harbor.auth.oidc import rights as oidc_rights
from harbor.auth.oidc.desk import Oidc
from harbor.auth.service import Accounts
from harbor.auth.sessions import Sessions
from harbor.auth.tokens import KeyRing
from harbor.charts.service.desk import Charts
from harbor.configuration.service import Configuration, SettingsChanged
from harbor.core import api, clock, memory, migrations, openapi, web
from harbor.core.crypto import Box, generate_password, hash_password, key_from
from harbor.core.db import Database, Table
from harbor.core.errors import HarborError
from harbor.core.events import Events
from harbor.core.express import Front
from harbor.core.later import Later
from harbor.core.logs import AccessLog
from harbor.core.routing import Operations
from harbor.core.settings import Settings
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import Store
from harbor.directory.events import GroupDeleted
from harbor.directory.service import groups
from harbor.directory.service.desk import Directory
from harbor.doors import operations, plan
from harbor.explorer.service.layers import Explorer
from harbor.immutability import service as immutability
from harbor.portal import frame
from harbor.portal.live import Live
from harbor.projects import service as projects
from harbor.projects.events import ProjectCreated, ProjectDeleted, ProjectRenamed
from harbor.projects.service import members
from harbor.quotas import service as quotas
from harbor.registry import jobs as registry_jobs
from harbor.registry import routes as registry_routes
from harbor.registry.dispatch import RegistryApp
from harbor.robots import service as robots
from harbor.users import service as users
from harbor.users.events import UserDeleted
from harbor.users.service import oidc

log = logging.getLogger(__name__)
METADATA = Table.metadata  # complete once this module is loaded
SWEEP_EVERY_S = 24 * 3600
EXPIRE_EVERY_S = 30
STOP_S = 5  # that background work gets to come to an end
ADMIN = "admin"


@dataclass(frozen=True)
class FirstStart:
    """What a first start made up, to be shown once."""

    admin_password: str | None  # None if it was given, or the account was there already


async def prepare(settings: Settings) -> FirstStart:
    """Bring the database to this version and make what must exist; safe to run side by side."""
    settings.data.mkdir(mode=0o750, parents=True, exist_ok=True)
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
            await tokens.seed(session, box_of(settings))
    finally:
        await db.close()
    return FirstStart(password if made and not settings.admin_password else None)


def box_of(settings: Settings) -> Box:
    return Box(settings.secret_key or key_from(settings.data / "secret.key"))


def configuration_of(settings: Settings, db: Database) -> Configuration:
    return Configuration(db, box_of(settings), settings.config_overwrite_json)


def listening(configuration: Configuration) -> Events:
    """Who is told what."""
    events = Events()
    events.on(ProjectCreated, partial(quotas.add, configuration))
    gone = (quotas.remove, trash.forget, history.forget, releases.forget, immutability.forget)
    for forget in (*gone, robots.forget, redirects.forget):
        events.on(ProjectDeleted, forget)
    events.on(ProjectRenamed, renaming.follow)
    left = members.forget, groups.forget, sessions.forget, personal.forget, second_factor.forget
    for leave in (*left, oidc.forget):
        events.on(UserDeleted, leave)
    events.on(GroupDeleted, members.forget_group)
    events.on(SettingsChanged, oidc_rights.on_change)
    return events


class Building:
    """The ASGI application: the registry first, then everything else."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.db = Database(settings.database)
        self.store = store or FileStore(
            settings.data, reserve=settings.disk_reserve, direct=settings.direct_io
        )
        self.later = Later(self.db)
        self.explorer = Explorer(self.db, self.store)
        self.access_log = AccessLog() if settings.access_log else None
        self.keys = KeyRing(self.db, box_of(settings))
        self.configuration = configuration_of(settings, self.db)
        self.syslog = Syslog()
        self.trail = AuditTrail(self.configuration, self.syslog)
        self.pulls = Pulls(self.later, self.trail, self.configuration)
        self.charts = Charts(self.db)
        self.events = listening(self.configuration)
        self.directory = Directory(self.db, self.configuration)
        upload_key = box_of(settings).key_for("uploads")
        self.upload_ids = UploadIds(upload_key, settings.upload_idle_s)
        accounts = Accounts(self.db, self.later, settings.failed_login_delay_s, self.directory)
        oidc = Oidc(self.db, self.configuration, box_of(settings))
        self.known = Credentials(
            accounts,
            Machines(self.db, self.configuration, accounts, oidc.providers),
            self.keys,
            Sessions(self.db, self.later, self.configuration),
            Csrf(box_of(settings).key_for("csrf"), settings),
            personal.PersonalTokens(self.db, self.later),
            oidc,
        )
        self.desk = FrontDesk(self.db, settings, self.configuration, self.known)
        ops = operations()
        self.registry = RegistryApp(
            registry_routes.routes.ops, self.wiring(self.desk.authorize_registry), self.pulls
        )
        wiring = self.wiring(self.desk.authorize)
        self.router = Router(
            [openapi.route(ops, "Harbor", __version__), Operations(plan(), wiring)],
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
            may_in=self.desk.may_in,
            elsewhere=elsewhere.explain,
            record=self.trail.record,
            show=frame.show,
            show_error=frame.show_error,
            events=self.events,
            things={
                KeyRing: self.keys,
                Box: box_of(self.settings),
                UploadIds: self.upload_ids,
                Accounts: self.known.accounts,
                Directory: self.directory,
                Sessions: self.known.sessions,
                Csrf: self.known.csrf,
                Oidc: self.known.oidc,
                Configuration: self.configuration,
                Pulls: self.pulls,
                Live: Live(self.db.quick),
                Explorer: self.explorer,
                Charts: self.charts,
                Forgotten: Forgotten(self.db, self.configuration, self.settings),
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] + "/").startswith("/v2/"):
            await self.registry(scope, receive, send)
            return
        web.keep_slashes(scope)
        scope["app"] = self  # Starlette raises its 404 and 405 only inside an application
        await self.router(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        stopping, watched = asyncio.Event(), contextlib.ExitStack()
        tasks: list[asyncio.Task[None]] = []
        try:
            await self.keys.load()
            if self.settings.metrics:
                from harbor.core import metrics  # noqa: PLC0415, its library takes memory

                lag = metrics.LoopLag()
                watched.callback(lag.stop)
                lag.start()
            work = [self.later.run(stopping), self.sweep(stopping), self.syslog.run(stopping)]
            work += [artifact_jobs.watch_storage(self.db, stopping), self.expire(stopping)]
            work += [memory.tidy(stopping)]
            work += [self.access_log.run(stopping)] if self.access_log else []
            tasks += [asyncio.create_task(each) for each in work]
            yield
        finally:
            stopping.set()
            watched.close()
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)
            await self.known.oidc.close()
            await self.syslog.close()
            await self.explorer.close()
            self.directory.close()
            await self.db.close()

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Now, for leftovers of a crash, and once a day."""
        idle_s = self.settings.upload_idle_s
        while not stopping.is_set():
            try:
                await auth_jobs.sweep(self.db)
                await self.known.oidc.settle_rights()
                await artifact_jobs.describe(self.db, self.store, stopping)
                await purging.purge_old(self.db, self.store)
                await history.forget_old(self.db)
                await registry_jobs.sweep(
                    self.db, self.store, upload_idle_s=idle_s, stopping=stopping
                )
            except (SQLAlchemyError, HarborError, OSError):
                log.exception("leftovers could not be removed; tried again tomorrow")
            await clock.pause(SWEEP_EVERY_S, stopping)

    async def expire(self, stopping: asyncio.Event) -> None:
        """Remove tags whose time has come, as soon as that is so, give or take a minute."""
        while await clock.pause(EXPIRE_EVERY_S, stopping):
            try:
                if not (await self.configuration.current()).read_only:
                    await expiry.remove_due(self.db, self.trail, stopping)
            except (SQLAlchemyError, HarborError, OSError):
                log.exception("expired tags could not be removed; tried again in a minute")
