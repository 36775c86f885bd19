"""The doors of the building: every module with operations, of REST, of ``/v2`` and of pages."""

from collections.abc import Iterator
from functools import cache

from harbor.apidocs import pages as apidocs_pages
from harbor.artifacts.pages import additions as addition_pages
from harbor.artifacts.pages import artifact as artifact_pages
from harbor.artifacts.pages import copying as copy_pages
from harbor.artifacts.pages import history as tag_history_pages
from harbor.artifacts.pages import info as repository_info_pages
from harbor.artifacts.pages import listing as artifact_list_pages
from harbor.artifacts.pages import moving as moving_pages
from harbor.artifacts.pages import repositories as repository_pages
from harbor.artifacts.pages import selection as artifact_selection_pages
from harbor.artifacts.pages import storage as storage_pages
from harbor.artifacts.pages import tags as tag_pages
from harbor.artifacts.pages import trash as trash_pages
from harbor.artifacts.routes import additions as addition_routes
from harbor.artifacts.routes import artifacts as artifact_routes
from harbor.artifacts.routes import history as tag_history_routes
from harbor.artifacts.routes import icons as icon_routes
from harbor.artifacts.routes import moving as moving_routes
from harbor.artifacts.routes import projects as project_artifact_routes
from harbor.artifacts.routes import repositories as repository_routes
from harbor.artifacts.routes import storage as storage_routes
from harbor.artifacts.routes import tags as tag_routes
from harbor.artifacts.routes import trash as trash_routes
from harbor.audit import routes as audit_routes
from harbor.auth.pages import access_tokens as access_token_pages
from harbor.auth.pages import account as account_pages
from harbor.auth.pages import lockouts as lockout_pages
from harbor.auth.pages import oidc as oidc_pages
from harbor.auth.pages import passkeys as passkey_pages
from harbor.auth.pages import passwords as password_pages
from harbor.auth.pages import second_factor as second_factor_pages
from harbor.auth.pages import session as session_pages
from harbor.auth.pages import sessions as sessions_pages
from harbor.auth.pages import sign_up as sign_up_pages
from harbor.auth.routes import internal as internal_routes
from harbor.auth.routes import lockouts as lockout_routes
from harbor.auth.routes import oidc as oidc_routes
from harbor.auth.routes import personal as personal_routes
from harbor.auth.routes import session as session_routes
from harbor.auth.routes import token as token_routes
from harbor.auth.routes import user as own_routes
from harbor.charts.routes import charts as chart_routes
from harbor.charts.routes import repository as chart_repository_routes
from harbor.configuration import pages as configuration_pages
from harbor.configuration import routes as configuration_routes
from harbor.core import api
from harbor.core.routing import Node, planned
from harbor.directory.pages import authentication as authentication_pages
from harbor.directory.pages import groups as group_pages
from harbor.directory.pages import people as directory_people_pages
from harbor.directory.routes import groups as group_routes
from harbor.directory.routes import ldap as ldap_routes
from harbor.explorer import routes as explorer_routes
from harbor.explorer.pages import compare as compare_pages
from harbor.explorer.pages import files as file_pages
from harbor.explorer.pages import packages as package_pages
from harbor.immutability import pages as immutability_pages
from harbor.immutability import routes as immutability_routes
from harbor.labels import pages as label_pages
from harbor.labels import routes as label_routes
from harbor.portal import pages as portal_pages
from harbor.projects.pages import allowlists as allowlist_pages
from harbor.projects.pages import configuration as project_configuration_pages
from harbor.projects.pages import creation as project_creation_pages
from harbor.projects.pages import listing as project_list_pages
from harbor.projects.pages import logs as log_pages
from harbor.projects.pages import members as project_member_pages
from harbor.projects.pages import renaming as renaming_pages
from harbor.projects.pages import repository_rules as repository_rule_pages
from harbor.projects.pages import rule_dialogs as rule_dialog_pages
from harbor.projects.pages import summary as project_summary_pages
from harbor.projects.routes import allowlist as allowlist_routes
from harbor.projects.routes import members as member_routes
from harbor.projects.routes import metadata as metadata_routes
from harbor.projects.routes import projects as project_routes
from harbor.projects.routes import renaming as renaming_routes
from harbor.projects.routes import repository_rules as repository_rule_routes
from harbor.quotas import pages as quota_pages
from harbor.quotas.routes import internal as internal_quota_routes
from harbor.quotas.routes import quotas as quota_routes
from harbor.registry import routes as registry_routes
from harbor.robots import pages as robot_pages
from harbor.robots import routes as robot_routes
from harbor.system import pages as system_pages
from harbor.system import routes as system_routes
from harbor.users import pages as user_pages
from harbor.users import routes as user_routes

DOORS = (
    configuration_routes,
    token_routes,
    session_routes,
    own_routes,
    personal_routes,
    lockout_routes,
    internal_routes,
    oidc_routes,
    user_routes,
    group_routes,
    ldap_routes,
    project_routes,
    renaming_routes,
    member_routes,
    repository_rule_routes,
    metadata_routes,
    allowlist_routes,
    label_routes,
    robot_routes,
    repository_routes,
    moving_routes,
    artifact_routes,
    addition_routes,
    icon_routes,
    tag_routes,
    storage_routes,
    tag_history_routes,
    trash_routes,
    explorer_routes,
    project_artifact_routes,
    immutability_routes,
    chart_repository_routes,
    chart_routes,
    quota_routes,
    internal_quota_routes,
    audit_routes,
    project_list_pages,
    project_creation_pages,
    project_summary_pages,
    project_member_pages,
    repository_rule_pages,
    rule_dialog_pages,
    project_configuration_pages,
    renaming_pages,
    allowlist_pages,
    log_pages,
    label_pages,
    robot_pages,
    immutability_pages,
    repository_pages,
    repository_info_pages,
    storage_pages,
    moving_pages,
    artifact_list_pages,
    artifact_selection_pages,
    artifact_pages,
    addition_pages,
    copy_pages,
    file_pages,
    package_pages,
    compare_pages,
    tag_pages,
    tag_history_pages,
    trash_pages,
    quota_pages,
    configuration_pages,
    session_pages,
    sign_up_pages,
    oidc_pages,
    account_pages,
    password_pages,
    access_token_pages,
    sessions_pages,
    second_factor_pages,
    passkey_pages,
    lockout_pages,
    user_pages,
    group_pages,
    directory_people_pages,
    authentication_pages,
    system_pages,
    system_routes,
    portal_pages,
    apidocs_pages,
)


def operations() -> list[api.Op]:
    """Every operation that this program serves."""
    return [*registry_routes.routes.ops, *behind_doors()]


def behind_doors() -> Iterator[api.Op]:
    """All but those of ``/v2``."""
    for door in DOORS:
        yield from door.routes.ops


@cache
def plan() -> Node:
    """Where the paths of all but ``/v2`` lead to."""
    return planned(behind_doors())
