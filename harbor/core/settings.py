"""What the process is told at start: options, environment, file, in this order of precedence."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

MIB = 1024 * 1024
PREFIX = "HARBOR_"
AS_IN_HARBOR = {"config_overwrite_json": "CONFIG_OVERWRITE_JSON"}  # read under this name too


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each is an option, ``HARBOR_`` and the name in capitals, or a key of the settings file."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on")] = 8080
    data_dir: Annotated[str, Meta(min_length=1, description="folder of blobs and database")] = (
        "harbor-data"
    )
    database_url: Annotated[
        str, Meta(description="sqlite:///… or postgresql://…; empty: harbor.db in the data folder")
    ] = ""
    workers: Annotated[int, Meta(ge=1, le=64, description="processes that serve")] = 1
    tls_cert: Annotated[str, Meta(description="certificate chain, PEM file")] = ""
    tls_key: Annotated[str, Meta(description="private key of the certificate, PEM file")] = ""
    external_url: Annotated[
        str, Meta(pattern=r"^(https?://[^/?#\s]+)?$", description="how clients reach the registry")
    ] = ""
    admin_password: Annotated[
        str, Meta(description="first password of admin; empty: one is made and printed once")
    ] = ""
    secret_key: Annotated[
        str, Meta(description="key of secrets at rest; empty: secret.key in the data folder")
    ] = ""
    config_overwrite_json: Annotated[
        str, Meta(description="system settings as a JSON object; then nobody can change any")
    ] = ""
    ca_file: Annotated[
        str, Meta(description="certificate of the authority that clients must trust, PEM file")
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            min_length=1,
            description="addresses and networks, by commas, whose X-Forwarded-Proto and "
            "X-Forwarded-For count; none: nobody's, *: everybody's",
        ),
    ] = "127.0.0.1,::1"
    failed_login_delay_s: Annotated[
        float, Meta(ge=0, le=60, description="wait before a wrong password is answered")
    ] = 1.5
    upload_idle_s: Annotated[
        int, Meta(ge=60, description="seconds an unfinished upload is kept")
    ] = 7 * 24 * 3600
    chart_max_bytes: Annotated[
        int, Meta(ge=1024, description="bytes of a packed chart that is uploaded by /api/chartrepo")
    ] = 20 * MIB
    open_uploads_per_user: Annotated[
        int, Meta(ge=1, description="unfinished uploads that one account may have")
    ] = 10_000
    disk_reserve: Annotated[
        int, Meta(ge=0, description="bytes kept free on the data disk; pushes stop before")
    ] = 64 * MIB
    direct_io: Annotated[
        bool, Meta(description="write large blobs past the system's page cache, where that works")
    ] = True
    header_timeout_s: Annotated[
        float, Meta(gt=0, description="seconds a request's header may take")
    ] = 30.0
    max_connections: Annotated[int, Meta(ge=1, description="connections of one process")] = 10_000
    shutdown_s: Annotated[
        int, Meta(ge=1, description="seconds that running requests get when the server stops")
    ] = 15
    metrics: Annotated[bool, Meta(description="answer GET /metrics, to anybody")] = False
    access_log: Annotated[bool, Meta(description="a line for each request")] = False
    log_level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)$", description="least level that is logged")
    ] = "info"

    @property
    def data(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'harbor.db'}"

    @property
    def tls(self) -> bool:
        return bool(self.tls_cert)


def load(
    options: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None
) -> Settings:
    """The settings of this process; ``SettingsError`` names the one that is wrong."""
    told: dict[str, Any] = read_file(file) if file else {}
    for name in Settings.__struct_fields__:
        names = (PREFIX + name.upper(), AS_IN_HARBOR.get(name, ""))
        if value := next(filter(None, map(environ.get, names)), None):
            told[name] = value
    told |= {name: value for name, value in options.items() if value is not None}
    try:
        settings = msgspec.convert(told, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from error
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("settings: tls_cert and tls_key go together")
    return settings


def read_file(file: Path) -> dict[str, Any]:
    """The keys of a TOML or YAML file, told apart by its name."""
    import yaml  # noqa: PLC0415, most processes read no file

    try:
        text = file.read_text()
        told = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{file}: {error}") from error
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise SettingsError(f"{file}: expected names and values")
    return told


def environment(settings: Settings) -> dict[str, str]:
    """*settings* as variables, for the worker processes that this one starts."""
    plain = msgspec.to_builtins(settings)
    return {PREFIX + name.upper(): str(value) for name, value in plain.items() if value != ""}


def from_environment() -> Settings:
    return load({}, os.environ)


@contextmanager
def telling_children(name: str, value: str) -> Iterator[None]:
    """A variable for the processes that are started meanwhile."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
