"""What is said: projects and members, as callers name and see them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from harbor.core.query import Listing
from harbor.core.wire import MAX_ID, Id, Paging, Time

MAX_PATTERN = 512  # characters of a rule about repositories
MAX_SECONDS = 2**53 - 1  # since 1970; what a browser's numbers hold
Name = Annotated[str, Meta(max_length=255)]
MetadataValue = Annotated[str, Meta(max_length=4096)]
MetadataPair = dict[Name, MetadataValue | None]


class ProjectMetadata(Struct, omit_defaults=True):
    """What a project is told about itself. Every value is text; a null says nothing."""

    public: MetadataValue | None = None
    enable_content_trust: MetadataValue | None = None
    enable_content_trust_cosign: MetadataValue | None = None
    prevent_vul: MetadataValue | None = None
    severity: MetadataValue | None = None
    auto_scan: MetadataValue | None = None
    auto_sbom_generation: MetadataValue | None = None
    reuse_sys_cve_allowlist: MetadataValue | None = None
    retention_id: MetadataValue | None = None
    proxy_speed_kb: MetadataValue | None = None
    max_upstream_conn: MetadataValue | None = None
    proxy_cache_local_on_not_found: MetadataValue | None = None
    proxy_referrer_api: MetadataValue | None = None
    proxy_cache_filter_pattern: MetadataValue | None = None
    proxy_cache_filter_kind: MetadataValue | None = None


class CVEAllowlistItem(Struct):
    cve_id: Name | None = None


class CVEAllowlistReq(Struct):
    """The vulnerabilities that are not to stop a pull. It replaces the whole list."""

    project_id: Id | None = None
    expires_at: Annotated[int, Meta(ge=0, le=MAX_SECONDS)] | None = None  # None: never
    items: Annotated[list[CVEAllowlistItem], Meta(max_length=10_000)] | None = None

    @property
    def cve_ids(self) -> list[str]:
        return [item.cve_id or "" for item in self.items or ()]


class ProjectReq(Struct):
    """A project to create, or what to change about one."""

    project_name: Name | None = None  # of a new project; another one is given by "rename"
    metadata: ProjectMetadata | None = None
    public: bool | None = None  # where Harbor 1.2 and older put it; only for a new project
    storage_limit: int | None = None  # bytes; only for a new project
    registry_id: int | None = None  # only for a new project
    cve_allowlist: CVEAllowlistReq | None = None  # not for a new project

    @property
    def name(self) -> str:
        return self.project_name or ""

    @property
    def told(self) -> dict[str, str]:
        """The metadata that has a value."""
        given = msgspec.structs.asdict(self.metadata or ProjectMetadata())
        return {name: value for name, value in given.items() if value}

    @property
    def told_of_new(self) -> dict[str, str]:
        """The metadata of a new project."""
        public = {} if self.public is None else {"public": str(self.public).lower()}
        return public | self.told


class RenameReq(Struct):
    """Another name."""

    name: Name


class FormerName(Struct):
    """A name that still leads here."""

    name: str


class ProjectQuery(Listing):
    """Which projects to list, and how much of each to show."""

    name: str = ""  # a part of it
    owner: str = ""
    public: bool | None = None
    with_detail: bool = True


class ProjectProbe(Struct):
    """The project that is asked for."""

    project_name: str


class CVEAllowlist(Struct, kw_only=True, omit_defaults=True):
    """The vulnerabilities that do not stop a pull."""

    id: int
    project_id: int  # 0 for the whole registry
    items: list[CVEAllowlistItem]
    creation_time: Time
    update_time: Time
    expires_at: int | None = None  # seconds since 1970


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


class ProjectDeletable(Struct, omit_defaults=True):
    deletable: bool
    message: str = ""  # why not


class ProjectSummaryQuota(Struct):
    """Bytes by resource, of which there is one: ``storage``. A limit of -1 is none."""

    hard: dict[str, int]
    used: dict[str, int]


class ProjectSummary(Struct, kw_only=True, omit_defaults=True):
    """What a project holds, and how many members of each role; only what the caller may see."""

    repo_count: int
    project_admin_count: int = 0
    maintainer_count: int = 0
    developer_count: int = 0
    guest_count: int = 0
    limited_guest_count: int = 0
    quota: ProjectSummaryQuota | None = None


class UserEntity(Struct):
    user_id: Id | None = None
    username: Name | None = None


class UserGroup(Struct):
    id: Id | None = None
    group_name: Name | None = None
    group_type: int | None = None
    ldap_group_dn: Annotated[str, Meta(max_length=512)] | None = None

    @property
    def named(self) -> bool:
        return bool(self.group_name or self.ldap_group_dn)


class ProjectMember(Struct):
    """A role to give to somebody, who is named in one of several ways."""

    role_id: int | None = None
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
        named = user.username or group.group_name or group.ldap_group_dn
        return named or f"user {user.user_id or 0}"


class RoleRequest(Struct):
    """Another role for a member."""

    role_id: int | None = None


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


class RuleSubject(Struct, omit_defaults=True):
    """Whom a rule is about: a user, a group or a robot, by id or by name, or every member.

    A robot must have been given something in the project.
    """

    type: Literal["user", "group", "robot", "members"]
    id: Id | None = None
    name: Name | None = None


class RepositoryRuleReq(Struct):
    """A rule to be: who has which role in which repositories."""

    subject: RuleSubject
    pattern: Annotated[str, Meta(min_length=1, max_length=MAX_PATTERN)]
    role_id: int  # 0 for none
    position: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None  # in the list; at first the last


class RepositoryRule(Struct, kw_only=True):
    """A role that somebody has in the repositories whose names fit, in place of the usual one."""

    id: int
    project_id: int
    position: int  # in which order rules are asked, from 1
    subject: RuleSubject
    pattern: str  # of names without the project
    role_id: int  # 0 for none
    role_name: str
    creation_time: Time
    update_time: Time


class EffectiveQuery(Struct):
    """Whose role in which repository, its name without the project: a user's or a robot's."""

    repository: Annotated[str, Meta(min_length=1, max_length=255)]
    user: Name = ""
    robot: Name = ""  # with the prefix, or without


class EffectiveRole(Struct, kw_only=True):
    """The role that somebody has in a repository, and why."""

    user: str  # "" for a robot
    robot: str  # "" for a user
    repository: str
    role_id: int  # 0 for none, as of a robot that no rule concerns
    role_name: str
    # "permissions": what the robot was given; "inactive": it is disabled, or has expired.
    decided_by: Literal[
        "systemAdmin",
        "projectAdmin",
        "rule",
        "membership",
        "permissions",
        "inactive",
        "nothing",
    ]
    rule: RepositoryRule | None  # that decided
    public: bool  # everybody may pull, whatever rules say
    actions: list[str]  # pull, push, delete
