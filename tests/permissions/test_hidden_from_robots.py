"""Attacks of robots on repositories that a rule hides from them, or lets them into."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.projects.models import RepositoryRule
from harbor.robots.models import Robot
from tests.artifacts.test_icons import picture, with_icon
from tests.auth import keys
from tests.auth.browsers import configure
from tests.auth.provider import CLIENT, Provider, running
from tests.charts.packing import chart, upload, uploaded
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    Login,
    bearer,
    error_of,
    make_project,
    make_repository_rule,
    make_robot,
    make_user,
    push_image,
    put_manifest,
    robot_of,
    sha256,
    token_for,
)
from tests.permissions.test_hidden_repositories import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    OPEN,
    PULL,
    REST,
    SECRET,
    manifest,
)
from tests.registry.servers import change

LOOKS = [
    *("repository:list", "repository:pull", "repository:read", "artifact:list", "artifact:read"),
    *("project:read", "quota:read"),
]
ALL = [*LOOKS, "repository:push", "repository:delete", "artifact:delete", "artifact:create"]


class Shop:
    """A private project with a repository for all and a hidden one, and a robot that looks."""

    def __init__(self, client: TestClient, *rights: str, level: str = "project") -> None:
        self.client = client
        self.id = make_project(client, "team")
        self.open, self.secret = push_image(client, OPEN), push_image(client, SECRET)
        where = "*" if level == "system" else "team"
        self.robot = make_robot(client, "ci", {where: list(rights or LOOKS)}, level=level)

    def rule(self, pattern: str, role_id: int) -> int:
        return make_repository_rule(self.client, "team", pattern, role_id, robot=self.robot)

    def hide(self) -> int:
        return self.rule("secret/**", 0)

    def unrule(self, rule: int) -> None:
        path = f"{API}/projects/{self.id}/repositoryrules/{rule}"
        assert self.client.delete(path, auth=ADMIN).status_code == 200

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, auth=self.robot, **more)

    def post(self, path: str, **more: Any) -> Any:
        return self.client.post(path, auth=self.robot, **more)

    def names(self, path: str, **more: Any) -> list[str]:
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        found = [each.get("name") or each["repository_name"] for each in answer.json()]
        assert answer.headers.get("X-Total-Count", str(len(found))) == str(len(found))
        return sorted(found)


@pytest.fixture(params=["project", "system"])
def shop(client: TestClient, request: pytest.FixtureRequest) -> Shop:
    return Shop(client, *ALL, level=request.param)


def uploads(client: TestClient, name: str, **more: Any) -> int:
    return client.post(f"/v2/{name}/blobs/uploads/", **more).status_code


def test_before_and_after_a_rule_with_the_secret_and_with_tokens(shop: Shop) -> None:
    client, secret = shop.client, PULL.format("secret/a/b")
    old = bearer(client, shop.robot, secret)
    wide = bearer(client, shop.robot, PULL.format("app/web"))
    for who in ({"auth": shop.robot}, {"headers": old}, {"headers": wide}):
        assert manifest(client, SECRET, **who) == 200
    rule = shop.hide()
    new = bearer(client, shop.robot, secret, PULL.format("app/web"))
    for who in ({"auth": shop.robot}, {"headers": old}, {"headers": wide}, {"headers": new}):
        assert manifest(client, SECRET, **who) == 401
        for path in ("tags/list", f"blobs/{shop.secret.digest}", f"referrers/{shop.secret.digest}"):
            assert client.get(f"/v2/{SECRET}/{path}", **who).status_code == 401
        assert uploads(client, SECRET, **who) == 401
    assert manifest(client, OPEN, auth=shop.robot) == 200
    assert manifest(client, OPEN, headers=new) == 200
    (access,) = keys.read(token_for(client, shop.robot, secret))[1]["access"]
    assert (access["actions"], access["exact"]) == ([], True)
    shop.unrule(rule)
    assert manifest(client, SECRET, auth=shop.robot) == 200
    assert manifest(client, SECRET, headers=new) == 401  # it was issued under the rule


def test_a_rule_gives_what_the_robot_was_not_given(client: TestClient) -> None:
    shop = Shop(client, "log:list")
    scope = "repository:team/app/web:pull,push"
    old = bearer(client, shop.robot, scope)
    assert manifest(client, OPEN, auth=shop.robot) == 401
    assert shop.get(REST).status_code == 403
    rule = shop.rule("app/**", DEVELOPER)
    new = bearer(client, shop.robot, scope, PULL.format("secret/a/b"))
    for who in ({"auth": shop.robot}, {"headers": new}):
        assert manifest(client, OPEN, **who) == 200
        assert uploads(client, OPEN, **who) == 202
        assert manifest(client, SECRET, **who) == 401
        gone = client.delete(f"/v2/{OPEN}/manifests/1.0", **who)
        assert gone.status_code == 401
    assert manifest(client, OPEN, headers=old) == 401  # it holds what it held
    # It sees those repositories, and none else.
    assert shop.names(REST) == shop.names(f"{API}/repositories") == [OPEN]
    assert shop.names(f"{API}/projects/{shop.id}/artifacts") == [OPEN]
    assert shop.get(f"{REST}/secret%252Fa%252Fb").status_code == 403
    # All else goes by what it was given.
    assert shop.get(f"{API}/projects/team/logs").status_code == 200
    assert shop.get(f"{API}/projects/{shop.id}/members").status_code == 403
    # What a robot has ends at once, in tokens too.
    shop.unrule(rule)
    for who in ({"auth": shop.robot}, {"headers": new}):
        assert manifest(client, OPEN, **who) == 401
        assert uploads(client, OPEN, **who) == 401


def test_a_rule_stands_in_place_of_all_that_was_given(client: TestClient) -> None:
    shop = Shop(client, *ALL)
    shop.rule("app/**", GUEST)
    assert manifest(client, OPEN, auth=shop.robot) == 200
    assert uploads(client, OPEN, auth=shop.robot) == 401
    assert uploads(client, SECRET, auth=shop.robot) == 202
    one = f"{REST}/app%252Fweb/artifacts/1.0"
    assert client.delete(one, auth=shop.robot).status_code == 403
    shop.rule("secret/**", MAINTAINER)
    assert client.delete(f"{REST}/secret%252Fa%252Fb", auth=shop.robot).status_code == 200


def test_what_was_denied_to_it_a_rule_gives(client: TestClient) -> None:
    Shop(client)
    body = robot_of("barred", {"*": ["repository:pull", "log:list"]}, level="system")
    pull = body["permissions"][0]["access"][0]
    denied = {"kind": "project", "namespace": "team", "access": [pull | {"effect": "deny"}]}
    body["permissions"].append(denied)
    made = client.post(f"{API}/robots", json=body, auth=ADMIN).json()
    barred: Login = made["name"], made["secret"]
    assert manifest(client, OPEN, auth=barred) == 401
    make_repository_rule(client, "team", "app/**", GUEST, robot=barred)
    assert manifest(client, OPEN, auth=barred) == 200
    assert manifest(client, SECRET, auth=barred) == 401


def test_rules_about_others_do_not_concern_it(client: TestClient) -> None:
    shop = Shop(client, *ALL)
    other = make_robot(client, "other", {"team": LOOKS})
    make_repository_rule(client, "team", "**", 0)
    make_repository_rule(client, "team", "**", 0, robot=other)
    # Ids of people and of robots are ids of different things.
    people = [make_user(client, f"person{n}") for n in range(3)]
    for person in people:
        make_repository_rule(client, "team", "**", 0, user=person)
    assert manifest(client, SECRET, auth=shop.robot) == 200
    assert manifest(client, SECRET, auth=other) == 401
    assert shop.names(REST) == [OPEN, SECRET]
    shop.rule("**", MAINTAINER)
    for person in people:
        assert manifest(client, OPEN, auth=person) == 401


def test_it_is_in_no_list_and_in_no_count(shop: Shop) -> None:
    shop.hide()
    assert shop.names(REST) == shop.names(f"{API}/repositories") == [OPEN]
    assert shop.names(f"{API}/projects/{shop.id}/artifacts") == [OPEN]
    (project,) = shop.get(f"{API}/projects", params={"name": "team"}).json()
    assert project["repo_count"] == 1
    assert shop.get(f"{API}/projects/{shop.id}").json()["repo_count"] == 1
    assert shop.get(f"{API}/projects/{shop.id}/summary").json()["repo_count"] == 1
    assert shop.get(f"{API}/statistics").json()["private_repo_count"] == 1
    assert shop.get(f"{API}/search", params={"q": "team"}).json()["repository"] == []
    storage = shop.get(f"{API}/projects/team/storage").text
    assert OPEN in storage
    assert SECRET not in storage
    for path in ("", "/artifacts", "/artifacts/1.0", "/artifacts/1.0/files"):
        assert shop.get(f"{REST}/secret%252Fa%252Fb{path}").status_code == 403
    compared = {"base": "1.0", "repository": "secret/a/b"}
    assert shop.get(f"{REST}/app%252Fweb/artifacts/1.0/compare", params=compared).status_code != 200
    assert shop.client.get(f"{API}/projects/{shop.id}", auth=ADMIN).json()["repo_count"] == 2


def test_a_robot_that_only_pulls_finds_no_more_than_before(client: TestClient) -> None:
    shop = Shop(client, "repository:pull")
    assert shop.get(REST).status_code == 403
    shop.rule("app/**", GUEST)
    assert shop.names(REST) == shop.names(f"{API}/repositories") == [OPEN]
    assert shop.names(f"{API}/projects/{shop.id}/artifacts") == [OPEN]
    assert manifest(client, SECRET, auth=shop.robot) == 200  # nothing was taken from it


def test_nothing_is_mounted_made_or_copied_of_it(shop: Shop) -> None:
    shop.hide()
    client, start = shop.client, f"/v2/{OPEN}/blobs/uploads/"
    digest = sha256(shop.secret.blobs[0])
    scopes = ("repository:team/app/web:pull,push", PULL.format("secret/a/b"))
    for who in ({"auth": shop.robot}, {"headers": bearer(client, shop.robot, *scopes)}):
        for source in ({"from": SECRET}, {}):
            asked = {"mount": digest} | source
            assert client.post(start, params=asked, **who).status_code == 202  # an upload
            assert client.head(f"/v2/{OPEN}/blobs/{digest}", **who).status_code == 404
    answer = put_manifest(client, OPEN, "stolen", shop.secret.raw, shop.robot)
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
    out = shop.post(f"{REST}/app%252Fweb/artifacts", params={"from": f"{SECRET}:1.0"})
    into = shop.post(f"{REST}/secret%252Fnew/artifacts", params={"from": f"{OPEN}:1.0"})
    assert (out.status_code, into.status_code) == (404, 403)


def test_of_its_trash_nothing_is_seen_or_done(shop: Shop) -> None:
    for own, pushed in (("app%252Fweb", shop.open), ("secret%252Fa%252Fb", shop.secret)):
        gone = shop.client.delete(f"{REST}/{own}/artifacts/{pushed.digest}", auth=ADMIN)
        assert gone.status_code == 200
    trash = f"{API}/projects/team/trash"
    found = shop.client.get(trash, auth=ADMIN).json()
    ids = {each["repository_name"]: each["id"] for each in found}
    shop.hide()
    assert shop.names(trash) == [OPEN]
    assert shop.post(f"{trash}/{ids[SECRET]}/restore").status_code == 404
    assert shop.client.delete(trash, auth=shop.robot).status_code == 403
    assert shop.post(f"{trash}/{ids[OPEN]}/restore").status_code == 200


def test_charts(client: TestClient) -> None:
    shop = Shop(client, "repository:pull", level="system")
    uploaded(client, "team/wiki")
    uploaded(client, "team/vault")
    shop.rule("vault", 0)
    lister = make_robot(client, "lister", {"team": ["repository:list", "artifact:read"]})
    make_repository_rule(client, "team", "wiki", GUEST, robot=lister)
    for robot in (shop.robot, lister):
        for path in (
            "/chartrepo/team/index.yaml",
            "/chartrepo/index.yaml",
            "/api/chartrepo/team/charts",
        ):
            answer = client.get(path, auth=robot)
            assert answer.status_code == 200
            assert "wiki" in answer.text
            assert "vault" not in answer.text
        assert client.get("/chartrepo/team/charts/wiki-1.0.0.tgz", auth=robot).status_code == 200
        assert client.get("/chartrepo/team/charts/vault-1.0.0.tgz", auth=robot).status_code == 404
        assert client.get("/api/chartrepo/team/charts/vault", auth=robot).status_code == 403


def test_charts_go_where_a_robot_may_push(client: TestClient) -> None:
    shop = Shop(client, "repository:pull", "repository:push")
    shop.rule("wiki", GUEST)
    logger = make_robot(client, "logger", {"team": ["log:list"]})
    make_repository_rule(client, "team", "wiki", DEVELOPER, robot=logger)
    found = {
        (robot[0], name): upload(
            client, f"team/{name}", chart(name, "1.0.0"), login=robot
        ).status_code
        for robot in (shop.robot, logger)
        for name in ("wiki", "new")
    }
    assert found == {
        (shop.robot[0], "wiki"): 403,
        (shop.robot[0], "new"): 201,
        (logger[0], "wiki"): 201,
        (logger[0], "new"): 403,
    }


def test_icons(client: TestClient) -> None:
    shop = Shop(client)
    digests = {
        name: with_icon(client, f"team/{name}", picture((nth, 9)))
        for nth, name in enumerate(("app/drawn", "secret/drawn"), start=5)
    }
    lister = make_robot(client, "lister", {"team": ["repository:list"]})
    make_repository_rule(client, "team", "app/**", GUEST, robot=lister)
    shop.hide()
    for robot in (shop.robot, lister):
        found = {
            name: client.get(f"{API}/icons/{digest}", auth=robot).status_code
            for name, digest in digests.items()
        }
        assert found == {"app/drawn": 200, "secret/drawn": 404}


def test_what_everybody_may_read_is_not_hidden(client: TestClient) -> None:
    make_project(client, "open", public=True)
    push_image(client, "open/app")
    robot = make_robot(client, "ci", {"open": ALL})
    make_repository_rule(client, "open", "**", 0, robot=robot)
    assert manifest(client, "open/app", auth=robot) == 200
    found = client.get(f"{API}/repositories", auth=robot).json()
    assert [each["name"] for each in found] == ["open/app"]
    assert uploads(client, "open/app", auth=robot) == 401


def test_a_disabled_robot_gets_nothing_from_a_rule(client: TestClient) -> None:
    shop = Shop(client, level="system")
    shop.rule("app/**", MAINTAINER)
    headers = bearer(client, shop.robot, PULL.format("app/web"))
    assert manifest(client, OPEN, headers=headers) == 200
    body = robot_of(shop.robot[0], {"*": LOOKS}, level="system") | {"disable": True}
    (robot,) = client.get(f"{API}/robots", auth=ADMIN).json()
    assert client.put(f"{API}/robots/{robot['id']}", json=body, auth=ADMIN).status_code == 200
    for who in ({"auth": shop.robot}, {"headers": headers}):
        assert manifest(client, OPEN, **who) == 401


def test_a_rule_about_a_robot_without_rights_in_the_project_gives_nothing(
    client: TestClient, settings: Settings
) -> None:
    shop = Shop(client, level="system")
    keeper = make_robot(client, "keeper", {"/": ["robot:list"]}, level="system")
    shop.rule("app/**", MAINTAINER)
    keeper_id = select(Robot.id).where(Robot.name == "keeper").scalar_subquery()
    change(settings.database, update(RepositoryRule).values(subject_id=keeper_id))
    assert manifest(client, OPEN, auth=keeper) == 401
    for path in (f"{API}/projects", f"{API}/repositories"):
        assert "team" not in client.get(path, auth=keeper).text
    assert client.get("/chartrepo/index.yaml", auth=keeper).status_code == 200


def test_a_rule_counts_at_once_in_every_process(start: Start) -> None:
    shop, other = Shop(start(), "repository:pull"), start()
    headers = bearer(other, shop.robot, PULL.format("secret/a/b"))
    for _ in range(3):  # the second and third time from memory
        assert manifest(other, SECRET, headers=headers) == 200
    rule = shop.hide()
    assert manifest(other, SECRET, headers=headers) == 401
    shop.unrule(rule)
    assert manifest(other, SECRET, headers=headers) == 200


@pytest.fixture
def issuer(client: TestClient) -> Iterator[Provider]:
    """An issuer that an administrator has listed."""
    with running() as made:
        made.person = {"sub": "repo:team/app", "repository": "team/app"}
        configure(client, workload_issuers=made.url)
        yield made


def test_workload_identity_reaches_the_same_rules(client: TestClient, issuer: Provider) -> None:
    shop = Shop(client, "repository:pull", level="system")
    (robot,) = client.get(f"{API}/robots", auth=ADMIN).json()
    trust = {
        "issuer": issuer.url,
        "audience": CLIENT[0],
        "rules": [{"claim": "repository", "pattern": "team/*"}],
        "verify": False,
    }
    made = client.post(f"{API}/robots/{robot['id']}/trusts", json=trust, auth=ADMIN)
    assert made.status_code == 201
    who = shop.robot[0], issuer.token()
    assert manifest(client, SECRET, auth=who) == 200
    shop.hide()
    shop.rule("app/**", DEVELOPER)
    headers = bearer(client, who, PULL.format("secret/a/b"), "repository:team/app/web:pull,push")
    for each in ({"auth": who}, {"headers": headers}):
        assert manifest(client, SECRET, **each) == 401
        assert uploads(client, OPEN, **each) == 202
