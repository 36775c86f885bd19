"""How robots come in, and when they no longer do."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.auth.lockout import NAME
from harbor.core import clock
from harbor.users.models import User
from tests.auth import keys
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    PASSWORD,
    Login,
    bearer,
    make_project,
    make_robot,
    make_user,
    push_image,
    robot_of,
    token_for,
)
from tests.registry.servers import change as beside

ROBOTS = f"{API}/robots"
PULL = ["repository:pull"]
SCOPE = "repository:team/app:pull"


@pytest.fixture
def robot(client: TestClient) -> Login:
    make_project(client, "team")
    push_image(client, "team/app")
    return make_robot(client, "ci", {"team": PULL}, duration=10)


def pulls(client: TestClient, **more: Any) -> int:
    return client.get("/v2/team/app/manifests/1.0", **more).status_code


def id_of(client: TestClient, name: str = "robot$team+ci") -> int:
    project_id = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    found = client.get(ROBOTS, params={"q": f"Level=project,ProjectID={project_id}"}, auth=ADMIN)
    return int(next(each["id"] for each in found.json() if each["name"] == name))


def change(client: TestClient, **more: Any) -> None:
    body = robot_of("ci", {"team": PULL}, duration=10) | {"name": "robot$team+ci"}
    answer = client.put(f"{ROBOTS}/{id_of(client)}", json=body | more, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def test_everywhere(client: TestClient, robot: Login) -> None:
    assert client.get("/v2/", auth=robot).status_code == 200
    assert pulls(client, auth=robot) == 200
    assert pulls(client, headers=bearer(client, robot, SCOPE)) == 200
    assert client.get(f"{API}/projects", auth=robot).json()[0]["name"] == "library"
    _, claims = keys.read(token_for(client, robot, SCOPE))
    assert claims["sub"] == "robot$team+ci"
    assert claims["access"][0]["actions"] == ["pull"]


def test_not_with_another_secret(client: TestClient, robot: Login) -> None:
    name, secret = robot
    for wrong in ("", secret[:-1], secret + "x", PASSWORD):
        assert pulls(client, auth=(name, wrong)) == 401
    for other in ("robot$team+other", "robot$ci", "robot$", "team+ci", "robot$nowhere+ci"):
        assert pulls(client, auth=(other, secret)) == 401
    assert client.get("/service/token?service=harbor-registry", auth=(name, "x")).status_code == 401


def test_a_name_with_a_dollar_in_a_header(client: TestClient, robot: Login) -> None:
    raw = base64.b64encode(":".join(robot).encode()).decode()
    assert pulls(client, headers={"Authorization": f"Basic {raw}"}) == 200


def test_not_in_a_browser(client: TestClient, robot: Login) -> None:
    name, secret = robot
    form = {"principal": name, "password": secret}
    assert client.post("/c/login", data=form).status_code == 401
    for page in ("/harbor/projects", "/account/profile", "/harbor/users"):
        assert client.get(page, auth=robot).status_code == 403


def test_disabled_at_once_for_tokens_and_memory_too(client: TestClient, robot: Login) -> None:
    headers = bearer(client, robot, SCOPE)
    for _ in range(3):  # the second and third time from memory
        assert pulls(client, headers=headers) == 200
    change(client, disable=True)
    assert pulls(client, headers=headers) == 401
    assert pulls(client, auth=robot) == 401
    assert client.get(f"{API}/users/current", auth=robot).status_code == 401
    change(client)
    assert pulls(client, headers=headers) == 200
    assert pulls(client, auth=robot) == 200


def test_expired_at_once_for_tokens_and_memory_too(
    client: TestClient, robot: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(**gone: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(**gone))

    later(days=9, hours=23, minutes=55)
    headers = bearer(client, robot, SCOPE)
    for _ in range(3):
        assert pulls(client, headers=headers) == 200
    later(days=10, minutes=1)  # the token itself would live on
    assert pulls(client, headers=headers) == 401
    assert pulls(client, auth=robot) == 401
    change(client, duration=20)
    assert pulls(client, auth=robot) == 200


def test_deleted_at_once_in_every_process(start: Start) -> None:
    client, other = start(), start()
    make_project(client, "team")
    push_image(client, "team/app")
    login = make_robot(client, "ci", {"team": PULL})
    headers = bearer(other, login, SCOPE)
    for _ in range(3):
        assert pulls(other, headers=headers) == 200
    assert client.delete(f"{ROBOTS}/{id_of(client)}", auth=ADMIN).status_code == 200
    assert pulls(other, headers=headers) == 401
    assert pulls(other, auth=login) == 401
    # Nor does what it had open anything for a robot of the same name.
    again = make_robot(client, "ci", {"team": PULL})
    assert pulls(other, headers=headers) == 401
    assert pulls(other, auth=login) == 401
    assert pulls(other, auth=again) == 200


def test_another_secret_ends_the_tokens_too(client: TestClient, robot: Login) -> None:
    headers = bearer(client, robot, SCOPE)
    for _ in range(3):
        assert pulls(client, headers=headers) == 200
    answer = client.patch(f"{ROBOTS}/{id_of(client)}", json={}, auth=ADMIN)
    assert pulls(client, headers=headers) == 401
    fresh = robot[0], answer.json()["secret"]
    assert pulls(client, headers=bearer(client, fresh, SCOPE)) == 200


def test_what_is_taken_from_a_robot_its_tokens_do_not_keep(
    client: TestClient, robot: Login
) -> None:
    headers = bearer(client, robot, SCOPE)
    assert pulls(client, headers=headers) == 200
    change(client, permissions=robot_of("ci", {"team": ["tag:list"]})["permissions"])
    assert pulls(client, headers=headers) == 401
    change(client)
    assert pulls(client, headers=headers) == 200


def test_another_prefix_renames_all_of_them(client: TestClient, robot: Login) -> None:
    assert pulls(client, auth=robot) == 200
    client.put(f"{API}/configurations", json={"robot_name_prefix": "bot."}, auth=ADMIN)
    _, secret = robot
    assert pulls(client, auth=robot) == 401
    assert pulls(client, auth=("bot.team+ci", secret)) == 200
    assert client.get(f"{ROBOTS}/{id_of(client, 'bot.team+ci')}", auth=ADMIN).status_code == 200


def test_a_user_of_the_same_name_is_not_kept_out(
    client: TestClient, robot: Login, database_url: str
) -> None:
    client.put(f"{API}/configurations", json={"robot_name_prefix": "bot."}, auth=ADMIN)
    # Nobody gets such a name any more, but somebody may have it from before.
    user = "bot.team+ci", make_user(client, "ann")[1]
    beside(database_url, update(User).where(User.username == "ann").values(username=user[0]))
    current = client.get(f"{API}/users/current", auth=user)
    assert current.json()["username"] == "bot.team+ci"
    assert client.get(f"{API}/users/current", auth=(user[0], robot[1])).status_code == 412


def test_a_renamed_project_keeps_its_robots(client: TestClient, robot: Login) -> None:
    project = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    renamed = client.post(f"{API}/projects/{project}/rename", json={"name": "crew"}, auth=ADMIN)
    assert renamed.status_code == 200, renamed.text
    for name in ("robot$crew+ci", "robot$team+ci"):
        answer = client.get("/v2/crew/app/manifests/1.0", auth=(name, robot[1]))
        assert answer.status_code == 200
    # Not once another project has the old name.
    make_project(client, "team")
    assert client.get("/v2/", auth=("robot$team+ci", robot[1])).status_code == 401


def test_guessing_locks_the_name_for_its_address(start: Start) -> None:
    client = start(failed_login_delay_s=0.0)
    make_project(client, "team")
    login = make_robot(client, "ci", {"team": PULL})
    accounts: Any = client.app.known.accounts  # type: ignore[attr-defined]
    accounts.lockout.here.delay_s = 60.0
    accounts.lockout.wrong(login[0], "testclient")
    assert client.get("/v2/", auth=login).status_code == 401
    which = {"name": login[0], "address": "testclient"}
    assert client.delete(f"{API}/users/lockouts", params=which, auth=ADMIN).status_code == 200
    assert client.get("/v2/", auth=login).status_code == 200


def test_who_guesses_at_its_name_elsewhere_does_not_keep_it_out(start: Start) -> None:
    client = start(failed_login_delay_s=0.0)
    make_project(client, "team")
    login, other = (make_robot(client, name, {"team": PULL}) for name in ("ci", "other"))
    assert client.get("/v2/", auth=login).status_code == 200
    locks: Any = client.app.known.accounts.lockout  # type: ignore[attr-defined]
    locks.here.delay_s = 60.0
    for name, _ in (login, other):
        for number in range(NAME.free + 1):
            locks.wrong(name, f"10.1.0.{number}")
    assert client.get("/v2/", auth=login).status_code == 200
    assert client.get("/v2/", auth=other).status_code == 401  # it has never come from here


def test_audit_lines_name_it(client: TestClient, robot: Login) -> None:
    assert pulls(client, auth=robot) == 200
    lines = client.get(f"{API}/auditlog-exts", params={"q": "resource_type=robot"}, auth=ADMIN)
    assert [(each["operation"], each["resource"]) for each in lines.json()] == [
        ("create", "robot$team+ci")
    ]
    maker = make_robot(client, "maker", {"/": ["project:create"]}, level="system")
    client.post(f"{API}/projects", json={"project_name": "made"}, auth=maker)
    made = client.get(f"{API}/auditlog-exts", params={"q": "username=robot$maker"}, auth=ADMIN)
    assert [each["resource_type"] for each in made.json()] == ["project"]
