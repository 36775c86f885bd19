"""What is said: the state of this server."""

from msgspec import Struct

from harbor.core.wire import Time


class ComponentHealthStatus(Struct, omit_defaults=True):
    name: str
    status: str  # healthy, unhealthy
    error: str = ""


class OverallHealthStatus(Struct):
    """Healthy if every component is."""

    status: str
    components: list[ComponentHealthStatus]


class GeneralInfo(Struct, omit_defaults=True):
    """What a client may want to know before it does anything; strangers learn the first half."""

    auth_mode: str | None = None
    primary_auth_mode: bool | None = None
    self_registration: bool | None = None
    banner_message: str | None = None
    oidc_provider_name: str | None = None

    current_time: Time | None = None
    registry_url: str | None = None  # without the scheme, as in image names
    external_url: str | None = None
    project_creation_restriction: str | None = None
    has_ca_root: bool | None = None
    harbor_version: str | None = None
    registry_storage_provider_name: str | None = None
    read_only: bool | None = None
    notification_enable: bool | None = None


class Version(Struct):
    """The version of the API, not of the program."""

    version: str
