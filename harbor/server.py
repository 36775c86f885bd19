"""The program as a running server: one process, or several behind one socket."""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from harbor.app import Building
from harbor.core import logs, memory
from harbor.core.express import serving
from harbor.core.settings import Settings, telling_children
from harbor.core.watch import Limits

SIGNALS = (signal.SIGINT, signal.SIGTERM)
FOR_METRICS = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks, when it is loaded
FORCED_S = 1  # that requests have, once their clients are cut off


def limits_of(settings: Settings) -> Limits:
    return Limits(header_s=settings.header_timeout_s, max_connections=settings.max_connections)


class Server(uvicorn.Server):
    """Uvicorn's, which ends with success when it is told to stop.

    Its own raises the signal again once it is down, and the process would end as if killed.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A second Ctrl-C means now.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:  # hang up on clients; what the application holds is still put down
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            if tasks := list(self.server_state.tasks):
                await asyncio.wait(tasks, timeout=FORCED_S)
            await self.lifespan.shutdown()


def allow_many_files() -> None:
    """Every connection and every open blob is a file; the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def config(settings: Settings, app: object, http: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=http,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        forwarded_allow_ips=settings.trusted_proxies,
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_s,
        backlog=4096,
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    logs.set_up(settings.log_level)
    allow_many_files()  # worker processes inherit it
    if settings.workers == 1:
        building = Building(settings)
        memory.settle()
        one = config(settings, building, serving(limits_of(settings), building.front))
        server = Server(one)
        with asyncio.Runner(loop_factory=one.get_loop_factory()) as runner:
            runner.run(server.serve())
        return
    memory.settle()
    many = config(settings, "harbor.worker:app", "harbor.worker:Protocol")
    with (
        TemporaryDirectory(prefix="harbor-metrics-") as folder,
        telling_children(FOR_METRICS, folder),
    ):
        Multiprocess(many, sockets=[many.bind_socket()]).run()
