"""The command line: serve, migrate, routes, docs, admin."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import click
from msgspec import Meta

from harbor import __version__
from harbor.core.settings import Settings, SettingsError, environment, load

if TYPE_CHECKING:
    from harbor.app import FirstStart

ON_COMMAND_LINE = (
    "host",
    "port",
    "data_dir",
    "database_url",
    "workers",
    "tls_cert",
    "tls_key",
    "external_url",
)
T = TypeVar("T")
BY_ENVIRONMENT = "HARBOR_CONFIG"


def described(name: str) -> str:
    hint = get_type_hints(Settings, include_extras=True)[name]
    return next(m.description or "" for m in hint.__metadata__ if isinstance(m, Meta))


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command which touches the data takes."""
    for name in reversed(ON_COMMAND_LINE):
        option = "--" + name.replace("_", "-")
        command = click.option(option, default=None, help=described(name))(command)
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar=BY_ENVIRONMENT,
        help="settings file, TOML or YAML",
    )(command)


def settings_from(options: dict[str, Any]) -> Settings:
    file = options.pop("config")
    try:
        return load(options, os.environ, file)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """What *work* returns; what goes wrong for reasons outside is said in one line."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from harbor.core.errors import HarborError  # noqa: PLC0415

    try:
        return asyncio.run(work)
    except (SettingsError, HarborError, OSError) as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"database: {getattr(error, 'orig', error)}") from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="harbor")
def main() -> None:
    """Harbor: a container registry in one process.

    Every option is also a variable, HARBOR_ and its name in capitals, and a key of the settings
    file. Options win over variables, variables over the file.
    """


@main.command()
@with_settings
def serve(**options: Any) -> None:
    """Start the registry. The database is brought up to date first."""
    from harbor.core import memory  # noqa: PLC0415, other commands need not wait for it

    memory.tune()
    from harbor import server  # noqa: PLC0415

    settings = settings_from(options)
    os.environ.update(environment(settings))  # for worker processes
    first = apart(partial(prepared, settings))
    os.environ.pop("HARBOR_ADMIN_PASSWORD", None)
    welcome(settings, first.admin_password)
    server.serve(settings)


def prepared(settings: Settings) -> "FirstStart":
    from harbor.app import prepare  # noqa: PLC0415

    return run(prepare(settings))


def apart(work: Callable[[], T]) -> T:
    """What *work* returns, done by a child process.

    Migrations and password hashes need memory once, which a server would keep for good.
    """
    if threading.active_count() > 1:
        return work()  # a fork would take along the locks that other threads hold
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        try:
            return pool.submit(work).result()
        except BrokenProcessPool as error:
            raise click.ClickException("the database could not be prepared") from error


def welcome(settings: Settings, password: str | None) -> None:
    """Say where to go, who the administrator is, and how to log in."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    scheme = "https" if settings.tls else "http"
    url = settings.external_url or f"{scheme}://{host}:{settings.port}"
    lines = [
        f"Harbor {__version__} at {url}",
        f"  data           {settings.data}",
        "  administrator  admin",
    ]
    if password:
        lines += [f"  password       {password}", "                 (shown this once; keep it)"]
    else:
        lines += ["  password       as set; forgotten: harbor admin reset-password"]
    lines += [f"  log in         docker login {url.partition('://')[2]} -u admin"]
    click.echo("\n".join(lines))
    sys.stdout.flush()


@main.command()
@with_settings
def migrate(**options: Any) -> None:
    """Bring the database to this version, and stop."""
    from harbor.app import prepare  # noqa: PLC0415

    settings = settings_from(options)
    first = run(prepare(settings))
    click.echo(f"the database is up to date: {__version__}")
    if first.admin_password:
        click.echo(f"administrator admin, password {first.admin_password} (shown this once)")


@main.command()
def routes() -> None:
    """Print every operation: who may call it, and what the audit log says."""
    from harbor.doors import operations  # noqa: PLC0415

    for op in sorted(operations(), key=lambda op: (op.path, op.method)):
        line = f"{op.audit.operation} {op.audit.resource_type}" if op.audit else ""
        click.echo(f"{op.method:7}{op.path:55}{op.allow!s:28}{line}".rstrip())


@main.command()
@click.option("--check", is_flag=True, help="change nothing; fail if a page is not up to date")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("docs/reference"))
def docs(check: bool, folder: Path) -> None:
    """Write the reference pages."""
    from harbor import documentation  # noqa: PLC0415

    if not check:
        documentation.write(folder)
    elif old := documentation.outdated(folder):
        raise click.ClickException(f"not up to date: {', '.join(old)}; run `harbor docs`")


@main.group()
def admin() -> None:
    """Do what only whoever runs the server may do."""


@admin.command("reset-password")
@with_settings
@click.option("--username", default="", help="whose password; the first administrator's if none")
@click.password_option(
    "--password", default="", prompt="New password (empty: one is made)", help="the new password"
)
def reset_password(username: str, password: str, **options: Any) -> None:
    """Give an account a new password."""
    from harbor import maintenance  # noqa: PLC0415

    settings = settings_from(options)
    made = run(maintenance.reset_password(settings, username, password))
    whose = username or "the first administrator"
    click.echo(f"password of {whose}: {made}" if not password else "password changed")


@admin.command("remove-second-factor")
@with_settings
@click.option("--username", default="", help="whose; the first administrator's if none")
def remove_second_factor(username: str, **options: Any) -> None:
    """Let an account's password be enough again: its authenticator was lost."""
    from harbor import maintenance  # noqa: PLC0415

    run(maintenance.remove_second_factor(settings_from(options), username))
    click.echo("two-factor sign-in is off; running servers know at once")


@admin.command("rotate-keys")
@with_settings
def rotate_keys(**options: Any) -> None:
    """Sign registry tokens with a new key; tokens already issued stay good."""
    from harbor import maintenance  # noqa: PLC0415

    kid = run(maintenance.rotate_keys(settings_from(options)))
    click.echo(f"new signing key {kid}; running servers use it within a minute")


if __name__ == "__main__":
    main()
