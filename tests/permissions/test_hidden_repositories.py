"""Attacks on repositories that a rule hides, or where it takes rights away."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core import rbac
from harbor.doors import operations
from tests.auth import keys
from tests.charts.packing import chart, upload, uploaded
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_repository_rule,
    make_user,
    push_image,
    put_manifest,
    sha256,
    token_for,
)

LIMITED, GUEST, DEVELOPER, MAINTAINER = 5, 3, 2, 4
PULL = "repository:team/{}:pull"
OPEN, SECRET = "team/app/web", "team/secret/a/b"
REST = f"{API}/projects/team/repositories"
IN_PATH = ("{repository_name}", "{chart_name}", "{name}")
# What they are about is not in the path; each is asked for below.
LATER = {
    "/api/v2.0/projects/{project_name}/repositories",
    "/api/v2.0/projects/{project_name_or_id}/artifacts",
    "/chartrepo/{project_name}/index.yaml",
    "/chartrepo/{project_name}/charts/{filename}",
    "/chartrepo/{project_name}/charts/{folder}/{filename}",
    "/api/chartrepo/{project_name}/charts",
    "/api/chartrepo/{project_name}/prov",
    "/harbor/projects/{project_name_or_id}/repositories",
    "/harbor/projects/{project_name_or_id}/push-commands",
    "/harbor/projects/{project_name_or_id}/delete-repositories",
    "/api/v2.0/projects/{project_name}/trash",
    "/api/v2.0/projects/{project_name}/trash/{trash_id}",
    "/api/v2.0/projects/{project_name}/trash/{trash_id}/restore",
    "/harbor/projects/{project_name_or_id}/trash",
    "/harbor/projects/{project_name_or_id}/trash/delete",
    "/harbor/projects/{project_name_or_id}/trash/empty",
    "/harbor/projects/{project_name_or_id}/trash/restore",
}


class Shop:
    """A private project with a repository for all and a hidden one."""

    def __init__(self, client: TestClient, role_id: int = DEVELOPER) -> None:
        self.client = client
        self.id = make_project(client, "team")
        self.dev = make_user(client, "dev")
        self.member = add_member(client, "team", self.dev, role_id)
        self.open, self.secret = push_image(client, OPEN), push_image(client, SECRET)

    def hide(self, role_id: int = 0) -> int:
        return make_repository_rule(self.client, "team", "secret/**", role_id, user=self.dev)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, auth=self.dev, **more)

    def names(self, path: str, **more: Any) -> list[str]:
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        found = [each.get("name") or each["repository_name"] for each in answer.json()]
        assert answer.headers.get("X-Total-Count", str(len(found))) == str(len(found))
        return sorted(found)


@pytest.fixture
def shop(client: TestClient) -> Shop:
    return Shop(client)


def manifest(client: TestClient, name: str, **more: Any) -> int:
    return client.get(f"/v2/{name}/manifests/1.0", **more).status_code


def test_every_operation_about_a_repository_names_it_or_is_tested_here() -> None:
    nameless = {
        op.path
        for op in operations()
        if op.allow.scope == "project"
        and op.allow.resource in rbac.IN_REPOSITORIES
        and not any(each in op.path for each in IN_PATH)
    }
    assert nameless == LATER


def test_with_a_password(shop: Shop) -> None:
    shop.hide()
    assert manifest(shop.client, OPEN, auth=shop.dev) == 200
    assert manifest(shop.client, SECRET, auth=shop.dev) == 401
    for path in ("tags/list", f"blobs/{shop.secret.digest}", f"referrers/{shop.secret.digest}"):
        assert shop.get(f"/v2/{SECRET}/{path}").status_code == 401
    assert shop.client.post(f"/v2/{SECRET}/blobs/uploads/", auth=shop.dev).status_code == 401


def test_a_token_of_one_repository_opens_no_other(shop: Shop) -> None:
    shop.hide()
    headers = bearer(shop.client, shop.dev, PULL.format("app/web"), PULL.format("secret/a/b"))
    assert manifest(shop.client, OPEN, headers=headers) == 200
    assert manifest(shop.client, SECRET, headers=headers) == 401
    # Nor one that this person could have a token for.
    push_image(shop.client, "team/other")
    assert manifest(shop.client, "team/other", headers=headers) == 401


def test_a_token_from_before_the_rule_keeps_what_it_names_and_nothing_else(shop: Shop) -> None:
    headers = bearer(shop.client, shop.dev, PULL.format("app/web"))
    assert manifest(shop.client, SECRET, headers=headers) == 200  # as in Harbor
    shop.hide()
    assert manifest(shop.client, SECRET, headers=headers) == 401
    assert manifest(shop.client, OPEN, headers=headers) == 200


def test_a_token_that_a_rule_widened_opens_nothing_else_once_the_rule_is_gone(
    client: TestClient,
) -> None:
    shop = Shop(client, GUEST)
    rule = make_repository_rule(client, "team", "app/**", DEVELOPER, user=shop.dev)
    headers = bearer(client, shop.dev, "repository:team/app/web:pull,push")
    gone = client.delete(f"{API}/projects/{shop.id}/repositoryrules/{rule}", auth=ADMIN)
    assert gone.status_code == 200
    for name, status in ((SECRET, 401), ("team/app/web", 202)):
        answer = client.post(f"/v2/{name}/blobs/uploads/", headers=headers)
        assert answer.status_code == status


def test_a_rule_counts_at_once_in_every_process(start: Start) -> None:
    shop, other = Shop(start()), start()
    headers = bearer(other, shop.dev, PULL.format("secret/a/b"))
    for _ in range(3):  # the second and third time from memory
        assert manifest(other, SECRET, headers=headers) == 200
    wide = bearer(other, shop.dev, PULL.format("app/web"))
    assert manifest(other, SECRET, headers=wide) == 200
    shop.hide()
    assert manifest(other, SECRET, headers=wide) == 401
    assert manifest(other, SECRET, auth=shop.dev) == 401
    assert manifest(other, SECRET, headers=headers) == 200  # until that token ends


def test_no_blob_is_mounted_from_a_hidden_repository(shop: Shop) -> None:
    shop.hide()
    start = f"/v2/{OPEN}/blobs/uploads/"
    digest = sha256(shop.secret.blobs[0])
    scopes = ("repository:team/app/web:pull,push", PULL.format("secret/a/b"))
    for who in ({"auth": shop.dev}, {"headers": bearer(shop.client, shop.dev, *scopes)}):
        for source in ({"from": SECRET}, {}):
            asked = {"mount": digest} | source
            assert shop.client.post(start, params=asked, **who).status_code == 202  # an upload
            assert shop.client.head(f"/v2/{OPEN}/blobs/{digest}", **who).status_code == 404
    allowed = shop.client.post(start, params={"mount": digest}, auth=ADMIN)
    assert allowed.status_code == 201


def test_no_manifest_is_made_of_hidden_blobs(shop: Shop) -> None:
    shop.hide()
    answer = put_manifest(shop.client, OPEN, "stolen", shop.secret.raw, shop.dev)
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_nothing_is_copied_out_of_or_into_a_hidden_repository(shop: Shop) -> None:
    shop.hide()
    copies = "/artifacts"
    out = shop.client.post(
        f"{REST}/app%252Fweb{copies}", params={"from": f"{SECRET}:1.0"}, auth=shop.dev
    )
    into = shop.client.post(
        f"{REST}/secret%252Fnew{copies}", params={"from": f"{OPEN}:1.0"}, auth=shop.dev
    )
    assert (out.status_code, into.status_code) == (404, 403)


def test_it_is_in_no_list_and_in_no_count(shop: Shop) -> None:
    shop.hide()
    assert shop.names(REST) == [OPEN]
    assert shop.names(f"{API}/repositories") == [OPEN]
    assert shop.names(f"{API}/projects/{shop.id}/artifacts") == [OPEN]
    latest = {"latest_in_repository": "true", "q": "media_type=x"}
    assert shop.get(f"{API}/projects/{shop.id}/artifacts", params=latest).json() == []
    found = shop.get(f"{API}/search", params={"q": "team"}).json()
    assert [each["repository_name"] for each in found["repository"]] == [OPEN]
    assert [each["repo_count"] for each in found["project"]] == [1]
    (project,) = shop.get(f"{API}/projects", params={"name": "team"}).json()
    assert project["repo_count"] == 1
    assert shop.get(f"{API}/projects/{shop.id}").json()["repo_count"] == 1
    assert shop.get(f"{API}/projects/{shop.id}/summary").json()["repo_count"] == 1
    assert shop.get(f"{API}/statistics").json()["private_repo_count"] == 1
    for page in (f"/harbor/projects/{shop.id}/repositories", "/harbor/search?q=team"):
        answer = shop.get(page)
        assert answer.status_code == 200
        assert "app/web" in answer.text
        assert "secret" not in answer.text
    # Everybody else sees what there is.
    assert shop.client.get(f"{API}/projects/{shop.id}", auth=ADMIN).json()["repo_count"] == 2


@pytest.mark.parametrize(
    "name",
    ["secret%252Fa%252Fb", "secret%2Fa%252Fb", "s%65cret%252Fa%252Fb", "%2573ecret%252Fa%252Fb"],
)
def test_however_its_name_is_encoded(shop: Shop, name: str) -> None:
    shop.hide()
    for path in (
        f"{REST}/{name}",
        f"{REST}/{name}/artifacts",
        f"{REST}/{name}/artifacts/1.0",
        f"{REST}/{name}/artifacts/1.0/additions/build_history",
        f"{REST}/{name}/artifacts/1.0/files",
        f"/harbor/projects/{shop.id}/repositories/{name}/artifacts-tab",
        f"/api/chartrepo/team/charts/{name}",
    ):
        assert shop.get(path).status_code in (403, 404), path
        assert shop.client.get(path, auth=ADMIN).status_code != 403


@pytest.mark.parametrize(
    "name", ["team/SECRET/a/b", "team//secret/a/b", "team/secret%2Fa/b", "TEAM/secret/a/b"]
)
def test_however_its_name_is_written_for_clients(shop: Shop, name: str) -> None:
    shop.hide()
    assert manifest(shop.client, name, auth=shop.dev) in (400, 401, 404)
    headers = bearer(shop.client, shop.dev, f"repository:{name}:pull")
    assert manifest(shop.client, name, headers=headers) in (400, 401, 404)
    assert manifest(shop.client, SECRET, headers=headers) == 401


def test_comparing_reaches_into_no_hidden_repository(shop: Shop) -> None:
    shop.hide()
    asked = {"base": "1.0", "repository": "secret/a/b"}
    path = f"{REST}/app%252Fweb/artifacts/1.0/compare"
    assert shop.get(path, params=asked).status_code == 404


def test_the_selection_of_repositories_deletes_none_that_the_caller_may_not(
    client: TestClient,
) -> None:
    shop = Shop(client, MAINTAINER)
    shop.hide(GUEST)
    ids = [each["id"] for each in client.get(REST, auth=ADMIN).json()]
    path = f"/harbor/projects/{shop.id}/delete-repositories"
    assert shop.get(path, params={"id": ids}).status_code == 404
    token = shop.client.get("/harbor/projects", auth=shop.dev)
    assert token.status_code == 200
    answer = client.post(path, data={"id": ids}, auth=shop.dev)
    assert answer.status_code == 404
    assert len(client.get(REST, auth=ADMIN).json()) == 2


def test_charts(client: TestClient) -> None:
    shop = Shop(client)
    uploaded(client, "team/wiki")
    uploaded(client, "team/vault")
    make_repository_rule(client, "team", "vault", 0, user=shop.dev)
    make_repository_rule(client, "team", "wiki", GUEST, user=shop.dev)
    for path in (
        "/chartrepo/team/index.yaml",
        "/chartrepo/index.yaml",
        "/api/chartrepo/team/charts",
    ):
        text = shop.get(path).text
        assert "wiki" in text
        assert "vault" not in text
        assert "vault" in client.get(path, auth=ADMIN).text
    assert shop.get("/chartrepo/team/charts/wiki-1.0.0.tgz").status_code == 200
    assert shop.get("/chartrepo/team/charts/vault-1.0.0.tgz").status_code == 404
    for path in ("vault", "vault/1.0.0"):
        assert shop.get(f"/api/chartrepo/team/charts/{path}").status_code == 403
    for name in ("wiki", "vault"):
        answer = upload(client, f"team/{name}", chart(name, "2.0.0"), login=shop.dev)
        assert answer.status_code == 403
    assert upload(client, "team/new", chart("new", "1.0.0"), login=shop.dev).status_code == 201


def test_a_stranger_with_a_rule_sees_the_project_and_only_that_repository(
    client: TestClient,
) -> None:
    shop = Shop(client)
    sub = make_user(client, "contractor")
    shop.dev = sub
    assert shop.names(f"{API}/projects", params={"name": "team"}) == []
    rule = make_repository_rule(client, "team", "app/**", LIMITED, user=sub)
    assert shop.names(f"{API}/projects", params={"name": "team"}) == ["team"]
    assert shop.names(REST) == [OPEN]
    assert manifest(client, OPEN, auth=sub) == 200
    assert manifest(client, SECRET, auth=sub) == 401
    assert shop.get(f"{API}/projects/{shop.id}/members").status_code == 403
    assert shop.get(f"{API}/projects/{shop.id}/summary").json() == {"repo_count": 1}
    assert shop.get(f"/harbor/projects/{shop.id}/repositories").status_code == 200
    # What holds for every member gives nothing to who is none.
    make_repository_rule(client, "team", "**", DEVELOPER)
    assert shop.names(REST) == [OPEN]
    client.delete(f"{API}/projects/{shop.id}/repositoryrules/{rule}", auth=ADMIN)
    assert shop.get(REST).status_code == 403


def test_a_removed_member_keeps_nothing(shop: Shop) -> None:
    make_repository_rule(shop.client, "team", "app/**", DEVELOPER, user=shop.dev)
    assert shop.client.delete(shop.member, auth=ADMIN).status_code == 200
    assert manifest(shop.client, OPEN, auth=shop.dev) == 401
    assert rules(shop) == []


def test_nor_does_a_deleted_account(shop: Shop) -> None:
    make_repository_rule(shop.client, "team", "app/**", DEVELOPER, user=shop.dev)
    found = shop.client.get(f"{API}/users/search", params={"username": "dev"}, auth=ADMIN)
    user_id = found.json()[0]["user_id"]
    assert shop.client.delete(f"{API}/users/{user_id}", auth=ADMIN).status_code == 200
    assert rules(shop) == []
    again = make_user(shop.client, "dev")
    assert manifest(shop.client, OPEN, auth=again) == 401


def rules(shop: Shop) -> list[Any]:
    found = shop.client.get(f"{API}/projects/{shop.id}/repositoryrules", auth=ADMIN)
    return list(found.json())


def test_what_everybody_may_read_is_not_hidden(client: TestClient) -> None:
    make_project(client, "open", public=True)
    dev: Login = make_user(client, "dev")
    add_member(client, "open", dev, DEVELOPER)
    push_image(client, "open/app")
    make_repository_rule(client, "open", "**", 0, user=dev)
    assert manifest(client, "open/app", auth=dev) == 200
    assert [each["name"] for each in client.get(f"{API}/repositories", auth=dev).json()] == [
        "open/app"
    ]
    assert client.post("/v2/open/app/blobs/uploads/", auth=dev).status_code == 401


def test_administrators_are_never_narrowed(client: TestClient) -> None:
    shop = Shop(client, 1)
    shop.hide()
    make_repository_rule(client, "team", "**", 0)
    for who in (shop.dev, ADMIN):
        assert manifest(client, SECRET, auth=who) == 200
        assert len(client.get(REST, auth=who).json()) == 2


def test_a_token_says_that_its_rights_hold_in_one_repository(shop: Shop) -> None:
    scope = PULL.format("app/web")
    before = keys.read(token_for(shop.client, shop.dev, scope))[1]["access"][0]
    shop.hide()
    after = keys.read(token_for(shop.client, shop.dev, scope))[1]["access"][0]
    assert "exact" not in before
    assert after["exact"] is True


def test_of_the_trash_of_a_hidden_repository_nothing_is_seen_or_done(client: TestClient) -> None:
    shop = Shop(client, MAINTAINER)
    for own, pushed in (("app%252Fweb", shop.open), ("secret%252Fa%252Fb", shop.secret)):
        gone = client.delete(f"{REST}/{own}/artifacts/{pushed.digest}", auth=ADMIN)
        assert gone.status_code == 200
    trash = f"{API}/projects/team/trash"
    ids = {each["repository_name"]: each["id"] for each in client.get(trash, auth=ADMIN).json()}
    shop.hide()
    assert shop.names(trash) == [OPEN]
    hidden = f"{trash}/{ids[SECRET]}"
    assert client.post(f"{hidden}/restore", auth=shop.dev).status_code == 404
    assert client.delete(hidden, auth=shop.dev).status_code == 404
    assert client.delete(trash, auth=shop.dev).status_code == 403
    assert client.post(f"{trash}/{ids[OPEN]}/restore", auth=shop.dev).status_code == 200
    assert client.delete(hidden, auth=ADMIN).status_code == 200


def test_pages_compare_with_and_copy_to_no_hidden_repository(shop: Shop) -> None:
    shop.hide()
    here = f"/harbor/projects/{shop.id}/repositories/app%252Fweb/artifacts-tab"
    one = f"{here}/artifacts/{shop.open.digest}/compare"
    for query in ({"repository": "secret/a/b"}, {"repository": "secret/a/b", "base": "1.0"}):
        assert shop.get(one, params=query).status_code == 404
    assert "secret" not in shop.get(one).text
    listed = shop.client.get(f"{REST}/app%252Fweb/artifacts", auth=shop.dev).json()
    form = {"id": listed[0]["id"], "project": "team", "repository": "secret/a/b"}
    assert shop.client.post(f"{here}/copy", data=form, auth=shop.dev).status_code == 403


def test_what_a_hidden_repository_holds_is_not_told(shop: Shop) -> None:
    path = f"{API}/projects/team/storage"
    assert SECRET in shop.get(path).text
    shop.hide()
    assert SECRET not in shop.get(path).text
    assert "secret" not in shop.get(f"/harbor/projects/{shop.id}/storage").text
