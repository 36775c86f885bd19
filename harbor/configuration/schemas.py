"""What is said: the settings and their values."""

from typing import Annotated, Literal, get_type_hints

from msgspec import Meta, Struct, field

MAX_TEXT = 64 * 1024  # characters; a chain of certificates fits
PIB = 1024**5
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
NonEmptyText = Annotated[str, Meta(pattern=r"\S", max_length=MAX_TEXT)]
# A colon would end the name in Basic credentials, so that no robot could sign in.
NamePrefix = Annotated[str, Meta(pattern=r"^[^\s:]+$", max_length=64)]
Secret = Annotated[str, Meta(max_length=MAX_TEXT, description="encrypted at rest")]
AuthMode = Literal["db_auth", "ldap_auth", "oidc_auth", "http_auth", "uaa_auth"]
# Local accounts sign in under every mode, so that db_auth is not among them.
ELSEWHERE = ("ldap_auth", "oidc_auth", "http_auth", "uaa_auth")
Sources = Annotated[str, Meta(pattern=r"^(|[a-z_]+(,[a-z_]+)*)$", max_length=255)]
Restriction = Literal["everyone", "adminonly"]
Lasting = Annotated[int, Meta(ge=1, le=9_999_999_999)]
Patience = Annotated[int, Meta(ge=1, le=3600)]  # seconds
Port = Annotated[int, Meta(ge=1, le=65_535)]
SearchScope = Annotated[int, Meta(ge=0, le=2)]  # base, one level, subtree
TrashDays = Annotated[int, Meta(ge=0, le=3650)]
StorageLimit = Annotated[int, Meta(ge=-1, le=PIB)]  # bytes; -1 is unlimited


# What the audit log tells of; ``disabled_audit_log_event_types`` may name them.
EVENT_TYPES = (
    "create_artifact",
    "delete_artifact",
    "pull_artifact",
    "create_project",
    "delete_project",
    "delete_repository",
    "login_user",
    "logout_user",
    "create_user",
    "delete_user",
    "update_user",
    "create_robot",
    "delete_robot",
    "update_configuration",
    "create_member",
    "delete_member",
    "update_member",
    "update_project",
)


