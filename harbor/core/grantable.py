"""What robots may be given: actions by resource, for the whole system and in projects."""

from collections.abc import Mapping

SYSTEM: Mapping[str, tuple[str, ...]] = {
    "audit-log": ("list",),
    "preheat-instance": ("read", "create", "delete", "list", "update"),
    "project": ("list", "create"),
    "replication-policy": ("read", "create", "delete", "list", "update"),
    "replication": ("read", "create", "list"),
    "replication-adapter": ("list",),
    "registry": ("read", "create", "delete", "list", "update"),
    "scan-all": ("read", "update", "stop", "create"),
    "system-volumes": ("read",),
    "garbage-collection": ("read", "create", "list", "update", "stop"),
    "purge-audit": ("read", "create", "list", "update", "stop"),
    "jobservice-monitor": ("list", "stop"),
    "scanner": ("read", "create", "delete", "list", "update"),
    "label": ("read", "create", "delete", "update"),
    "security-hub": ("read", "list"),
    "catalog": ("read",),
    "quota": ("read", "list", "update"),
    "robot": ("create", "read", "list", "delete"),
    "user": ("create", "read", "update", "list", "delete"),
    "ldap-user": ("create", "list"),
    "user-group": ("create", "read", "update", "list", "delete"),
}
PROJECT: Mapping[str, tuple[str, ...]] = {
    "log": ("list",),
    "project": ("read", "delete", "update"),
    "metadata": ("read", "create", "delete", "list", "update"),
    "repository": ("read", "update", "delete", "list", "pull", "push"),
    "artifact": ("read", "create", "list", "delete"),
    "scan": ("create", "read", "stop"),
    "sbom": ("create", "stop", "read"),
    "tag": ("create", "list", "delete"),
    "accessory": ("list",),
    "artifact-addition": ("read",),
    "artifact-label": ("create", "delete"),
    "scanner": ("create", "read"),
    "preheat-policy": ("read", "create", "delete", "list", "update"),
    "immutable-tag": ("create", "delete", "list", "update"),
    "notification-policy": ("read", "create", "delete", "list", "update"),
    "tag-retention": ("read", "create", "delete", "list", "update"),
    "label": ("read", "create", "delete", "list", "update"),
    "quota": ("read",),
    "robot": ("create", "read", "list", "delete"),
    "export-cve": ("create", "read"),
    "member": ("create", "read", "update", "list", "delete"),
}


def pairs(table: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Each resource with each of its actions."""
    return [(resource, action) for resource, actions in table.items() for action in actions]
