"""What is said: projects and members, as callers name and see them."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from harbor.core.wire import Id, Paging, Time


class ProjectMetadata(Struct, omit_defaults=True):
    """What a project is told about itself. Every value is text; a null says nothing."""

    public: str | None = None
    enable_content_trust: str | None = None
    enable_content_trust_cosign: str | None = None
    prevent_vul: str | None = None
    severity: str | None = None
    auto_scan: str | None = None
    auto_sbom_generation: str | None = None
    reuse_sys_cve_allowlist: str | None = None
    retention_id: str | None = None
    proxy_speed_kb: str | None = None
    max_upstream_conn: str | None = None
    proxy_cache_local_on_not_found: str | None = None
    proxy_referrer_api: str | None = None
    proxy_cache_filter_pattern: str | None = None
    proxy_cache_filter_kind: str | None = None


class ProjectReq(Struct):
    """A project to create."""

    project_name: Annotated[str, Meta(max_length=255)] = ""
    metadata: ProjectMetadata | None = None
    public: bool | None = None  # where Harbor 1.2 and older put it
    storage_limit: int | None = None  # bytes
    registry_id: int | None = None

    @property
    def told(self) -> dict[str, str]:
        """The metadata that has a value."""
        given = msgspec.structs.asdict(self.metadata or ProjectMetadata())
        told = {name: value for name, value in given.items() if value}
        if self.public is not None:
            told.setdefault("public", str(self.public).lower())
        return told


class ProjectQuery(Paging):
    """Which projects to list, and how much of each to show."""

    name: str = ""  # a part of it
    owner: str = ""
    public: bool | None = None
    with_detail: bool = True
    sort: str = ""


class ProjectProbe(Struct):
    """The project that is asked for."""

    project_name: str


class CVEAllowlistItem(Struct):
    cve_id: str


class CVEAllowlist(Struct):
    """The vulnerabilities that do not stop a pull."""

    project_id: int
    items: list[CVEAllowlistItem]
    creation_time: Time
    update_time: Time


class Project(Struct, kw_only=True, omit_defaults=True):
    """A project as one caller sees it."""

    project_id: int
    owner_id: int
    name: str
    creation_time: Time
    update_time: Time
    repo_count: int
    owner_name: str = ""
    current_user_role_id: int = 0
    current_user_role_ids: list[int] = []
    metadata: ProjectMetadata | None = None
    cve_allowlist: CVEAllowlist | None = None


class UserEntity(Struct):
    user_id: Id = 0
    username: str = ""


class UserGroup(Struct):
    id: Id = 0
    group_name: str = ""
    group_type: int = 0
    ldap_group_dn: str = ""

    @property
    def named(self) -> bool:
        return bool(self.group_name or self.ldap_group_dn)


class ProjectMember(Struct):
    """A role to give to somebody, who is named in one of several ways."""

    role_id: int = 0
    member_user: UserEntity | None = None
    member_group: UserGroup | None = None

    @property
    def user(self) -> UserEntity:
        return self.member_user or UserEntity()

    @property
    def group(self) -> UserGroup:
        return self.member_group or UserGroup()

    @property
    def name(self) -> str:
        """Whoever is meant, for the audit log."""
        user, group = self.user, self.group
        return user.username or group.group_name or group.ldap_group_dn or f"user {user.user_id}"


class RoleRequest(Struct):
    """Another role for a member."""

    role_id: int = 0


class MemberQuery(Paging):
    """Which members to list."""

    entityname: str = ""  # a part of it


class ProjectMemberEntity(Struct):
    """A member, with names for the ids."""

    id: int
    project_id: int
    entity_name: str
    role_name: str
    role_id: int
    entity_id: int
    entity_type: str
