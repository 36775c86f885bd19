"""What is done: tell what this server is."""

import asyncio
import shutil

from harbor import __version__
from harbor.configuration.schemas import Values
from harbor.core import clock
from harbor.core.errors import NotFound, Unavailable
from harbor.core.settings import Settings
from harbor.core.wire import Time
from harbor.system.schemas import AuthproxySetting, GeneralInfo, Storage, SystemInfo
from harbor.users.service import has_oidc

API_VERSION = "v2.0"
HARBOR_VERSION = f"v2.16.0-{__version__}"  # other Harbors read the API's age from the first part


def info(values: Values) -> GeneralInfo:
    """What a stranger may know."""
    told = GeneralInfo(
        auth_mode=values.auth_mode,
        primary_auth_mode=values.primary_auth_mode,
        self_registration=values.self_registration,
        banner_message=values.banner_message,
        oidc_provider_name=values.oidc_name if has_oidc(values) else "",
    )
    if "http_auth" in values.sources:
        told.authproxy_settings = AuthproxySetting(
            endpoint=values.http_authproxy_endpoint,
            tokenreivew_endpoint=values.http_authproxy_tokenreview_endpoint,
            skip_search=values.http_authproxy_skip_search,
            verify_cert=values.http_authproxy_verify_cert,
            server_certificate=values.http_authproxy_server_certificate,
        )
    return told


async def full_info(values: Values, settings: Settings, external_url: str) -> GeneralInfo:
    """What everyone who has signed in may know."""
    told = info(values)
    told.current_time = Time(clock.now())
    told.registry_url = external_url.partition("://")[2]
    told.external_url = external_url
    told.project_creation_restriction = values.project_creation_restriction
    told.has_ca_root = bool(settings.ca_file) and await is_file(settings.ca_file)
    told.harbor_version = HARBOR_VERSION
    told.registry_storage_provider_name = "filesystem"
    told.read_only = values.read_only
    told.notification_enable = values.notification_enable
    return told


async def is_file(path: str) -> bool:
    import aiofiles.os  # noqa: PLC0415, few have one

    return await aiofiles.os.path.isfile(path)


async def certificate(settings: Settings) -> bytes:
    """The certificate of the authority; ``NotFound`` if there is none."""
    import aiofiles  # noqa: PLC0415, few ask for it

    try:
        async with aiofiles.open(settings.ca_file, "rb") as file:
            return await file.read()
    except OSError as error:
        raise NotFound("the certificate of the authority is not found") from error


async def volumes(settings: Settings) -> SystemInfo:
    """How much fits on the disk of the data folder."""
    try:
        disk = await asyncio.to_thread(shutil.disk_usage, settings.data)
    except OSError as error:
        raise Unavailable("the data folder cannot be read; the log says why") from error
    return SystemInfo([Storage(total=disk.total, free=disk.free)])
