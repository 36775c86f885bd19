"""What each role may do in a project, and the system's own resources. Pure data.

Source: Harbor src/common/rbac/project/rbac_role.go and rbac_system.go, as a table.
"""

ROLES = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}
LETTERS = {1: "A", 4: "M", 2: "D", 3: "G", 5: "L"}
BY_POWER = (1, 4, 2, 3, 5)  # role ids, the strongest first

# A project admin, M maintainer, D developer, G guest, L limited guest,
# P anyone at all, if the project is public.
TABLE = """
project              delete A        read AMDGLP    update A
accessory            list AMDGLP
artifact             create AMD      delete AM      list AMDGLP    read AMDGLP
artifact-addition    read AMDGLP
artifact-label       create AMD      delete AMD
configuration        read AMDGL      update A
export-cve           create AMD      list AMD       read AMD
immutable-tag        create AM       delete AM      list AM        update AM
label                create AM       delete AM      list AMDGP     read AMDGP    update AM
log                  list A
member               create A        delete A       list AMDG      read AMDG     update A
metadata             create A        delete A       read AM        update A
notification-policy  create A        delete A       list AM        read AM       update A
preheat-policy       create A        delete A       list A         read A        update A
quota                read AMDGL
repository           create AMD      delete AM      list AMDGLP    pull AMDGLP   push AMD
repository           read AMDGL      update AMD
robot                create A        delete A       list AMDG      read AMDG     update A
sbom                 create AM       read AMDGL     stop AM
scan                 create AM       read AMDGLP    stop AM
scanner              create A        read AMDGLP
tag                  create AMD      delete AM      list AMDGLP
tag-retention        create AMD      delete AMD     list AMD       operate AMD   read AMD
tag-retention        update AMD
"""

# What is part of a repository: here the role that holds in it counts.
IN_REPOSITORIES = frozenset(
    {"accessory", "artifact", "artifact-addition", "artifact-label"}
    | {"repository", "sbom", "scan", "tag"}
)

# What there is beside the projects. People need to be administrators; the names matter to the
# portal, which asks for them, and to robots, which hold some of them.
SYSTEM_TABLE = """
audit-log            list
catalog              read
configuration        read     update
distribution         create   read     update   delete   list
garbage-collection   create   read     update   delete   list
jobservice-monitor   read     list     stop
ldap-user            create   list
project              create   read     update   delete   list
registry             create   read     update   delete   list
replication          create   read     update   list     delete
scan-all             create   read     update   delete   list     stop
security-hub         read     list
system-volumes       read
user                 create   read     update   delete   list
user-group           create   read     update   delete   list
"""


def parse(table: str) -> dict[tuple[str, str], str]:
    """(resource, action) → the letters of those who may."""
    allowed: dict[tuple[str, str], str] = {}
    for line in table.strip().splitlines():
        resource, *pairs = line.split()
        for action, letters in zip(pairs[::2], pairs[1::2], strict=True):
            allowed[resource, action] = letters
    return allowed


ALLOWED = parse(TABLE)
OF_SYSTEM = tuple(
    (resource, action)
    for resource, *actions in map(str.split, SYSTEM_TABLE.strip().splitlines())
    for action in actions
)


def role_allows(role_ids: frozenset[int], resource: str, action: str) -> bool:
    """Whether any of the roles may do this in its project."""
    letters = ALLOWED.get((resource, action), "")
    return any(LETTERS[role] in letters for role in role_ids)


def public_allows(resource: str, action: str) -> bool:
    """Whether anyone may do this in a public project."""
    return "P" in ALLOWED.get((resource, action), "")


def highest(role_ids: frozenset[int]) -> int | None:
    """The strongest of the roles; ``None`` if there is none."""
    return next((role for role in BY_POWER if role in role_ids), None)
