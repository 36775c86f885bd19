"""Robots that sign in with a token of a CI system or a cluster, in place of a secret."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.robots.models import Robot
from tests.auth import keys
from tests.auth.browsers import configure
from tests.auth.provider import CLIENT, Provider, running
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    bearer,
    make_project,
    make_robot,
    make_user,
    push_image,
    robot_of,
    token_for,
)
from tests.projects.pages import HTMX, audit, told, words, wrong_at
from tests.registry.servers import change

NAME = "robot$team+ci"
PULL = {"team": ["repository:pull", "repository:list"]}
SCOPE = "repository:team/app:pull"
CLAIMS = {"sub": "repo:team/app:ref:refs/heads/main", "repository": "team/app"}
RULES = [{"claim": "repository", "pattern": "team/*"}]


@pytest.fixture
def issuer(client: TestClient) -> Iterator[Provider]:
    """An issuer that an administrator has listed, and the robot ``ci`` of ``team``."""
    make_project(client, "team")
    push_image(client, "team/app")
    make_robot(client, "ci", PULL)
    with running() as made:
        made.person = dict(CLAIMS)
        configure(client, workload_issuers=made.url)
        yield made


def path_of(client: TestClient, name: str = NAME) -> str:
    project_id = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    params = {"q": f"Level=project,ProjectID={project_id}"}
    found = client.get(f"{API}/robots", params=params, auth=ADMIN).json()
    return f"{API}/robots/{next(each['id'] for each in found if each['name'] == name)}"


def ask(client: TestClient, provider: Provider, *, by: Login = ADMIN, **more: Any) -> Any:
    body = {"issuer": provider.url, "audience": CLIENT[0], "rules": RULES, "verify": False}
    return client.post(f"{path_of(client)}/trusts", json=body | more, auth=by)


def trust(client: TestClient, issuer: Provider, **more: Any) -> str:
    answer = ask(client, issuer, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def comes_in(client: TestClient, token: str, name: str = NAME) -> bool:
    query = {"service": "harbor-registry", "scope": SCOPE}
    statuses = {
        client.get("/service/token", params={"service": "harbor-registry"}, auth=(name, token)),
        client.get("/v2/team/app/manifests/1.0", auth=(name, token)),
        client.get(f"{API}/projects/team/repositories", auth=(name, token)),
    }
    answer = client.get("/service/token", params=query, auth=(name, token))
    _, claims = keys.read(answer.json()["token"])
    pulls = bool(claims["access"][0]["actions"] == ["pull"])
    came = {each.status_code == 200 for each in statuses} | {pulls}
    assert len(came) == 1, [each.status_code for each in statuses]
    return bool(pulls)


def pulls(client: TestClient, headers: dict[str, str]) -> bool:
    return client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 200


def test_a_token_does_for_the_secret(client: TestClient, issuer: Provider) -> None:
    assert not comes_in(client, issuer.token())
    assert issuer.asked == []  # whom no robot trusts is not asked
    trust(client, issuer)
    token = issuer.token()
    assert comes_in(client, token)
    _, claims = keys.read(token_for(client, (NAME, token), SCOPE))
    _, theirs = keys.read(token)
    assert claims["exp"] == theirs["exp"]  # 5 minutes, and not the 30 of the settings
    assert pulls(client, bearer(client, (NAME, token), SCOPE))


def test_all_that_is_wrong_with_a_token(client: TestClient, issuer: Provider) -> None:
    trust(client, issuer)
    now = int(time.time())
    other = Provider()
    other.url, other.person = issuer.url, issuer.person
    good = issuer.token()
    assert comes_in(client, good)
    head, body, _ = good.split(".")
    none = keys.b64(b'{"alg":"none"}')
    hs256 = f"{keys.b64(json.dumps({'alg': 'HS256', 'kid': issuer.key.kid}).encode())}.{body}"
    public = issuer.key.as_pem(private=False)
    proof = keys.b64(hmac.digest(public, hs256.encode(), hashlib.sha256))
    wrong = [
        issuer.token(aud="somebody-else"),
        issuer.token(iss="https://elsewhere.example.org"),
        issuer.token(repository="other/app"),
        issuer.token(repository=None),
        issuer.token(iat=now - 400, exp=now - 100),
        issuer.token(iat=now - 400, exp=now - 5),  # no skew is forgiven where it ends
        issuer.token(iat=now, exp=now + 7 * 24 * 3600),
        other.token(),  # the same, signed by a key of somebody else's
        f"{none}.{body}.",
        f"{none}.{body}.{'x' * 86}",
        f"{hs256}.{proof}",
        f"{head}.{body}.",
    ]
    for token in wrong:
        assert not comes_in(client, token)
    assert not comes_in(client, good, "robot$team+nobody")
    assert not comes_in(client, good, ADMIN[0])
    assert comes_in(client, good)  # nothing of that locked the name


def test_a_token_is_for_the_robot_that_trusts_it(client: TestClient, issuer: Provider) -> None:
    trust(client, issuer)
    make_robot(client, "other", PULL)
    assert not comes_in(client, issuer.token(), "robot$team+other")
    assert comes_in(client, issuer.token())


def test_what_ends_it(client: TestClient, issuer: Provider) -> None:
    first, second = trust(client, issuer), trust(client, issuer, audience="other")
    token = issuer.token(aud="other")
    headers = bearer(client, (NAME, token), SCOPE)

    def works() -> bool:
        found = {pulls(client, headers) for _ in range(3)} | {comes_in(client, token)}
        assert len(found) == 1
        return found.pop()

    assert works()
    assert client.delete(first, auth=ADMIN).status_code == 200
    assert works()
    configure(client, workload_issuers="https://ci.example.org")
    assert not works()
    configure(client, workload_issuers=f"https://ci.example.org\n{issuer.url}/")
    assert works()
    told = robot_of("ci", PULL) | {"name": NAME}
    for disable in (True, False):
        body = told | {"disable": disable}
        assert client.put(path_of(client), json=body, auth=ADMIN).status_code == 200
        assert works() is not disable
    assert client.delete(second, auth=ADMIN).status_code == 200
    assert not works()
    assert client.delete(second, auth=ADMIN).status_code == 404
    assert audit(client)[0][:3] == ("update", "robot", NAME)
    trust(client, issuer, audience="other")
    assert comes_in(client, token)
    assert not pulls(client, headers)  # it was issued to the trust that is gone
    assert client.delete(path_of(client), auth=ADMIN).status_code == 200
    assert not works()


def test_an_issuer_that_does_not_answer(client: TestClient, issuer: Provider) -> None:
    trust(client, issuer)
    issuer.answers["/keys"] = (500, {}, b"")
    answer = client.get("/v2/", auth=(NAME, issuer.token()))
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["errors"][0]["message"]
    assert client.get("/v2/", auth=ADMIN).status_code == 200


def test_who_may_say_whom_to_believe(client: TestClient, issuer: Provider) -> None:
    leader, guest = make_user(client, "leader"), make_user(client, "guest")
    add_member(client, "team", leader, 1)
    add_member(client, "team", guest, 3)
    machine = make_robot(client, "boss", {"/": ["robot:create"]}, level="system")
    for who in (guest, machine, (NAME, issuer.token())):
        assert ask(client, issuer, by=who).status_code in (401, 403)
    assert ask(client, issuer, by=leader).status_code == 403  # without TLS
    configure(client, workload_issuers=f"{issuer.url} https://ci.example.org")
    assert ask(client, issuer, by=leader, issuer="https://ci.example.org").status_code == 403
    secure = {"issuer": "https://ci.example.org/", "verify": True}
    kept = ask(client, issuer, by=leader, **secure)
    assert kept.status_code == 201
    for who in (ADMIN, leader):
        answer = ask(client, issuer, by=who, issuer="https://inside.example.org", verify=True)
        assert answer.status_code == 403
        assert "workload_issuers" in answer.json()["errors"][0]["message"]
    listed = client.get(f"{path_of(client)}/trusts", auth=leader).json()
    assert [each["issuer"] for each in listed] == ["https://ci.example.org/"]
    assert listed[0]["rules"] == RULES
    assert client.delete(kept.headers["Location"], auth=guest).status_code == 403
    assert client.delete(kept.headers["Location"], auth=leader).status_code == 200


def test_what_nobody_may_believe(client: TestClient, issuer: Provider) -> None:
    wrong: list[dict[str, Any]] = [
        {"verify": True},  # without TLS there is nothing to verify
        {"audience": ""},
        {"rules": []},
        {"rules": [{"claim": "repository", "pattern": "**"}]},
        {"rules": [{"claim": "iss", "pattern": issuer.url}]},
        {"rules": [{"claim": "sub", "pattern": "["}]},
        {"rules": RULES * 21},
        {"issuer": "ftp://ci.example.org"},
        {"issuer": ""},
    ]
    for each in wrong:
        answer = ask(client, issuer, **each)
        assert answer.status_code in (400, 422), each
    for _ in range(10):
        trust(client, issuer)
    assert ask(client, issuer).status_code == 400
    assert client.get(f"{API}/robots/999/trusts", auth=ADMIN).status_code == 404


def test_which_issuers_can_be_listed(client: TestClient) -> None:
    for wrong in ("ci.example.org", "https://ann:secret@ci.example.org", "https://a.org " * 51):
        answer = client.put(f"{API}/configurations", json={"workload_issuers": wrong}, auth=ADMIN)
        assert answer.status_code == 400, wrong


def test_the_dialog_of_a_robot(client: TestClient, issuer: Provider) -> None:
    project_id = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    here = f"/harbor/projects/{project_id}/robot-account"
    dialog = f"{here}/{path_of(client).rpartition('/')[2]}/trusts"
    leader = make_user(client, "leader")
    add_member(client, "team", leader, 1)
    form = {"issuer": issuer.url, "audience": CLIENT[0], "unchecked": "true"}
    lines = "repository = team/*\n\n sub=repo:**\n"

    def send(*, by: Login = ADMIN, **more: str) -> Any:
        return client.post(dialog, data=form | {"rules": lines} | more, auth=by, headers=HTMX)

    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"rules": "repository"}, "rules"),
        ({"rules": "sub = **"}, "rules"),
        ({"audience": " "}, "audience"),
        ({"issuer": "https://else.example.org"}, "issuer"),
    ]
    for wrong, at in mistakes:
        answer = send(**wrong)
        assert (answer.status_code, wrong_at(answer)) == (400, at), wrong
    assert wrong_at(send(unchecked="false")) == "issuer"
    assert wrong_at(send(by=leader)) == "unchecked"
    shown = words(client.get(dialog, auth=leader))
    assert "Do not check" not in shown
    assert "project_path = my-group/my-app" in shown
    assert told(send())["to"] == here
    assert comes_in(client, issuer.token())
    assert not comes_in(client, issuer.token(sub="other"))
    for page in (here, dialog):
        shown = words(client.get(page, auth=leader))
        assert f"Signs in with tokens of {issuer.url}" in shown
    number = client.get(f"{path_of(client)}/trusts", auth=ADMIN).json()[0]["id"]
    gone = client.post(f"{dialog}/remove", data={"trust_id": number}, auth=leader, headers=HTMX)
    assert told(gone)["to"] == here
    assert not comes_in(client, issuer.token())
    configure(client, workload_issuers="")
    assert "No issuer can be chosen yet" in words(client.get(dialog, auth=leader))


def test_robots_of_an_older_harbor_stay_as_they_are(
    client: TestClient, issuer: Provider, settings: Settings
) -> None:
    change(settings.database, update(Robot).values(editable=False))
    path = path_of(client)
    page = f"/harbor/projects/2/robot-account/{path.rpartition('/')[2]}"
    assert ask(client, issuer).status_code == 403
    assert client.patch(path, json={}, auth=ADMIN).status_code == 403
    assert client.post(f"{page}/secret", data={}, auth=ADMIN, headers=HTMX).status_code == 403
    state = client.post(f"{page}/state", data={"disabled": "true"}, auth=ADMIN, headers=HTMX)
    assert state.status_code == 403
    assert client.delete(path, auth=ADMIN).status_code == 200
