"""What is said: the state of this server, and what it holds."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.artifacts.service import addresses
from harbor.core.wire import Time
from harbor.projects.schemas import Project


class ComponentHealthStatus(Struct, omit_defaults=True):
    name: str
    status: str  # healthy, unhealthy
    error: str = ""


class OverallHealthStatus(Struct):
    """Healthy if every component is."""

    status: str
    components: list[ComponentHealthStatus]


class AuthproxySetting(Struct):
    """How clients of an authentication proxy sign in."""

    endpoint: str
    tokenreivew_endpoint: str  # so spelt by Harbor
    skip_search: bool
    verify_cert: bool
    server_certificate: str


class GeneralInfo(Struct, omit_defaults=True):
    """What a client may want to know before it does anything; strangers learn the first half."""

    auth_mode: str | None = None
    primary_auth_mode: bool | None = None
    self_registration: bool | None = None
    banner_message: str | None = None
    oidc_provider_name: str | None = None
    authproxy_settings: AuthproxySetting | None = None

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


class Storage(Struct):
    """Bytes of a disk."""

    total: int
    free: int


class SystemInfo(Struct):
    storage: list[Storage]


class SearchQuery(Struct):
    """What to look for; nothing at all finds everything."""

    q: Annotated[str, Meta(max_length=255)]


class SearchRepository(Struct):
    project_id: int
    project_name: str
    project_public: bool
    repository_name: str  # with its project
    pull_count: int
    artifact_count: int

    @property
    def path(self) -> str:
        """Where its page is."""
        return addresses.of_repository(self.project_id, self.repository_name)


class Search(Struct):
    """What was found, by name."""

    project: list[Project]
    repository: list[SearchRepository]


class Statistic(Struct):
    """What the caller may see, in numbers; totals stay 0 for all but administrators."""

    private_project_count: int = 0
    private_repo_count: int = 0
    public_project_count: int = 0
    public_repo_count: int = 0
    total_project_count: int = 0
    total_repo_count: int = 0
    total_storage_consumption: int = 0  # bytes of blobs, each counted once


class Permission(Struct):
    resource: str
    action: str


class Permissions(Struct, omit_defaults=True):
    """What robots may be given, by the scope that it holds in."""

    project: list[Permission]
    system: list[Permission] = []