class Values(Struct, frozen=True, kw_only=True):
    """Every setting that an administrator can change, with what it is until somebody does.

    Source: Harbor src/lib/config/metadata/metadatalist.go, the keys of scope "user".
    """

    auth_mode: AuthMode = "db_auth"
    primary_auth_mode: bool = False
    auth_sources: Sources = ""  # modes that go on beside auth_mode, parted by commas
    scan_all_policy: dict[str, object] = field(default_factory=lambda: {"type": "none"})
    project_creation_restriction: Restriction = "everyone"
    read_only: bool = False
    self_registration: bool = False
    token_expiration: Lasting = 30  # minutes
    robot_token_duration: Lasting = 30  # days
    robot_name_prefix: NamePrefix = "robot$"
    workload_issuers: Text = ""  # whose tokens robots may sign in with; parted by spaces or lines
    notification_enable: bool = True
    pull_time_update_disable: bool = False
    pull_count_update_disable: bool = False
    pull_audit_log_disable: bool = False
    audit_log_forward_endpoint: Text = ""  # host:port
    skip_audit_log_database: bool = False
    scanner_skip_update_pulltime: bool = False
    disabled_audit_log_event_types: Text = ""
    session_timeout: Lasting = 60  # minutes
    banner_message: Text = ""  # a Banner as JSON

    ldap_base_dn: NonEmptyText = ""
    ldap_filter: Text = ""
    ldap_scope: SearchScope = 2
    ldap_search_dn: Text = ""
    ldap_search_password: Secret = ""
    ldap_timeout: Patience = 5
    ldap_uid: NonEmptyText = "cn"
    ldap_url: NonEmptyText = ""
    ldap_verify_cert: bool = True
    ldap_group_membership_attribute: Text = "memberof"
    ldap_group_attach_parallel: bool = False

    ldap_group_base_dn: Text = ""
    ldap_group_admin_dn: Text = ""
    ldap_group_attribute_name: Text = ""
    ldap_group_search_filter: Text = ""
    ldap_group_search_scope: SearchScope = 2
    ldap_group_nested: bool = False  # groups in groups, by a rule of Active Directory

    uaa_client_id: Text = ""
    uaa_client_secret: Secret = ""
    uaa_endpoint: Text = ""
    uaa_verify_cert: bool = False

    http_authproxy_endpoint: Text = ""
    http_authproxy_tokenreview_endpoint: Text = ""
    http_authproxy_admin_groups: Text = ""
    http_authproxy_admin_usernames: Text = ""
    http_authproxy_verify_cert: bool = True
    http_authproxy_skip_search: bool = False
    http_authproxy_server_certificate: Text = ""

    oidc_name: Text = ""
    oidc_endpoint: Text = ""
    oidc_client_id: Text = ""
    oidc_client_secret: Secret = ""
    oidc_groups_claim: Text = ""
    oidc_admin_group: Text = ""
    oidc_group_filter: Text = ""
    oidc_scope: Text = ""
    oidc_user_claim: Text = ""
    oidc_verify_cert: bool = True
    oidc_auto_onboard: bool = False
    oidc_extra_redirect_parms: Text = "{}"  # names and values as JSON
    oidc_logout: bool = False

    email_host: Text = ""
    email_port: Port = 25
    email_username: Text = ""
    email_password: Secret = ""
    email_from: Text = ""
    email_ssl: bool = False  # from the first byte on; otherwise STARTTLS where it is offered
    email_insecure: bool = False  # certificates are not verified

    quota_per_project_enable: bool = True
    storage_per_project: StorageLimit = -1
    trash_days: TrashDays = 7  # what is deleted can be restored so long; 0: not at all

    @property
    def sources(self) -> tuple[str, ...]:
        """Where people may come from beside local accounts: that of ``auth_mode`` first."""
        told = (self.auth_mode, *self.auth_sources.split(","))
        return tuple(dict.fromkeys(mode for mode in told if mode in ELSEWHERE))

    def believes(self, issuer: str) -> bool:
        """Whether an administrator lets robots sign in with tokens of that issuer."""
        return issuer.rstrip("/") in {each.rstrip("/") for each in self.workload_issuers.split()}


class OidcFields(Struct, kw_only=True):
    """What a form sends of the settings of OIDC; the names are theirs."""

    oidc_name: Text = ""
    oidc_endpoint: Text = ""
    oidc_client_id: Text = ""
    oidc_client_secret: Text = ""  # empty: it stays as it is
    oidc_groups_claim: Text = ""
    oidc_admin_group: Text = ""
    oidc_group_filter: Text = ""
    oidc_scope: Text = ""
    oidc_user_claim: Text = ""
    oidc_verify_cert: bool = False
    oidc_auto_onboard: bool = False
    oidc_extra_redirect_parms: Text = "{}"
    oidc_logout: bool = False


HINTS = get_type_hints(Values, include_extras=True)
SECRETS = frozenset(name for name, hint in HINTS.items() if hint == Secret)
# Another operation changes the policy; the rest is for whoever starts the server.
NOT_BY_API = frozenset(
    (
        "scan_all_policy",
        "pull_time_update_disable",
        "pull_count_update_disable",
        "pull_audit_log_disable",
    )
)
BY_API = tuple(name for name in HINTS if name not in NOT_BY_API)


class ConfigItem(Struct, frozen=True):
    """A setting as an administrator sees it."""

    value: object
    editable: bool


class Banner(Struct, rename="camel"):
    """What every page shows at its top, in words of the portal."""

    message: Annotated[str, Meta(max_length=4096)]
    closable: bool = False
    type: Literal["success", "info", "warning", "danger"] = "info"
    from_date: Annotated[str, Meta(max_length=64)] | None = None
    to_date: Annotated[str, Meta(max_length=64)] | None = None
