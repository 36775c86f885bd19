"""What is said: the settings and their values."""

from msgspec import Struct, field


class Values(Struct, frozen=True, kw_only=True):
    """Every setting that an administrator can change, with what it is until somebody does.

    Source: Harbor src/lib/config/metadata/metadatalist.go, the keys of scope "user".
    """

    auth_mode: str = "db_auth"
    primary_auth_mode: bool = False
    scan_all_policy: dict[str, object] = field(default_factory=lambda: {"type": "none"})
    project_creation_restriction: str = "everyone"
    read_only: bool = False
    self_registration: bool = False
    token_expiration: int = 30
    robot_token_duration: int = 30
    robot_name_prefix: str = "robot$"
    notification_enable: bool = True
    pull_time_update_disable: bool = False
    pull_count_update_disable: bool = False
    pull_audit_log_disable: bool = False
    audit_log_forward_endpoint: str = ""
    skip_audit_log_database: bool = False
    scanner_skip_update_pulltime: bool = False
    disabled_audit_log_event_types: str = ""
    session_timeout: int = 60
    banner_message: str = ""

    ldap_base_dn: str = ""
    ldap_filter: str = ""
    ldap_scope: int = 2
    ldap_search_dn: str = ""
    ldap_search_password: str = ""
    ldap_timeout: int = 5
    ldap_uid: str = "cn"
    ldap_url: str = ""
    ldap_verify_cert: bool = True
    ldap_group_membership_attribute: str = "memberof"
    ldap_group_attach_parallel: bool = False

    ldap_group_base_dn: str = ""
    ldap_group_admin_dn: str = ""
    ldap_group_attribute_name: str = ""
    ldap_group_search_filter: str = ""
    ldap_group_search_scope: int = 2

    uaa_client_id: str = ""
    uaa_client_secret: str = ""
    uaa_endpoint: str = ""
    uaa_verify_cert: bool = False

    http_authproxy_endpoint: str = ""
    http_authproxy_tokenreview_endpoint: str = ""
    http_authproxy_admin_groups: str = ""
    http_authproxy_admin_usernames: str = ""
    http_authproxy_verify_cert: bool = True
    http_authproxy_skip_search: bool = False
    http_authproxy_server_certificate: str = ""

    oidc_name: str = ""
    oidc_endpoint: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_groups_claim: str = ""
    oidc_admin_group: str = ""
    oidc_group_filter: str = ""
    oidc_scope: str = ""
    oidc_user_claim: str = ""
    oidc_verify_cert: bool = True
    oidc_auto_onboard: bool = False
    oidc_extra_redirect_parms: str = "{}"
    oidc_logout: bool = False

    quota_per_project_enable: bool = True
    storage_per_project: int = -1
