"""What is done: find the robot that signs in, and the one that a token was issued to."""

from msgspec import Struct
from sqlalchemy import and_, bindparam, or_, select

from harbor.core import clock
from harbor.core.machines import NEVER, SEPARATOR, effective, stored
from harbor.core.quick import Quick
from harbor.core.security import OF_SYSTEM, Robot
from harbor.projects.models import Project, ProjectRedirect
from harbor.robots import models
from harbor.robots.service.secrets import secret_id

KNOWN = select(
    models.Robot.id,
    models.Robot.project_id,
    models.Robot.name,
    Project.name.label("project_name"),
    models.Robot.secret,
    models.Robot.expires_at,
    models.Robot.disabled,
    models.Robot.permissions,
).outerjoin(
    Project,
    and_(Project.project_id == models.Robot.project_id, Project.deleted.is_(False)),
)
OF_THE_SYSTEM = KNOWN.where(
    models.Robot.project_id == OF_SYSTEM, models.Robot.name == bindparam("name")
)
FORMER = select(ProjectRedirect.project_id).where(ProjectRedirect.name == bindparam("project"))
# A former name of the project does as well, until another project has it.
OF_A_PROJECT = KNOWN.where(
    models.Robot.name == bindparam("name"),
    or_(Project.name == bindparam("project"), Project.project_id.in_(FORMER)),
)
BY_ID = KNOWN.where(
    models.Robot.id == bindparam("robot_id"),
    or_(models.Robot.project_id == OF_SYSTEM, Project.project_id.is_not(None)),
)


class Login(Struct, frozen=True):
    """What signing in needs to know of a robot."""

    name: str  # without the prefix
    secret: str  # a hash
    disabled: bool
    robot: Robot

    @property
    def is_active(self) -> bool:
        """Whether it may come in now."""
        ends = self.robot.expires_at
        return not self.disabled and (ends == NEVER or clock.now().timestamp() < ends)


async def find_login(quick: Quick, name: str) -> Login | None:
    """The robot of that name, without the prefix."""
    if "\0" in name:
        return None  # PostgreSQL cannot even be asked
    project, plus, own = name.partition(SEPARATOR)
    if plus:
        rows = await quick.fetch(OF_A_PROJECT, project=project, name=own)
    else:
        rows = await quick.fetch(OF_THE_SYSTEM, name=name)
    return login(rows[0]) if rows else None


async def find(quick: Quick, robot_id: int) -> Login | None:
    """The robot of that id, unless it or its project is gone."""
    rows = await quick.fetch(BY_ID, robot_id=robot_id)
    return login(rows[0]) if rows else None


def login(row: tuple[object, ...]) -> Login:
    robot_id, project_id, name, project_name, secret, expires_at, disabled, permissions = row
    assert isinstance(robot_id, int)
    assert isinstance(project_id, int)
    assert isinstance(expires_at, int)
    return Login(
        stored(str(name), None if project_name is None else str(project_name)),
        str(secret),
        bool(disabled),
        effective(robot_id, project_id, expires_at, str(permissions), secret_id(str(secret))),
    )
